//! Atomic operations (PTX ISA 9.7.13.5, 9.7.13.6).

use simt_ir::{AtomicOp, MemoryOrder, Op, Scope, Type, Value};

use super::memory::{Target, bracketed, elements, target};
use super::{Declaration, Guarding};
use crate::ast::{ScalarType, TypeKind};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem, ir_type};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{and or xor exch}.L2::cache_hint?.T{b32 b64} =d:T, [a], b:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{add}.L2::cache_hint?.T{u32 s32 u64} =d:T, [a], b:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{inc dec}.L2::cache_hint?.T{u32} =d:T, [a], b:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{min max}.L2::cache_hint?.T{u32 s32 u64 s64} =d:T, [a], b:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{add}.L2::cache_hint?.T{f32 f64} =d:T, [a], b:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{add}.noftz.L2::cache_hint?.T{f16 f16x2 bf16 bf16x2} =d:T, [a], b:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{exch}.L2::cache_hint?.T{b128} =d:T, [a], b:T, policy:b64? @8.3 sm_90",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{cas}.L2::cache_hint?.T{b16 b32 b64 b128} =d:T, [a], b:T, c:T, policy:b64?",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global}?\
             .OP{add}.L2::cache_hint?.V.T{f32} \
             =d:T*V, [a], b:T*V, policy:b64? @8.1 sm_90",
            "atom.ORDER{relaxed acquire release acq_rel}?.SCOPE?.SPACE{global}?\
             .OP{add min max}.noftz.L2::cache_hint?.V.T{f16 f16x2 bf16 bf16x2} \
             =d:T*V, [a], b:T*V, policy:b64? @8.1 sm_90",
        ],
        guarding: Guarding::Operand,
        lower: atomic,
    },
    Declaration {
        forms: &[
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{and or xor}.L2::cache_hint?.T{b32 b64} [a], b:T, policy:b64?",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{add}.L2::cache_hint?.T{u32 s32 u64} [a], b:T, policy:b64?",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{inc dec}.L2::cache_hint?.T{u32} [a], b:T, policy:b64?",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{min max}.L2::cache_hint?.T{u32 s32 u64 s64} [a], b:T, policy:b64?",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{add}.L2::cache_hint?.T{f32 f64} [a], b:T, policy:b64?",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global shared shared::cta shared::cluster}?\
             .OP{add}.noftz.L2::cache_hint?.T{f16 f16x2 bf16 bf16x2} [a], b:T, policy:b64?",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global}?\
             .OP{add}.L2::cache_hint?.V.T{f32} \
             [a], b:T*V, policy:b64? @8.1 sm_90",
            "red.ORDER{relaxed release}?.SCOPE?.SPACE{global}?\
             .OP{add min max}.noftz.L2::cache_hint?.V.T{f16 f16x2 bf16 bf16x2} \
             [a], b:T*V, policy:b64? @8.1 sm_90",
        ],
        guarding: Guarding::Operand,
        lower: atomic,
    },
];

/// The operation for an element of this type.
pub(super) fn operation(i: &Checked<'_>, ty: ScalarType) -> AtomicOp {
    let kind = ty.kind();
    match (i.slot("OP").unwrap_or_default(), kind, ty) {
        ("add", _, ScalarType::F16x2) => AtomicOp::AddF16x2,
        ("add", _, ScalarType::Bf16x2) => AtomicOp::AddBF16x2,
        ("add", TypeKind::Float, _) => AtomicOp::AddFloat,
        ("add", ..) => AtomicOp::Add,
        ("min", TypeKind::Float, _) => AtomicOp::MinFloat,
        ("max", TypeKind::Float, _) => AtomicOp::MaxFloat,
        ("min", TypeKind::Signed, _) => AtomicOp::MinSigned,
        ("max", TypeKind::Signed, _) => AtomicOp::MaxSigned,
        ("min", ..) => AtomicOp::MinUnsigned,
        ("max", ..) => AtomicOp::MaxUnsigned,
        ("and", ..) => AtomicOp::And,
        ("or", ..) => AtomicOp::Or,
        ("xor", ..) => AtomicOp::Xor,
        ("inc", ..) => AtomicOp::Increment,
        ("dec", ..) => AtomicOp::Decrement,
        ("cas", ..) => AtomicOp::CompareExchange,
        _ => AtomicOp::Exchange,
    }
}

/// An atomic operation without an order is relaxed (PTX ISA 8.2.2).
fn order(i: &Checked<'_>) -> MemoryOrder {
    match i.slot("ORDER") {
        Some("acquire") => MemoryOrder::Acquire,
        Some("release") => MemoryOrder::Release,
        Some("acq_rel") => MemoryOrder::AcquireRelease,
        _ => MemoryOrder::Relaxed,
    }
}

/// The scope that a modifier names; without one, the device.
pub(super) fn scope(modifier: Option<&str>) -> Scope {
    match modifier {
        Some("cta") => Scope::Block,
        Some("cluster") => Scope::Cluster,
        Some("sys") => Scope::System,
        _ => Scope::Device,
    }
}

/// The elements of a vector are operated on one by one, which is all that the manual promises.
fn atomic(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let op = operation(i, ty);
    let Target { space, address, offset } = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let Some(sources) = i.operand("b").map(elements) else {
        return Problem::invalid("an atomic operation has an operand");
    };
    let results = i.operand("d").map(elements).unwrap_or_default();
    // `atom.cas d, [a], b, c`: compared with `b`, replaced by `c`.
    let replacement = match op {
        AtomicOp::CompareExchange => Some(cx.source(i, "c")?),
        _ => None,
    };
    let operands = sources.iter().map(|source| cx.value(source, ty)).collect::<Result<Vec<Value>, _>>()?;
    // Minimum and maximum of packed halves are two operations: only each half is atomic.
    let (element, parts) = match (op, ty) {
        (AtomicOp::MinFloat | AtomicOp::MaxFloat, ScalarType::F16x2) => (Type::F16, 2),
        (AtomicOp::MinFloat | AtomicOp::MaxFloat, ScalarType::Bf16x2) => (Type::BF16, 2),
        _ => (ir_type(ty), 1),
    };
    for (index, b) in operands.into_iter().enumerate() {
        let result = results.get(index).filter(|result| **result != Operand::Sink);
        let (operand, compare) = match replacement {
            Some(replacement) => (replacement, Some(b)),
            None => (b, None),
        };
        let operands = if parts == 2 { cx.unpack(operand, 2) } else { vec![operand] };
        let mut old = Vec::new();
        for (part, operand) in operands.into_iter().enumerate() {
            let bytes = index as i64 * i64::from(ty.bytes()) + part as i64 * i64::from(element.bits() / 8);
            let operand = if parts == 2 { cx.bitcast(element, operand) } else { operand };
            old.extend(cx.builder.push(Op::Atomic {
                op,
                space,
                ty: element,
                order: order(i),
                scope: scope(i.slot("SCOPE")),
                address,
                offset: offset + bytes,
                operand,
                compare,
                guard: cx.guard,
                returns: result.is_some(),
            }));
        }
        if let Some(result) = result {
            let value = if parts == 2 { cx.pack(&old) } else { old[0] };
            cx.assign(result, value, false)?;
        }
    }
    Ok(())
}
