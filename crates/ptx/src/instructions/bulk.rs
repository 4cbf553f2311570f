//! Bulk copies and cluster launch control (PTX ISA 9.7.9.25.4, 9.7.13.17).
//!
//! As with other asynchronous copies ([`super::copy`]), the work is done on the spot.

use simt_ir::{AddressSpace, BinaryOp, IntCondition, MemoryOrder, Op, Type, Value};

use super::copy::announce;
use super::mbarrier::complete_transactions;
use super::memory::{Target, bracketed, elements, target};
use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "cp.async.bulk.SPACE{shared::cluster shared::cta}.global.mbarrier::complete_tx::bytes.L2::cache_hint? \
             [d], [a], size:u32, [bar], policy:b64? @8.0 sm_90",
            "cp.async.bulk.SPACE{shared::cluster}.FROM{shared::cta}.mbarrier::complete_tx::bytes \
             [d], [a], size:u32, [bar] @8.0 sm_90",
            "cp.async.bulk.SPACE{shared::cta}.global.mbarrier::complete_tx::bytes.ignore_oob \
             [d], [a], size:u32, left:u32, right:u32, [bar] @9.2 sm_90",
        ],
        guarding: Guarding::Region,
        lower: to_shared,
    },
    Declaration {
        forms: &["cp.async.bulk.SPACE{shared::cluster}.global.mbarrier::complete_tx::bytes.multicast::cluster\
             .L2::cache_hint? [d], [a], size:u32, [bar], mask:b16, policy:b64? @8.0 sm_90"],
        guarding: Guarding::Region,
        lower: to_many,
    },
    Declaration {
        forms: &[
            "cp.async.bulk.global.shared::cta.bulk_group.L2::cache_hint? [d], [a], size:u32, policy:b64? @8.0 sm_90",
            "cp.async.bulk.global.shared::cta.bulk_group.cp_mask [d], [a], size:u32, mask:b16 @8.6 sm_100",
            "cp.async.bulk.global.shared::cta.bulk_group.L2::cache_hint.cp_mask [d], [a], size:u32, policy:b64, mask:b16 \
             @8.6 sm_100",
        ],
        guarding: Guarding::Region,
        lower: to_global,
    },
    Declaration {
        forms: &["cp.async.bulk.commit_group @8.0 sm_90", "cp.async.bulk.wait_group.read? #n:u32 @8.0 sm_90"],
        guarding: Guarding::Region,
        lower: announce,
    },
    Declaration {
        forms: &["cp.async.bulk.prefetch.LEVEL{L2}.global.L2::cache_hint? [a], size:u32, policy:b64? @8.0 sm_90"],
        guarding: Guarding::Region,
        lower: |_, _| Ok(()),
    },
    Declaration {
        forms: &["clusterlaunchcontrol.try_cancel.async.SPACE{shared::cta}?.mbarrier::complete_tx::bytes\
             .multicast::cluster::all?.b128 [d], [bar] @8.6 sm_100"],
        guarding: Guarding::Region,
        lower: try_cancel,
    },
    Declaration {
        forms: &[
            "clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 =p:pred, a:b128 @8.6 sm_100",
            "clusterlaunchcontrol.query_cancel.get_first_ctaid.v4.b32.b128 =d:b32*4, a:b128 @8.6 sm_100",
            "clusterlaunchcontrol.query_cancel.DIMENSION{get_first_ctaid::x get_first_ctaid::y get_first_ctaid::z}\
             .b32.b128 =d:b32, a:b128 @8.6 sm_100",
        ],
        guarding: Guarding::Select,
        lower: query_cancel,
    },
];

/// Bytes that a turn of a copy's loop moves; sizes are multiples of it.
const CHUNK_BYTES: u32 = 16;

fn to_shared(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let to = target(cx, i.slot("SPACE"), bracketed(i, "d")?)?;
    let from = target(cx, i.slot("FROM").or(Some("global")), bracketed(i, "a")?)?;
    let barrier = target(cx, i.slot("SPACE"), bracketed(i, "bar")?)?;
    let size = cx.source(i, "size")?;
    let bytes = if i.has("ignore_oob") {
        let (left, right) = (cx.source(i, "left")?, cx.source(i, "right")?);
        let end = cx.binary(BinaryOp::Sub, size, right);
        Bytes::Between { start: left, end }
    } else {
        Bytes::All
    };
    copy(cx, &from, &to, size, bytes);
    complete_transactions(cx, &barrier, size);
    Ok(())
}

