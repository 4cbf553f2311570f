//! `atom` and `red` (PTX ISA 9.7.13.5, 9.7.13.6).

use simt_ir::{AddressSpace, AtomicOp, MemoryOrder, Op, Scope, Type, Value};

use super::data::space_modifier;
use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Place, Refusal, value_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    if inst.has("async") || inst.has("shared::cluster") {
        return Err(Refusal("asynchronous or remote reduction".into()));
    }
    let returns = inst.opcode == "atom";
    let first = usize::from(returns);
    let ty = inst.ty()?;
    let space = space_modifier(inst).unwrap_or(AddressSpace::Generic);
    let Place::Memory { base, offset } = l.place(inst.operand(first)?, space)? else {
        return Err(Refusal("an atomic on a parameter".into()));
    };
    let op = operation(inst, ty)?;
    let element = match ty {
        ScalarType::F16x2 | ScalarType::Bf16x2 => Type::I32,
        ty if op_is_bitwise(op) => value_type(ty).to_int(),
        ty => value_type(ty),
    };
    let count = usize::from(inst.vector());
    let sources: Vec<&Operand> = match inst.operand(first + 1)? {
        Operand::Vector(parts) if count > 1 => parts.iter().collect(),
        other => vec![other],
    };
    let destinations: Vec<&Operand> = match inst.operand(0)? {
        Operand::Vector(parts) if returns && count > 1 => parts.iter().collect(),
        other => vec![other],
    };
    let guard = l.guard;
    for (index, source) in sources.into_iter().enumerate() {
        let read = |l: &mut Lowerer<'_, '_>, operand: &Operand| -> Result<Value, Refusal> {
            let value = l.read(operand, ty)?;
            Ok(l.as_type(value, element))
        };
        let mut operand = read(l, source)?;
        let mut compare = None;
        if op == AtomicOp::CompareExchange {
            compare = Some(operand);
            operand = read(l, inst.operand(first + 2)?)?;
        }
        let results = l.builder.push(Op::Atomic {
            op,
            space,
            ty: element,
            order: order(inst),
            scope: scope(inst),
            address: base,
            offset: offset + index as i64 * i64::from(element.bytes()),
            operand,
            compare,
            guard,
            returns,
        });
        if let (Some(value), Some(destination)) = (results.first(), destinations.get(index)) {
            l.write(destination, ty, *value)?;
        }
    }
    Ok(())
}

fn op_is_bitwise(op: AtomicOp) -> bool {
    matches!(op, AtomicOp::Exchange | AtomicOp::CompareExchange | AtomicOp::And | AtomicOp::Or | AtomicOp::Xor)
}

fn operation(inst: &Inst<'_>, ty: ScalarType) -> Result<AtomicOp, Refusal> {
    let signed = ty.is_signed();
    let found = inst.modifiers.iter().find_map(|name| {
        Some(match (*name, ty) {
            ("add", ScalarType::F16x2) => AtomicOp::AddF16x2,
            ("add", ScalarType::Bf16x2) => AtomicOp::AddBF16x2,
            ("add", ty) if ty.is_float() => AtomicOp::AddFloat,
            ("add", _) => AtomicOp::Add,
            ("and", _) => AtomicOp::And,
            ("or", _) => AtomicOp::Or,
            ("xor", _) => AtomicOp::Xor,
            ("exch", _) => AtomicOp::Exchange,
            ("cas", _) => AtomicOp::CompareExchange,
            ("inc", _) => AtomicOp::Increment,
            ("dec", _) => AtomicOp::Decrement,
            ("min", ScalarType::F16 | ScalarType::Bf16) => AtomicOp::MinFloat,
            ("max", ScalarType::F16 | ScalarType::Bf16) => AtomicOp::MaxFloat,
            ("min", _) if signed => AtomicOp::MinSigned,
            ("min", ty) if ty.is_integer() => AtomicOp::MinUnsigned,
            ("max", _) if signed => AtomicOp::MaxSigned,
            ("max", ty) if ty.is_integer() => AtomicOp::MaxUnsigned,
            _ => return None,
        })
    });
    found.ok_or_else(|| Refusal("atomic operation on this type".into()))
}

fn order(inst: &Inst<'_>) -> MemoryOrder {
    match () {
        _ if inst.has("acq_rel") => MemoryOrder::AcquireRelease,
        _ if inst.has("acquire") => MemoryOrder::Acquire,
        _ if inst.has("release") => MemoryOrder::Release,
        _ => MemoryOrder::Relaxed,
    }
}

/// The scope among the modifiers; the device if none is named.
pub(super) fn scope(inst: &Inst<'_>) -> Scope {
    match () {
        _ if inst.has("cta") => Scope::Block,
        _ if inst.has("cluster") => Scope::Cluster,
        _ if inst.has("sys") => Scope::System,
        _ => Scope::Device,
    }
}
