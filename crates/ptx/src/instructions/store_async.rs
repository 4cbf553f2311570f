//! Asynchronous stores and reductions (PTX ISA 9.7.9.12, 9.7.9.13, 9.7.13.7, 9.7.9.25.4.2).
//!
//! As with other asynchronous copies ([`super::copy`]), the work is done on the spot, and the barrier is told of it.

use simt_ir::{BinaryOp, IntCondition, MemoryOrder, Op, Scope, Type, Value};

use super::atomic::{operation, scope};
use super::mbarrier::complete_transactions;
use super::memory::{Target, bracketed, constant_operand, elements, target};
use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem, ir_type};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "st.async.weak?.SPACE{shared::cluster}?.mbarrier::complete_tx::bytes.V{v2 v4}?\
             .T{b32 b64 u32 u64 s32 s64 f32 f64} [a], b:T*V, [bar] @8.1 sm_90",
            "st.async.mmio?.release.SCOPE{cluster gpu sys}.SPACE{global}?.T{b8 b16 b32 b64 u8 u16 u32 u64 s8 s16 s32 s64 f32 f64} \
             [a], b:T~ @8.7 sm_100",
        ],
        guarding: Guarding::Region,
        lower: store,
    },
    Declaration {
        forms: &["st.bulk.weak?.SPACE{shared::cta}? [a], size:b64, #value:b64 @8.6 sm_100"],
        guarding: Guarding::Region,
        lower: store_zeros,
    },
    Declaration {
        forms: &[
            "red.async.relaxed.SCOPE{cluster}.SPACE{shared::cluster}?.mbarrier::complete_tx::bytes\
             .OP{inc dec}.T{u32} [a], b:T, [bar] @8.1 sm_90",
            "red.async.relaxed.SCOPE{cluster}.SPACE{shared::cluster}?.mbarrier::complete_tx::bytes\
             .OP{min max}.T{u32 s32} [a], b:T, [bar] @8.1 sm_90",
            "red.async.relaxed.SCOPE{cluster}.SPACE{shared::cluster}?.mbarrier::complete_tx::bytes\
             .OP{and or xor}.T{b32} [a], b:T, [bar] @8.1 sm_90",
            "red.async.relaxed.SCOPE{cluster}.SPACE{shared::cluster}?.mbarrier::complete_tx::bytes\
             .OP{add}.T{u32 s32 u64 s64} [a], b:T, [bar] @8.1 sm_90",
            "red.async.mmio?.release.SCOPE{cluster gpu sys}.SPACE{global}?.OP{inc dec}.T{u32} [a], b:T @8.7 sm_100",
            "red.async.mmio?.release.SCOPE{cluster gpu sys}.SPACE{global}?.OP{min max}.T{u32 s32} [a], b:T @8.7 sm_100",
            "red.async.mmio?.release.SCOPE{cluster gpu sys}.SPACE{global}?.OP{and or xor}.T{b32} [a], b:T @8.7 sm_100",
            "red.async.mmio?.release.SCOPE{cluster gpu sys}.SPACE{global}?.OP{add}.T{u32 s32 u64 s64} [a], b:T @8.7 sm_100",
        ],
        guarding: Guarding::Region,
        lower: reduce,
    },
    Declaration {
        forms: &[
            "cp.reduce.async.bulk.SPACE{shared::cluster}.FROM{shared::cta}.mbarrier::complete_tx::bytes\
             .OP{and or xor}.T{b32} [d], [a], size:u32, [bar] @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{shared::cluster}.FROM{shared::cta}.mbarrier::complete_tx::bytes\
             .OP{add}.T{u32 s32 u64} [d], [a], size:u32, [bar] @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{shared::cluster}.FROM{shared::cta}.mbarrier::complete_tx::bytes\
             .OP{min max}.T{u32 s32} [d], [a], size:u32, [bar] @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{shared::cluster}.FROM{shared::cta}.mbarrier::complete_tx::bytes\
             .OP{inc dec}.T{u32} [d], [a], size:u32, [bar] @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{global}.FROM{shared::cta}.bulk_group.L2::cache_hint?\
             .OP{and or xor}.T{b32 b64} [d], [a], size:u32, policy:b64? @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{global}.FROM{shared::cta}.bulk_group.L2::cache_hint?\
             .OP{add}.T{u32 s32 u64 f32 f64} [d], [a], size:u32, policy:b64? @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{global}.FROM{shared::cta}.bulk_group.L2::cache_hint?\
             .OP{add}.noftz.T{f16 bf16} [d], [a], size:u32, policy:b64? @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{global}.FROM{shared::cta}.bulk_group.L2::cache_hint?\
             .OP{min max}.T{u32 s32 u64 s64 f16 bf16} [d], [a], size:u32, policy:b64? @8.0 sm_90",
            "cp.reduce.async.bulk.SPACE{global}.FROM{shared::cta}.bulk_group.L2::cache_hint?\
             .OP{inc dec}.T{u32} [d], [a], size:u32, policy:b64? @8.0 sm_90",
        ],
        guarding: Guarding::Region,
        lower: reduce_many,
    },
];

