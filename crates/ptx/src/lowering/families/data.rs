//! Moves, and addresses between spaces (PTX ISA 9.7.9).

use simt_ir::{AddressSpace, Op, Type};

use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, register_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "mov" => move_value(l, inst),
        "cvta" => convert_address(l, inst),
        "isspacep" => {
            let space = space_of(inst)?;
            let a = l.read(inst.operand(1)?, ScalarType::U64)?;
            let value = l.builder.push1(Op::IsInSpace { space, a });
            l.write(inst.operand(0)?, ScalarType::Pred, value)
        }
        _ => Err(Refusal("clusters of more than one block".into())),
    }
}

fn move_value(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    let (destination, source) = (inst.operand(0)?, inst.operand(1)?);
    if inst.vector() > 1 {
        let (Operand::Vector(to), Operand::Vector(from)) = (destination, source) else {
            return Err(Refusal("vector move".into()));
        };
        for (to, from) in to.iter().zip(from) {
            let value = l.read(from, ty)?;
            l.write(to, ty, value)?;
        }
        return Ok(());
    }
    let value = l.read(source, ty)?;
    let value = l.as_type(value, register_type(ty));
    l.write(destination, ty, value)
}

fn convert_address(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let space = space_of(inst)?;
    let ty = inst.ty()?;
    let source = l.read(inst.operand(1)?, ty)?;
    let a = l.as_type(source, Type::I64);
    let op = if inst.has("to") { Op::FromGeneric { space, a } } else { Op::ToGeneric { space, a } };
    let value = l.builder.push1(op);
    l.write(inst.operand(0)?, ty, value)
}

fn space_of(inst: &Inst<'_>) -> Result<AddressSpace, Refusal> {
    space_modifier(inst).ok_or_else(|| Refusal("no state space".into()))
}

/// The space named among the modifiers (`.shared::cta` and `.param::entry` too).
pub(super) fn space_modifier(inst: &Inst<'_>) -> Option<AddressSpace> {
    inst.modifiers.iter().find_map(|name| {
        Some(match *name {
            "global" => AddressSpace::Global,
            "shared" | "shared::cta" => AddressSpace::Shared,
            "local" => AddressSpace::Local,
            "const" => AddressSpace::Const,
            "param" | "param::entry" | "param::func" => AddressSpace::Param,
            _ => return None,
        })
    })
}