/// To the same offset in the shared memory of each block of the cluster whose bit is set.
fn to_many(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let to = target(cx, i.slot("SPACE"), bracketed(i, "d")?)?;
    let from = target(cx, Some("global"), bracketed(i, "a")?)?;
    let barrier = target(cx, i.slot("SPACE"), bracketed(i, "bar")?)?;
    let (size, mask) = (cx.source(i, "size")?, cx.source(i, "mask")?);
    to_each_block(cx, mask, [to, barrier], |cx, [to, barrier]| {
        copy(cx, &from, &to, size, Bytes::All);
        complete_transactions(cx, &barrier, size);
    });
    Ok(())
}

/// Does something for each block of the cluster whose bit in `mask`, an `i16`, is set, with what places in shared memory are there.
pub(super) fn to_each_block(
    cx: &mut Lowering<'_>,
    mask: Value,
    places: [Target; 2],
    mut turn: impl FnMut(&mut Lowering<'_>, [Target; 2]),
) {
    let mask = cx.resize(false, Type::I32, mask);
    let start = cx.word(0);
    cx.repeat(start, |cx, rank| {
        let bit = cx.binary(BinaryOp::ShrUnsigned, mask, rank);
        let wanted = cx.resize(false, Type::I1, bit);
        let after = cx.begin_region(wanted);
        let there = places.map(|own| {
            let own_address = if own.space == AddressSpace::Shared {
                cx.builder.push1(Op::ToGeneric { space: AddressSpace::Shared, a: own.address })
            } else {
                own.address
            };
            let address = cx.builder.push1(Op::MapToRank { a: own_address, rank });
            Target { space: AddressSpace::Generic, address, offset: own.offset }
        });
        turn(cx, there);
        cx.end_region(after);
        let next = cx.binary_constant(BinaryOp::Add, rank, 1);
        let rest = cx.binary(BinaryOp::ShrUnsigned, mask, next);
        let done = cx.is_zero(rest);
        (next, done)
    });
}

/// Copies a known number of bytes, a multiple of 16.
pub(super) fn copy_constant(cx: &mut Lowering<'_>, from: &Target, to: &Target, bytes: u32) {
    let size = cx.word(bytes);
    copy(cx, from, to, size, Bytes::All);
}

fn to_global(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let to = target(cx, Some("global"), bracketed(i, "d")?)?;
    let from = target(cx, Some("shared"), bracketed(i, "a")?)?;
    let size = cx.source(i, "size")?;
    let bytes = if i.operand("mask").is_some() { Bytes::OfEachChunk(cx.source(i, "mask")?) } else { Bytes::All };
    copy(cx, &from, &to, size, bytes);
    Ok(())
}

/// Which bytes of a range are copied.
#[derive(Clone, Copy)]
enum Bytes {
    All,
    /// Of each chunk those whose bit is set in this `i16`.
    OfEachChunk(Value),
    /// Those from `start` to `end`, both `i32`; the others may lie outside every allocation.
    Between {
        start: Value,
        end: Value,
    },
}

/// Copies `size` bytes in chunks of 16.
fn copy(cx: &mut Lowering<'_>, from: &Target, to: &Target, size: Value, bytes: Bytes) {
    let zero = cx.word(0);
    let some = cx.compare(IntCondition::Ne, size, zero);
    let after = cx.begin_region(some);
    let start = cx.word(0);
    cx.repeat(start, |cx, position| {
        let step = cx.resize(false, Type::I64, position);
        let chunk = Chunk {
            from: Target { address: cx.binary(BinaryOp::Add, from.address, step), ..*from },
            to: Target { address: cx.binary(BinaryOp::Add, to.address, step), ..*to },
            position,
        };
        let next = cx.binary_constant(BinaryOp::Add, position, u64::from(CHUNK_BYTES));
        match bytes {
            Bytes::All => chunk.copy_whole(cx),
            Bytes::OfEachChunk(_) => chunk.copy_bytes(cx, bytes),
            Bytes::Between { start, end } => {
                let not_before = cx.compare(IntCondition::GeUnsigned, position, start);
                let not_behind = cx.compare(IntCondition::LeUnsigned, next, end);
                let whole = cx.binary(BinaryOp::And, not_before, not_behind);
                let rest = cx.begin_region(whole);
                chunk.copy_whole(cx);
                cx.end_region(rest);
                let partial = cx.not(whole);
                let rest = cx.begin_region(partial);
                chunk.copy_bytes(cx, bytes);
                cx.end_region(rest);
            }
        }
        let done = cx.compare(IntCondition::GeUnsigned, next, size);
        (next, done)
    });
    cx.end_region(after);
}

/// 16 bytes of a copy.
struct Chunk {
    from: Target,
    to: Target,
    /// Byte offset in the copy.
    position: Value,
}

impl Chunk {
    fn copy_whole(&self, cx: &mut Lowering<'_>) {
        let words = load(cx, &self.from, 0, Type::I64, 2, None);
        store(cx, &self.to, 0, Type::I64, words, None);
    }

    fn copy_bytes(&self, cx: &mut Lowering<'_>, bytes: Bytes) {
        for byte in 0..CHUNK_BYTES {
            let wanted = match bytes {
                Bytes::All => None,
                Bytes::OfEachChunk(mask) => {
                    let bit = cx.shift_right_by(false, mask, byte);
                    Some(cx.resize(false, Type::I1, bit))
                }
                Bytes::Between { start, end } => {
                    let index = cx.binary_constant(BinaryOp::Add, self.position, u64::from(byte));
                    let not_before = cx.compare(IntCondition::GeUnsigned, index, start);
                    let before_end = cx.compare(IntCondition::LtUnsigned, index, end);
                    Some(cx.binary(BinaryOp::And, not_before, before_end))
                }
            };
            let value = load(cx, &self.from, i64::from(byte), Type::I8, 1, wanted);
            store(cx, &self.to, i64::from(byte), Type::I8, value, wanted);
        }
    }
}

fn load(cx: &mut Lowering<'_>, from: &Target, at: i64, ty: Type, count: u8, guard: Option<Value>) -> Vec<Value> {
    let Target { space, address, offset } = *from;
    let offset = offset + at;
    cx.builder.push(Op::Load { space, ty, count, order: MemoryOrder::Weak, address, offset, guard })
}

fn store(cx: &mut Lowering<'_>, to: &Target, at: i64, ty: Type, values: Vec<Value>, guard: Option<Value>) {
    let Target { space, address, offset } = *to;
    let offset = offset + at;
    cx.builder.push(Op::Store { space, ty, order: MemoryOrder::Weak, address, offset, values, guard });
}

/// No block is ever cancelled, which a program has to expect: the response is all zeros.
fn try_cancel(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let response = target(cx, Some("shared"), bracketed(i, "d")?)?;
    let barrier = target(cx, Some("shared"), bracketed(i, "bar")?)?;
    let zero = cx.constant(Type::I64, 0);
    store(cx, &response, 0, Type::I64, vec![zero, zero], None);
    let bytes = cx.word(CHUNK_BYTES);
    complete_transactions(cx, &barrier, bytes);
    Ok(())
}

/// Reads a response: whether it is not zero, or its first words.
fn query_cancel(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let response = cx.source_as(i, "a", ScalarType::B128)?;
    if i.has("is_canceled") {
        let zero = cx.is_zero(response);
        let canceled = cx.not(zero);
        return cx.write(i, "p", canceled);
    }
    let words = cx.unpack(response, 4);
    let results = i.operand("d").map(elements).unwrap_or_default();
    let first = match i.slot("DIMENSION") {
        Some("get_first_ctaid::y") => 1,
        Some("get_first_ctaid::z") => 2,
        _ => 0,
    };
    results.iter().zip(&words[first..]).try_for_each(|(result, word)| cx.assign(result, *word, false))
}
