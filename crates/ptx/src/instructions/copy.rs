//! Asynchronous copies of a thread (PTX ISA 9.7.9.25.3).
//!
//! A copy may be complete as soon as it is issued: it is done on the spot, and waiting for it is nothing. Only in a program with marks
//! ([`announce`]) an observer hears of it.

use simt_ir::{AddressSpace, IntCondition, MemoryOrder, Op, Type, Value};

use super::memory::{Target, bracketed, constant_operand, target};
use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "cp.async.CACHE{ca cg}.SPACE{shared shared::cta}.global.L2::cache_hint.PREFETCH? \
             [d], [a], #size:u32, policy:b64 @7.4 sm_80",
            "cp.async.CACHE{ca cg}.SPACE{shared shared::cta}.global.L2::cache_hint?.PREFETCH? \
             [d], [a], #size:u32, n:u32?, policy:b64? @7.0 sm_80",
            "cp.async.CACHE{ca cg}.SPACE{shared shared::cta}.global.L2::cache_hint?.PREFETCH? \
             [d], [a], #size:u32, ignore:pred, policy:b64? @7.5 sm_80",
        ],
        guarding: Guarding::Region,
        lower: copy,
    },
    Declaration {
        forms: &[
            "cp.async.commit_group @7.0 sm_80",
            "cp.async.wait_group #n:u32 @7.0 sm_80",
            "cp.async.wait_all @7.0 sm_80",
        ],
        guarding: Guarding::Region,
        lower: announce,
    },
];

/// An instruction that does nothing but to order others: where observers count instructions, they hear of it as of an operation of the lanes
/// that execute it.
pub(super) fn announce(cx: &mut Lowering<'_>, _: &Checked<'_>) -> Result<(), Problem> {
    if cx.program.marks {
        let mask = cx.builder.push1(Op::ActiveMask);
        cx.builder.push(Op::WarpSync { mask });
    }
    Ok(())
}

/// A type and a number of elements that make 4, 8 or 16 bytes.
fn words(size: u64) -> Option<(Type, u8)> {
    match size {
        4 => Some((Type::I32, 1)),
        8 => Some((Type::I64, 1)),
        16 => Some((Type::I64, 2)),
        _ => None,
    }
}

/// Copies `size` bytes. Of these only the first `n` are read, or none if `ignore` is true; the others become zero.
fn copy(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let size = constant_operand(i, "size");
    let Some((size, (ty, count))) = size.and_then(|size| Some((size, words(size)?))) else {
        return Problem::invalid("a copy has 4, 8 or 16 bytes");
    };
    let to = target(cx, Some("shared"), bracketed(i, "d")?)?;
    let from = target(cx, Some("global"), bracketed(i, "a")?)?;
    if i.operand("ignore").is_some() {
        let ignore = cx.source(i, "ignore")?;
        let wanted = cx.not(ignore);
        let values = load(cx, &from, ty, count, 0, Some(wanted));
        store(cx, &to, ty, 0, values);
        return Ok(());
    }
    if i.operand("n").is_none() {
        let values = load(cx, &from, ty, count, 0, None);
        store(cx, &to, ty, 0, values);
        return Ok(());
    }
    let n = cx.source(i, "n")?;
    let full_size = cx.word(size as u32);
    let whole = cx.compare(IntCondition::GeUnsigned, n, full_size);
    // Lanes that are not guarded get zeros, which is what a copy of no bytes stores.
    let values = load(cx, &from, ty, count, 0, Some(whole));
    store(cx, &to, ty, 0, values);
    copy_part(cx, &from, &to, n, whole, size);
    Ok(())
}

/// Copies the first `n` bytes one by one, where `n` is neither 0 nor the whole size.
fn copy_part(cx: &mut Lowering<'_>, from: &Target, to: &Target, n: Value, whole: Value, size: u64) {
    let zero = cx.word(0);
    let some = cx.compare(IntCondition::Ne, n, zero);
    let not_whole = cx.not(whole);
    let part = cx.binary(simt_ir::BinaryOp::And, some, not_whole);
    let after = cx.begin_region(part);
    for index in 0..size {
        let position = cx.word(index as u32);
        let wanted = cx.compare(IntCondition::GtUnsigned, n, position);
        let byte = load(cx, from, Type::I8, 1, index as i64, Some(wanted));
        store(cx, to, Type::I8, index as i64, byte);
    }
    cx.end_region(after);
}

fn load(cx: &mut Lowering<'_>, from: &Target, ty: Type, count: u8, at: i64, guard: Option<Value>) -> Vec<Value> {
    let (space, address, offset) = (AddressSpace::Global, from.address, from.offset + at);
    cx.builder.push(Op::Load { space, ty, count, order: MemoryOrder::Weak, address, offset, guard })
}

fn store(cx: &mut Lowering<'_>, to: &Target, ty: Type, at: i64, values: Vec<Value>) {
    let (space, address, offset) = (AddressSpace::Shared, to.address, to.offset + at);
    cx.builder.push(Op::Store { space, ty, order: MemoryOrder::Weak, address, offset, values, guard: None });
}
