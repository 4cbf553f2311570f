//! The plain meaning of every pure operation, for one lane, on bit patterns.
//!
//! [`evaluate`] is what the interpreter runs, what constant folding uses, and what machine code is compared with; all that
//! is exact in [`Op`] is exact here, by integer arithmetic alone: no result depends on the host's floating-point unit.
//! The *approximate* operations are computed in `f64` and rounded once; [`is_allowed_result`] says what else is within
//! their bound.
//!
//! What IEEE 754 and the PTX ISA leave open (NaN payloads, mostly) is decided in `rules.rs`.
//!
//! Invariant: nothing here knows lanes, memory, or a program; and nothing here can fail or panic for any bit pattern.

mod approximate;
mod atomic;
mod bits;
mod code;
mod compare;
mod convert;
mod dot;
mod float_arithmetic;
mod format;
mod integer;
mod logic;
mod matrix;
mod round;
mod rules;
#[cfg(test)]
mod tests;
pub mod variants;

pub use atomic::{atomic, reduce};
pub use code::{decode, encode, evaluate_code};
pub use matrix::{Registers, matrix_product};

use crate::{FloatBinaryOp, FloatUnaryOp, Op, Type};
use bits::{mask, sign_extend};
use float_arithmetic::Modifiers;
use format::Format;

/// The result of a pure operation whose operands have these bit patterns, in the order of [`Op::operands`].
///
/// Patterns stand in the low bits; what is above an operand's width is ignored, and the result's upper bits are zero.
/// `None` if the operation is not one of values alone (it reads memory, a register, other lanes, or an address), if there
/// are fewer operands than it has, or if its types do not suit it.
pub fn evaluate(op: &Op, operands: &[u128]) -> Option<u128> {
    let operand = |index: usize, ty: Type| operands.get(index).map(|bits| bits & mask(ty.bits()));
    let word = |index: usize| operands.get(index).map(|bits| *bits as u32);
    let float = |index: usize, ty: Type| operand(index, ty).map(|bits| bits as u64);
    Some(match *op {
        Op::Const { ty, bits } => u128::from(bits) & mask(ty.bits()),

        Op::Unary { op, ty, .. } => integer::unary(op, integer_width(ty)?, operand(0, ty)?),
        Op::Binary { op, ty, .. } => {
            let b_type = if op.is_shift() { Type::I32 } else { ty };
            integer::binary(op, integer_width(ty)?, operand(0, ty)?, operand(1, b_type)?)
        }
        Op::IntCompare { condition, ty, .. } => {
            u128::from(compare::integers(condition, integer_width(ty)?, operand(0, ty)?, operand(1, ty)?))
        }
        Op::Select { ty, .. } => {
            let (a, b) = (operand(1, ty)?, operand(2, ty)?);
            if operand(0, Type::I1)? == 1 { a } else { b }
        }
        Op::Lop3 { table, .. } => u128::from(logic::lop3(table, word(0)?, word(1)?, word(2)?)),
        Op::Permute { mode, .. } => u128::from(logic::permute(mode, word(0)?, word(1)?, word(2)?)),
        Op::BitFieldExtract { ty, signed, .. } => {
            logic::extract(integer_width(ty)?, signed, operand(0, ty)?, word(1)?, word(2)?)
        }
        Op::BitFieldInsert { ty, .. } => {
            logic::insert(integer_width(ty)?, operand(0, ty)?, operand(1, ty)?, word(2)?, word(3)?)
        }
        Op::FunnelShift { left, clamp, .. } => {
            u128::from(logic::funnel_shift(left, clamp, word(0)?, word(1)?, word(2)?))
        }
        Op::FindNthSet { .. } => u128::from(logic::find_nth_set(word(0)?, word(1)?, word(2)?)),
        Op::DotProduct4 { a_signed, b_signed, .. } => {
            u128::from(dot::dot_product4(a_signed, b_signed, word(0)?, word(1)?, word(2)?))
        }
        Op::DotProduct2 { a_signed, b_signed, high, .. } => {
            u128::from(dot::dot_product2(a_signed, b_signed, high, word(0)?, word(1)?, word(2)?))
        }
        Op::Halves { op, .. } => {
            let half = |index: usize, shift: u32| word(index).map(|bits| u128::from(bits >> shift & 0xffff));
            let (low, high) = ((half(0, 0)?, half(1, 0)?), (half(0, 16)?, half(1, 16)?));
            integer::binary(op, 16, low.0, low.1) | integer::binary(op, 16, high.0, high.1) << 16
        }

        Op::Extend { signed, from, to, .. } => {
            let bits = operand(0, from)?;
            (if signed { sign_extend(bits, from.bits()) as u128 } else { bits }) & mask(to.bits())
        }
        Op::Truncate { to, .. } => operand(0, to)?,
        Op::Bitcast { to, .. } => operand(0, to)?,
        Op::Expect { ty, .. } => operand(0, ty)?,
        Op::Concat { ty, .. } => {
            let shift = ty.bits();
            operand(0, ty)? | operand(1, ty)?.checked_shl(shift)?
        }

        Op::FloatUnary { op, ty, rounding, flush, saturate, .. } => {
            let modifiers = Modifiers { rounding, flush, saturate, relu: false };
            u128::from(float_arithmetic::unary(op, Format::of(ty)?, modifiers, float(0, ty)?))
        }
        Op::FloatBinary { op, ty, rounding, flush, saturate, .. } => {
            let modifiers = Modifiers { rounding, flush, saturate, relu: false };
            u128::from(float_arithmetic::binary(op, Format::of(ty)?, modifiers, float(0, ty)?, float(1, ty)?))
        }
        Op::Fma { ty, rounding, flush, saturate, relu, .. } => {
            let modifiers = Modifiers { rounding, flush, saturate, relu };
            let (a, b, c) = (float(0, ty)?, float(1, ty)?, float(2, ty)?);
            u128::from(float_arithmetic::fused_multiply_add(Format::of(ty)?, modifiers, a, b, c))
        }
        Op::FloatCompare { condition, ty, flush, .. } => {
            u128::from(compare::floats(condition, Format::of(ty)?, flush, float(0, ty)?, float(1, ty)?))
        }
        Op::IntToFloat { signed, rounding, from, to, .. } => {
            let (width, to) = (integer_width(from)?, Format::of(to)?);
            u128::from(convert::integer_to_float(signed, rounding, width, to, operand(0, from)?))
        }
        Op::FloatToInt { signed, rounding, flush, from, to, .. } => {
            let (format, width) = (Format::of(from)?, integer_width(to)?);
            convert::float_to_integer(signed, rounding, flush, format, width, float(0, from)?)
        }
        Op::FloatToFloat { rounding, flush, saturate, relu, from, to, .. } => {
            let modifiers = Modifiers { rounding, flush, saturate, relu };
            u128::from(convert::float_to_float(modifiers, Format::of(from)?, Format::of(to)?, float(0, from)?))
        }
        _ => return None,
    })
}

