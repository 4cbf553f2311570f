//! `mov`, packing and unpacking (PTX ISA 9.7.9.3, 9.7.9.4).

use simt_ir::Type;

use super::{Declaration, Guarding};
use crate::ast::{ScalarType, TypeKind};
use crate::check::{Checked, agrees};
use crate::lowering::{Lowering, Problem, ir_type};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &["mov.V?.T{pred b16 b32 b64 b128 u16 u32 u64 s16 s32 s64 f16 bf16 f32 f64} d:any, a:any"],
    guarding: Guarding::Select,
    lower: mov,
}];

fn mov(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let (Some(d), Some(a)) = (i.operand("d"), i.operand("a")) else {
        return Problem::invalid("`mov` has two operands");
    };
    match (d, a) {
        (Operand::Vector(results), Operand::Vector(sources)) => {
            if results.len() != sources.len() {
                return Problem::invalid("the two vectors have different lengths");
            }
            // All sources are read before a result is written: they may be the same registers.
            let values = sources.iter().map(|source| read(cx, source, ty)).collect::<Result<Vec<_>, _>>()?;
            results.iter().zip(values).try_for_each(|(result, value)| write(cx, result, ty, value))
        }
        (Operand::Vector(results), source) => {
            let part = part_type(ty, results.len())?;
            let value = read(cx, source, ty)?;
            let parts = cx.unpack(value, results.len() as u32);
            results.iter().zip(parts).try_for_each(|(result, value)| write(cx, result, part, value))
        }
        (result, Operand::Vector(sources)) => {
            let part = part_type(ty, sources.len())?;
            let parts = sources.iter().map(|source| read(cx, source, part)).collect::<Result<Vec<_>, _>>()?;
            let value = cx.pack(&parts);
            write(cx, result, ty, value)
        }
        (result, source) => {
            let value = read(cx, source, ty)?;
            write(cx, result, ty, value)
        }
    }
}

/// The type of each part of a packed value.
fn part_type(ty: ScalarType, parts: usize) -> Result<ScalarType, Problem> {
    match (ty.bits(), parts) {
        (16, 2) | (32, 4) => Ok(ScalarType::B8),
        (32, 2) | (64, 4) => Ok(ScalarType::B16),
        (64, 2) | (128, 4) => Ok(ScalarType::B32),
        (128, 2) => Ok(ScalarType::B64),
        _ => Problem::invalid(format!("a value of type {ty} has no {parts} parts")),
    }
}

fn read(cx: &mut Lowering<'_>, operand: &Operand, ty: ScalarType) -> Result<simt_ir::Value, Problem> {
    match operand {
        Operand::Register(register) => expect_agreement(cx.code.registers[register.0 as usize].ty, ty)?,
        Operand::Immediate(value) if value.is_float() && !matches!(ty.kind(), TypeKind::Float | TypeKind::Bits) => {
            return Problem::invalid(format!("the constant is not of type {ty}"));
        }
        Operand::Immediate(value) if !value.is_float() && ty.is_float() => {
            return Problem::invalid(format!("the constant is not of type {ty}"));
        }
        _ => {}
    }
    cx.value(operand, ty)
}

fn write(cx: &mut Lowering<'_>, operand: &Operand, ty: ScalarType, value: simt_ir::Value) -> Result<(), Problem> {
    if let Operand::Register(register) = operand {
        expect_agreement(cx.code.registers[register.0 as usize].ty, ty)?;
    }
    debug_assert!(
        cx.ty(value).bits() == ir_type(ty).bits() || cx.ty(value) == Type::I1,
        "a value has the width of its type"
    );
    cx.assign(operand, value, false)
}

fn expect_agreement(register: ScalarType, ty: ScalarType) -> Result<(), Problem> {
    if agrees(register, ty, false) { Ok(()) } else { Problem::invalid(format!("expected {ty}, found {register}")) }
}
