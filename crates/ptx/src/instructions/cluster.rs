//! The shared memory of a cluster's blocks (PTX ISA 5.1.8, 9.7.9.22, 9.7.9.23).
//!
//! An address in the window of the cluster has the rank of a block, and one more than that, above 24 bits of offset. One without is in the
//! block itself, so that addresses of the block's own variables are addresses in both windows.

use simt_ir::{AddressSpace, BinaryOp, IntCondition, Op, SpecialRegister, Type, Value};

use super::{Declaration, Guarding, address};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &["mapa.SPACE{shared::cluster}?.T{u32 u64} =d:T, a:any, b:u32 @7.8 sm_90"],
        guarding: Guarding::Select,
        lower: map,
    },
    Declaration {
        forms: &["getctarank.SPACE{shared::cluster}?.T{u32 u64} =d:u32, a:any @7.8 sm_90"],
        guarding: Guarding::Select,
        lower: rank,
    },
];

const OFFSET_BITS: u32 = 24;
const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;

/// Where the block's own variables begin, and what an address in the cluster's window says: offset, and one more than the rank or 0.
fn parts(cx: &mut Lowering<'_>, address: Value) -> (Value, Value) {
    let offset = cx.binary_constant(BinaryOp::And, address, OFFSET_MASK);
    let above = cx.shift_right_by(false, address, OFFSET_BITS);
    (offset, cx.resize(false, Type::I32, above))
}

/// The generic address of an address in the cluster's window, both `i64`.
pub(super) fn to_generic(cx: &mut Lowering<'_>, address: Value) -> Value {
    let (offset, above) = parts(cx, address);
    let own = cx.builder.push1(Op::ToGeneric { space: AddressSpace::Shared, a: offset });
    let rank = cx.binary_constant(BinaryOp::Sub, above, 1);
    let other = cx.builder.push1(Op::MapToRank { a: own, rank });
    let is_own = cx.is_zero(above);
    cx.select(is_own, own, other)
}

/// The address in the cluster's window of a generic address, both `i64`.
pub(super) fn from_generic(cx: &mut Lowering<'_>, generic: Value) -> Value {
    let own_rank = cx.builder.push1(Op::Special(SpecialRegister::ClusterCtarank));
    let rank = cx.builder.push1(Op::RankOf { a: generic });
    let here = cx.builder.push1(Op::MapToRank { a: generic, rank: own_rank });
    // What lies in another block, moved to the own one.
    let distance = cx.binary(BinaryOp::Sub, own_rank, rank);
    let moved_rank = cx.binary(BinaryOp::Add, own_rank, distance);
    let moved = cx.builder.push1(Op::MapToRank { a: generic, rank: moved_rank });
    let is_own = cx.compare(IntCondition::Eq, rank, own_rank);
    let at_home = cx.select(is_own, here, moved);
    let offset = cx.builder.push1(Op::FromGeneric { space: AddressSpace::Shared, a: at_home });
    let above = cx.binary_constant(BinaryOp::Add, rank, 1);
    let zero = cx.word(0);
    let above = cx.select(is_own, zero, above);
    let above = cx.resize(false, Type::I64, above);
    let above = cx.shift_left_by(above, OFFSET_BITS);
    cx.binary(BinaryOp::Or, above, offset)
}

/// Whether a generic address lies in the shared memory of a block of the cluster.
pub(super) fn is_within(cx: &mut Lowering<'_>, generic: Value) -> Value {
    let rank = cx.builder.push1(Op::RankOf { a: generic });
    let count = cx.builder.push1(Op::Special(SpecialRegister::ClusterNctarank));
    cx.compare(IntCondition::LtUnsigned, rank, count)
}

fn map(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = address::operand(cx, i)?;
    let rank = cx.source(i, "b")?;
    let d = if i.slot("SPACE").is_some() {
        let (offset, _) = parts(cx, a);
        let above = cx.binary_constant(BinaryOp::Add, rank, 1);
        let above = cx.resize(false, Type::I64, above);
        let above = cx.shift_left_by(above, OFFSET_BITS);
        cx.binary(BinaryOp::Or, above, offset)
    } else {
        cx.builder.push1(Op::MapToRank { a, rank })
    };
    let d = cx.reinterpret(d, i.ty("T"));
    cx.write(i, "d", d)
}

fn rank(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = address::operand(cx, i)?;
    let generic = if i.slot("SPACE").is_some() { to_generic(cx, a) } else { a };
    let d = cx.builder.push1(Op::RankOf { a: generic });
    cx.write(i, "d", d)
}
