//! Loads and stores (PTX ISA 9.7.9.8 – 9.7.9.13); hints about caches and priorities have no effect here.

use simt_ir::{AddressSpace, MemoryOrder, Op, Type, Value};

use super::data::space_modifier;
use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Place, Refusal};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "ld" | "ldu" => load(l, inst),
        "st" => store(l, inst),
        "createpolicy" => {
            // A policy only advises the cache: any value will do.
            let value = l.builder.constant(Type::I64, 0);
            l.write(inst.operand(0)?, ScalarType::B64, value)
        }
        _ => Ok(()),
    }
}

fn order(inst: &Inst<'_>) -> MemoryOrder {
    match () {
        _ if inst.has("volatile") || inst.has("mmio") => MemoryOrder::Volatile,
        _ if inst.has("relaxed") => MemoryOrder::Relaxed,
        _ if inst.has("acquire") => MemoryOrder::Acquire,
        _ if inst.has("release") => MemoryOrder::Release,
        _ => MemoryOrder::Weak,
    }
}

/// The type in memory: its bits, whatever they mean.
fn memory_type(ty: ScalarType) -> Type {
    match ty {
        ScalarType::F32 => Type::F32,
        ScalarType::F64 => Type::F64,
        other => Type::int(other.bits()).unwrap_or(Type::I64),
    }
}

fn destinations<'a>(inst: &Inst<'a>, count: u8) -> Result<Vec<&'a Operand>, Refusal> {
    let operand = inst.operand(0)?;
    match operand {
        Operand::Vector(parts) if count > 1 => {
            if parts.len() != usize::from(count) {
                return Err(Refusal("a vector of another length".into()));
            }
            Ok(parts.iter().collect())
        }
        other => Ok(vec![other]),
    }
}

fn load(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    if inst.has("shared::cluster") {
        return Err(Refusal("shared memory of other blocks".into()));
    }
    let (ty, count) = (inst.ty()?, inst.vector());
    let element = memory_type(ty);
    let space = space_modifier(inst).unwrap_or(AddressSpace::Generic);
    let places = destinations(inst, count)?;
    match l.place(inst.operand(1)?, space)? {
        Place::KernelParam(offset) => {
            for (index, place) in places.into_iter().enumerate() {
                let value =
                    l.builder.push1(Op::LoadParam { ty: element, offset: offset + index as u32 * element.bytes() });
                l.write(place, ty, value)?;
            }
            Ok(())
        }
        Place::Pieces(row, offset) => {
            for (index, place) in places.into_iter().enumerate() {
                let bits = l.read_row(&row, offset + index as u32 * element.bytes(), element)?;
                let value = l.as_type(bits, element);
                l.write(place, ty, value)?;
            }
            Ok(())
        }
        Place::Memory { base, offset } => {
            let guard = l.guard;
            // A 256-bit access is two of 128 bits: aligned to its whole size all the same.
            let op = Op::Load { space, ty: element, count, order: order(inst), address: base, offset, guard };
            let values = l.builder.push(op);
            for (place, value) in places.into_iter().zip(values) {
                l.write(place, ty, value)?;
            }
            Ok(())
        }
    }
}

fn store(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    if inst.has("async") || inst.has("bulk") || inst.has("shared::cluster") {
        return Err(Refusal("asynchronous or remote store".into()));
    }
    let (ty, count) = (inst.ty()?, inst.vector());
    let element = memory_type(ty);
    let space = space_modifier(inst).unwrap_or(AddressSpace::Generic);
    let sources: Vec<&Operand> = match inst.operand(1)? {
        Operand::Vector(parts) if count > 1 => parts.iter().collect(),
        other => vec![other],
    };
    let mut values: Vec<Value> = Vec::new();
    for source in sources {
        let value = l.read(source, ty)?;
        values.push(l.as_type(value, element));
    }
    match l.place(inst.operand(0)?, space)? {
        Place::KernelParam(_) => Err(Refusal("a store to a kernel's parameters".into())),
        Place::Pieces(row, offset) => {
            if l.guard.is_some() {
                return Err(Refusal("a guarded store to a parameter".into()));
            }
            for (index, value) in values.into_iter().enumerate() {
                l.write_row(&row, offset + index as u32 * element.bytes(), value)?;
            }
            Ok(())
        }
        Place::Memory { base, offset } => {
            let guard = l.guard;
            l.builder.push(Op::Store { space, ty: element, order: order(inst), address: base, offset, values, guard });
            Ok(())
        }
    }
}