/// Tells the barrier, if there is one, that `bytes` have arrived.
fn complete(cx: &mut Lowering<'_>, i: &Checked<'_>, bytes: Value) -> Result<(), Problem> {
    if i.operand("bar").is_some() {
        let barrier = target(cx, i.slot("SPACE"), bracketed(i, "bar")?)?;
        complete_transactions(cx, &barrier, bytes);
    }
    Ok(())
}

fn store(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let Target { space, address, offset } = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let sources = i.operand("b").map(elements).unwrap_or_default();
    let values = sources.iter().map(|source| cx.value(source, ty)).collect::<Result<Vec<_>, _>>()?;
    let bytes = ty.bytes() * values.len() as u32;
    let order = if i.has("release") { MemoryOrder::Release } else { MemoryOrder::Weak };
    cx.builder.push(Op::Store { space, ty: ir_type(ty), order, address, offset, values, guard: None });
    let bytes = cx.word(bytes);
    complete(cx, i, bytes)
}

/// An atomic operation whose result nobody wants.
fn atomic(cx: &mut Lowering<'_>, i: &Checked<'_>, to: &Target, scope: Scope, operand: Value) {
    let ty = i.ty("T");
    let order = if i.has("release") { MemoryOrder::Release } else { MemoryOrder::Relaxed };
    cx.builder.push(Op::Atomic {
        op: operation(i, ty),
        space: to.space,
        ty: ir_type(ty),
        order,
        scope,
        address: to.address,
        offset: to.offset,
        operand,
        compare: None,
        guard: None,
        returns: false,
    });
}

fn reduce(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let to = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let b = cx.source(i, "b")?;
    atomic(cx, i, &to, scope(i.slot("SCOPE")), b);
    let bytes = cx.word(i.ty("T").bytes());
    complete(cx, i, bytes)
}

/// A loop over the multiples of `step` below `size`, an `i32` or `i64`.
fn for_each(cx: &mut Lowering<'_>, size: Value, step: u32, turn: impl FnOnce(&mut Lowering<'_>, Value)) {
    let ty = cx.ty(size);
    let start = cx.constant(ty, 0);
    let some = cx.compare(IntCondition::Ne, size, start);
    let after = cx.begin_region(some);
    cx.repeat(start, |cx, position| {
        let distance = cx.resize(false, Type::I64, position);
        turn(cx, distance);
        let next = cx.binary_constant(BinaryOp::Add, position, u64::from(step));
        let done = cx.compare(IntCondition::GeUnsigned, next, size);
        (next, done)
    });
    cx.end_region(after);
}

/// Zeros are all that can be stored; the size is a multiple of 8.
fn store_zeros(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    if constant_operand(i, "value") != Some(0) {
        return Problem::invalid("the value is 0");
    }
    let to = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let size = cx.source(i, "size")?;
    for_each(cx, size, 8, |cx, distance| {
        let address = cx.binary(BinaryOp::Add, to.address, distance);
        let values = vec![cx.constant(Type::I64, 0)];
        let (ty, order, offset) = (Type::I64, MemoryOrder::Weak, to.offset);
        cx.builder.push(Op::Store { space: to.space, ty, order, address, offset, values, guard: None });
    });
    Ok(())
}

/// Element by element: each is one atomic operation, as on the card.
fn reduce_many(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let to = target(cx, i.slot("SPACE"), bracketed(i, "d")?)?;
    let from = target(cx, i.slot("FROM"), bracketed(i, "a")?)?;
    let size = cx.source(i, "size")?;
    for_each(cx, size, ty.bytes(), |cx, distance| {
        let address = cx.binary(BinaryOp::Add, from.address, distance);
        let (space, order, offset) = (from.space, MemoryOrder::Weak, from.offset);
        let load = Op::Load { space, ty: ir_type(ty), count: 1, order, address, offset, guard: None };
        let value = cx.builder.push1(load);
        let address = cx.binary(BinaryOp::Add, to.address, distance);
        atomic(cx, i, &Target { address, ..to }, Scope::Device, value);
    });
    complete(cx, i, size)
}