fn integer_width(ty: Type) -> Option<u32> {
    ty.is_int().then_some(ty.bits())
}

/// Whether `result` is a permitted result of a pure operation: [`evaluate`]'s own, or, for an *approximate* operation,
/// one within the error that the PTX ISA documents. `None` as for [`evaluate`].
pub fn is_allowed_result(op: &Op, operands: &[u128], result: u128) -> Option<bool> {
    let expected = evaluate(op, operands)?;
    if expected == result {
        return Some(true);
    }
    let operand = |index: usize| operands.get(index).map(|bits| *bits as u64);
    Some(match *op {
        Op::FloatUnary { op, ty, flush, saturate, .. } if op.is_approximate() => {
            let a = operand(0)? & mask(ty.bits()) as u64;
            approximate::unary_within_bound(op, ty, flush, saturate, a, result as u64)
        }
        Op::FloatBinary { op, ty: Type::F32, flush, saturate, .. } if op.is_approximate() => {
            let (a, b) = (operand(0)? & 0xffff_ffff, operand(1)? & 0xffff_ffff);
            approximate::divide_within_bound(op, flush, saturate, a, b, result as u64)
        }
        _ => false,
    })
}

impl crate::BinaryOp {
    /// Whether the second operand is an `i32` shift amount.
    pub fn is_shift(self) -> bool {
        matches!(self, Self::Shl | Self::ShrUnsigned | Self::ShrSigned)
    }
}

impl FloatUnaryOp {
    /// Whether results may differ within a documented bound.
    pub fn is_approximate(self) -> bool {
        match self {
            Self::Neg | Self::Abs | Self::Sqrt | Self::Rcp | Self::RoundToIntegral => false,
            Self::RcpApprox
            | Self::SqrtApprox
            | Self::RsqrtApprox
            | Self::Ex2Approx
            | Self::Lg2Approx
            | Self::SinApprox
            | Self::CosApprox
            | Self::TanhApprox => true,
        }
    }
}

impl FloatBinaryOp {
    /// Whether results may differ within a documented bound.
    pub fn is_approximate(self) -> bool {
        matches!(self, Self::DivApprox | Self::DivFull)
    }
}
