//! Conversions between integers and floats of all types.

use super::bits::{mask, sign_extend};
use super::float_arithmetic::Modifiers;
use super::format::{F32, Format, Unpacked};
use super::round::{Exact, round};
use super::rules;
use crate::Rounding;

/// [`crate::Op::IntToFloat`] from an integer of `width` bits.
pub(crate) fn integer_to_float(signed: bool, rounding: Rounding, width: u32, to: Format, a: u128) -> u64 {
    let negative = signed && sign_extend(a, width) < 0;
    let significand = if negative { sign_extend(a, width).unsigned_abs() } else { a & mask(width) };
    if significand == 0 { 0 } else { round(to, Exact { negative, significand, exponent: 0 }, rounding) }
}

/// [`crate::Op::FloatToInt`] to an integer of `width` bits, clamped to its range.
pub(crate) fn float_to_integer(
    signed: bool,
    rounding: Rounding,
    flush: bool,
    from: Format,
    width: u32,
    a: u64,
) -> u128 {
    let largest = if signed { mask(width) >> 1 } else { mask(width) };
    let lowest_magnitude = if signed { largest + 1 } else { 0 };
    let (negative, magnitude) = match from.unpack(from.flushed(flush, a)) {
        Unpacked::Nan => return rules::integer_of_nan(from, width),
        Unpacked::Infinity { negative } => (negative, u128::MAX),
        Unpacked::Zero { .. } => return 0,
        Unpacked::Finite(exact) => (exact.negative, exact.to_integer(rounding)),
    };
    if negative { magnitude.min(lowest_magnitude).wrapping_neg() & mask(width) } else { magnitude.min(largest) }
}

/// [`crate::Op::FloatToFloat`]. `flush` acts on subnormal f32: operands, but for [`rules::conversion_flushes`], and results.
pub(crate) fn float_to_float(modifiers: Modifiers, from: Format, to: Format, a: u64) -> u64 {
    let a = from.flushed(modifiers.flush && rules::conversion_flushes(from, to), a);
    let result = match from.unpack(a) {
        Unpacked::Nan => rules::converted_nan(from, to, modifiers.flush, a),
        Unpacked::Infinity { negative } => to.with_sign(negative, to.infinity()),
        Unpacked::Zero { negative } => to.zero(negative),
        Unpacked::Finite(exact) => round(to, exact, modifiers.rounding),
    };
    Modifiers { flush: modifiers.flush && to == F32, ..modifiers }.finish(to, result)
}
