//! Read-modify-write operations and reductions across lanes, on values alone.

use super::bits::mask;
use super::float_arithmetic::{add, maximum, minimum};
use super::format::{BF16, F16, F32, Format};
use super::rules;
use crate::{AtomicOp, BinaryOp, ReduceOp, Rounding, Type};

/// What an [`crate::Op::Atomic`] of type `ty` stores where `old` was.
///
/// `flush` says that the word is in global memory, where `atom.add.f32` takes subnormal operands and results for zero of
/// their sign (PTX ISA 9.7.13.5), and `atom.add.f64` leaves NaNs as they are. `compare` is that of a compare-and-exchange, and ignored otherwise. `None` if the type does not suit
/// the operation.
pub fn atomic(op: AtomicOp, ty: Type, flush: bool, old: u128, operand: u128, compare: u128) -> Option<u128> {
    let mask = mask(ty.bits());
    let (old, operand, compare) = (old & mask, operand & mask, compare & mask);
    let integer = |op: BinaryOp| ty.is_int().then(|| super::integer::binary(op, ty.bits(), old, operand));
    let float = |apply: fn(Format, u64, u64) -> u64| -> Option<u128> {
        Some(u128::from(apply(Format::of(ty)?, old as u64, operand as u64)))
    };
    match op {
        AtomicOp::Add => integer(BinaryOp::Add),
        AtomicOp::And => integer(BinaryOp::And),
        AtomicOp::Or => integer(BinaryOp::Or),
        AtomicOp::Xor => integer(BinaryOp::Xor),
        AtomicOp::MinSigned => integer(BinaryOp::MinSigned),
        AtomicOp::MinUnsigned => integer(BinaryOp::MinUnsigned),
        AtomicOp::MaxSigned => integer(BinaryOp::MaxSigned),
        AtomicOp::MaxUnsigned => integer(BinaryOp::MaxUnsigned),
        AtomicOp::Exchange => Some(operand),
        AtomicOp::CompareExchange => Some(if old == compare { operand } else { old }),
        AtomicOp::Increment => Some(if old >= operand { 0 } else { old + 1 }),
        AtomicOp::Decrement => Some(if old == 0 || old > operand { operand } else { old - 1 }),
        AtomicOp::AddFloat if flush => float(add_flushing),
        AtomicOp::AddFloat => float(add_nearest),
        AtomicOp::MinFloat => float(minimum),
        AtomicOp::MaxFloat => float(maximum),
        AtomicOp::AddF16x2 => Some(add_packed(F16, old, operand)),
        AtomicOp::AddBF16x2 => Some(add_packed(BF16, old, operand)),
    }
}

fn add_nearest(format: Format, a: u64, b: u64) -> u64 {
    add(format, a, b, Rounding::NearestEven)
}

/// `atom.add` in global memory; formats other than f32 are not flushed there.
fn add_flushing(format: Format, a: u64, b: u64) -> u64 {
    if let Some(nan) = rules::global_atomic_nan(format, a, b) {
        return nan;
    }
    let flush = format == F32;
    rules::flush_result(format, flush, add_nearest(format, format.flushed(flush, a), format.flushed(flush, b)))
}

fn add_packed(format: Format, a: u128, b: u128) -> u128 {
    let low = add_nearest(format, a as u64 & 0xffff, b as u64 & 0xffff);
    let high = add_nearest(format, a as u64 >> 16 & 0xffff, b as u64 >> 16 & 0xffff);
    u128::from(high << 16 | low)
}

/// The result of an [`crate::Op::Reduce`] over the values of its lanes (`i32` or `f32` patterns, by the operation), in lane
/// order; 0 for no values.
pub fn reduce(op: ReduceOp, values: &[u32]) -> u32 {
    // A float reduction meets its first value once more, so that a lone NaN becomes canonical and `.abs` always applies.
    let (first, rest) = match values {
        [] => return 0,
        [first, ..] if op.is_float() => (*first, values),
        [first, rest @ ..] => (*first, rest),
    };
    rest.iter().fold(first, |a, b| combine(op, a, *b))
}

fn combine(op: ReduceOp, a: u32, b: u32) -> u32 {
    let magnitude = |bits: u32| u64::from(bits & 0x7fff_ffff);
    let (float_a, float_b) = (u64::from(a), u64::from(b));
    let any_nan = F32.is_nan(float_a) || F32.is_nan(float_b);
    let float = match op {
        ReduceOp::Add => return a.wrapping_add(b),
        ReduceOp::And => return a & b,
        ReduceOp::Or => return a | b,
        ReduceOp::Xor => return a ^ b,
        ReduceOp::MinSigned => return (a as i32).min(b as i32) as u32,
        ReduceOp::MinUnsigned => return a.min(b),
        ReduceOp::MaxSigned => return (a as i32).max(b as i32) as u32,
        ReduceOp::MaxUnsigned => return a.max(b),
        ReduceOp::MinFloatNan | ReduceOp::MaxFloatNan | ReduceOp::MinFloatAbsNan | ReduceOp::MaxFloatAbsNan
            if any_nan =>
        {
            rules::default_nan(F32)
        }
        ReduceOp::MinFloat | ReduceOp::MinFloatNan => minimum(F32, float_a, float_b),
        ReduceOp::MaxFloat | ReduceOp::MaxFloatNan => maximum(F32, float_a, float_b),
        ReduceOp::MinFloatAbs | ReduceOp::MinFloatAbsNan => minimum(F32, magnitude(a), magnitude(b)),
        ReduceOp::MaxFloatAbs | ReduceOp::MaxFloatAbsNan => maximum(F32, magnitude(a), magnitude(b)),
    };
    float as u32
}
