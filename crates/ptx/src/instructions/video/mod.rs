//! Video instructions: on words, halves and bytes as numbers of one more bit (PTX ISA 9.7.18).
//!
//! Here they do what the manual says. Cards since Maxwell have none but a few; what NVIDIA's compiler writes instead gives
//! other results on an H100 for: results merged into `.h1`, or merged after saturation; second operations `.min` and `.max` on
//! results beyond 32 bits; `vshl` with `.sat`; sums of differently signed numbers with `.sat`; `vmad` with a `dtype` that has not the
//! sign of its result, or with a shift of a sum beyond 32 bits.

mod multiply;
mod scalar;
mod simd;

use simt_ir::{BinaryOp, IntCondition, Type, Value};

use super::Declaration;
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::{Operand, Selector};

/// The tables of this family's files.
pub(super) const INSTRUCTIONS: &[&[Declaration]] = &[scalar::INSTRUCTIONS, multiply::INSTRUCTIONS, simd::INSTRUCTIONS];

/// The operand `name`, which every form of the family has.
fn operand<'a>(i: &Checked<'a>, name: &str) -> Result<&'a Operand, Problem> {
    i.operand(name).map_or_else(|| Problem::invalid(format!("the operand `{name}` is missing")), Ok)
}

/// The register or constant of an operand, and the selector behind it if there is one.
fn split(operand: &Operand) -> (Operand, Option<Selector>) {
    match operand {
        Operand::Part(register, selector) => (Operand::Register(*register), Some(*selector)),
        whole => (whole.clone(), None),
    }
}

/// The first bit and the width of the one part that an operand means; none for the whole word.
fn part(operand: &Operand) -> Result<Option<(u32, u32)>, Problem> {
    let Some(selector) = split(operand).1 else { return Ok(None) };
    match *selector.parts() {
        [part] if u32::from(part) * selector.width < 32 => Ok(Some((u32::from(part) * selector.width, selector.width))),
        _ => Problem::invalid("a selector is .b0 .b1 .b2 .b3 .h0 or .h1 here"),
    }
}

/// The number that an operand means, in 64 bits.
fn number(cx: &mut Lowering<'_>, operand: &Operand, signed: bool) -> Result<Value, Problem> {
    let mut value = cx.value(&split(operand).0, ScalarType::B32)?;
    if let Some((start, width)) = part(operand)? {
        let shifted = cx.shift_right_by(false, value, start);
        value = cx.resize(false, Type::int(width).unwrap_or(Type::I8), shifted);
    }
    Ok(cx.resize(signed, Type::I64, value))
}

/// Sets the result, whose selector has been heeded.
fn write(cx: &mut Lowering<'_>, i: &Checked<'_>, value: Value) -> Result<(), Problem> {
    let (register, _) = split(operand(i, "d")?);
    cx.assign(&register, value, false)
}

/// Brought into the range of an integer of `width` bits.
fn clamped(cx: &mut Lowering<'_>, value: Value, width: u32, signed: bool) -> Value {
    let (low, high) = if signed { (-1i64 << (width - 1), (1i64 << (width - 1)) - 1) } else { (0, (1i64 << width) - 1) };
    let value = cx.binary_constant(BinaryOp::MaxSigned, value, low.cast_unsigned());
    cx.binary_constant(BinaryOp::MinSigned, value, high.cast_unsigned())
}

/// The comparison that `.CMP` names, of numbers that have room for their sign.
fn condition(i: &Checked<'_>) -> IntCondition {
    match i.slot("CMP") {
        Some("eq") => IntCondition::Eq,
        Some("ne") => IntCondition::Ne,
        Some("lt") => IntCondition::LtSigned,
        Some("le") => IntCondition::LeSigned,
        Some("gt") => IntCondition::GtSigned,
        _ => IntCondition::GeSigned,
    }
}
