//! Float arithmetic: every operation is computed exactly and rounded once.

use super::approximate;
use super::format::{Format, Unpacked};
use super::round::{Exact, round};
use super::rules;
use crate::{FloatBinaryOp, FloatUnaryOp, Rounding};

/// How a result is rounded and what happens to it then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Modifiers {
    pub rounding: Rounding,
    pub flush: bool,
    pub saturate: bool,
    pub relu: bool,
}

impl Modifiers {
    /// Applies `.ftz`, `.relu` and `.sat` to a rounded result.
    pub fn finish(self, format: Format, bits: u64) -> u64 {
        let mut bits = rules::flush_result(format, self.flush, bits);
        if self.relu {
            bits = rules::relu(format, bits);
        }
        if self.saturate {
            bits = rules::saturate(format, bits);
        }
        bits
    }
}

/// [`crate::Op::FloatUnary`].
pub(crate) fn unary(op: FloatUnaryOp, format: Format, modifiers: Modifiers, a: u64) -> u64 {
    let a = format.flushed(modifiers.flush, a);
    let result = match op {
        FloatUnaryOp::Neg | FloatUnaryOp::Abs if format.is_nan(a) => rules::propagated_nan(format, &[a]),
        FloatUnaryOp::Neg => a ^ format.sign_bit(),
        FloatUnaryOp::Abs => format.magnitude(a),
        FloatUnaryOp::Sqrt => square_root(format, a, modifiers.rounding),
        FloatUnaryOp::Rcp => divide(format, format.one(), a, modifiers.rounding),
        FloatUnaryOp::RoundToIntegral => round_to_integral(format, a, modifiers.rounding),
        approximate_op => approximate::unary(approximate_op, format, modifiers.flush, a),
    };
    modifiers.finish(format, result)
}

/// [`crate::Op::FloatBinary`].
pub(crate) fn binary(op: FloatBinaryOp, format: Format, modifiers: Modifiers, a: u64, b: u64) -> u64 {
    let a = format.flushed(modifiers.flush, a);
    let b = format.flushed(modifiers.flush, b);
    let rounding = modifiers.rounding;
    let result = match op {
        FloatBinaryOp::Add => add(format, a, b, rounding),
        FloatBinaryOp::Sub => subtract(format, a, b, rounding),
        FloatBinaryOp::Mul => multiply(format, a, b, rounding),
        FloatBinaryOp::Div => divide(format, a, b, rounding),
        FloatBinaryOp::DivApprox | FloatBinaryOp::DivFull => approximate::divide(op, format, a, b),
        FloatBinaryOp::Min => minimum(format, a, b),
        FloatBinaryOp::Max => maximum(format, a, b),
        FloatBinaryOp::MinNan | FloatBinaryOp::MaxNan if format.is_nan(a) || format.is_nan(b) => {
            rules::propagated_nan(format, &[a, b])
        }
        FloatBinaryOp::MinNan => minimum(format, a, b),
        FloatBinaryOp::MaxNan => maximum(format, a, b),
    };
    modifiers.finish(format, result)
}

/// [`crate::Op::Fma`].
pub(crate) fn fused_multiply_add(format: Format, modifiers: Modifiers, a: u64, b: u64, c: u64) -> u64 {
    let a = format.flushed(modifiers.flush, a);
    let b = format.flushed(modifiers.flush, b);
    let c = format.flushed(modifiers.flush, c);
    modifiers.finish(format, multiply_add(format, a, b, c, modifiers.rounding))
}

/// `a + b`.
pub(crate) fn add(format: Format, a: u64, b: u64, rounding: Rounding) -> u64 {
    if format.is_nan(a) || format.is_nan(b) {
        return rules::propagated_nan(format, &[a, b]);
    }
    sum(format, format.unpack(a), format.unpack(b), rounding)
}

fn subtract(format: Format, a: u64, b: u64, rounding: Rounding) -> u64 {
    if format.is_nan(a) || format.is_nan(b) {
        return rules::propagated_nan(format, &[a, b]);
    }
    sum(format, format.unpack(a), format.unpack(b ^ format.sign_bit()), rounding)
}

fn multiply(format: Format, a: u64, b: u64, rounding: Rounding) -> u64 {
    if format.is_nan(a) || format.is_nan(b) {
        return rules::propagated_nan(format, &[a, b]);
    }
    let product = product(format.unpack(a), format.unpack(b));
    pack(format, product, rounding)
}

fn multiply_add(format: Format, a: u64, b: u64, c: u64, rounding: Rounding) -> u64 {
    if [a, b, c].iter().any(|bits| format.is_nan(*bits)) {
        return rules::propagated_nan(format, &[a, b, c]);
    }
    sum(format, product(format.unpack(a), format.unpack(b)), format.unpack(c), rounding)
}

fn divide(format: Format, a: u64, b: u64, rounding: Rounding) -> u64 {
    if format.is_nan(a) || format.is_nan(b) {
        return rules::propagated_nan(format, &[a, b]);
    }
    let negative = format.is_negative(a) ^ format.is_negative(b);
    let quotient = match (format.unpack(a), format.unpack(b)) {
        (Unpacked::Infinity { .. }, Unpacked::Infinity { .. }) | (Unpacked::Zero { .. }, Unpacked::Zero { .. }) => {
            Unpacked::Nan
        }
        (Unpacked::Infinity { .. }, _) | (_, Unpacked::Zero { .. }) => Unpacked::Infinity { negative },
        (Unpacked::Zero { .. }, _) | (_, Unpacked::Infinity { .. }) => Unpacked::Zero { negative },
        (Unpacked::Finite(x), Unpacked::Finite(y)) => Unpacked::Finite(x.over(y)),
        (Unpacked::Nan, _) | (_, Unpacked::Nan) => Unpacked::Nan,
    };
    pack(format, quotient, rounding)
}

fn square_root(format: Format, a: u64, rounding: Rounding) -> u64 {
    let root = match format.unpack(a) {
        Unpacked::Nan => return rules::propagated_nan(format, &[a]),
        Unpacked::Finite(x) if x.negative => Unpacked::Nan,
        Unpacked::Infinity { negative: true } => Unpacked::Nan,
        Unpacked::Finite(x) => Unpacked::Finite(x.square_root()),
        other => other,
    };
    pack(format, root, rounding)
}

fn round_to_integral(format: Format, a: u64, rounding: Rounding) -> u64 {
    match format.unpack(a) {
        Unpacked::Nan => rules::propagated_nan(format, &[a]),
        Unpacked::Finite(x) if x.exponent < 0 => match x.to_integer(rounding) {
            0 => format.zero(x.negative),
            significand => round(format, Exact { significand, exponent: 0, ..x }, rounding),
        },
        _ => a,
    }
}

/// The smaller; if one is NaN the other.
pub(crate) fn minimum(format: Format, a: u64, b: u64) -> u64 {
    choose(format, a, b, |a, b| a < b)
}

/// The larger; if one is NaN the other.
pub(crate) fn maximum(format: Format, a: u64, b: u64) -> u64 {
    choose(format, a, b, |a, b| a > b)
}

fn choose(format: Format, a: u64, b: u64, prefers_first: impl Fn(i64, i64) -> bool) -> u64 {
    match (format.is_nan(a), format.is_nan(b)) {
        (true, true) => rules::propagated_nan(format, &[a, b]),
        (true, false) => b,
        (false, true) => a,
        (false, false) if prefers_first(format.ordinal(a), format.ordinal(b)) => a,
        (false, false) => b,
    }
}

/// The exact product of two numbers that are not NaN (`Nan` for zero times infinity).
fn product(a: Unpacked, b: Unpacked) -> Unpacked {
    use Unpacked::{Finite, Infinity, Nan, Zero};
    let negative = a.is_negative() ^ b.is_negative();
    match (a, b) {
        (Infinity { .. }, Zero { .. }) | (Zero { .. }, Infinity { .. }) | (Nan, _) | (_, Nan) => Nan,
        (Infinity { .. }, _) | (_, Infinity { .. }) => Infinity { negative },
        (Zero { .. }, _) | (_, Zero { .. }) => Zero { negative },
        (Finite(x), Finite(y)) => Finite(x.times(y)),
    }
}

/// The rounded sum of two exact numbers. An exact zero sum is +0, but -0 when rounding down (IEEE 754, 6.3).
fn sum(format: Format, a: Unpacked, b: Unpacked, rounding: Rounding) -> u64 {
    use Unpacked::{Finite, Infinity, Nan, Zero};
    let zero_sum = Zero { negative: rounding == Rounding::TowardNegative };
    let sum = match (a, b) {
        (Nan, _) | (_, Nan) => Nan,
        (Infinity { negative: x }, Infinity { negative: y }) if x != y => Nan,
        (Infinity { negative }, _) | (_, Infinity { negative }) => Infinity { negative },
        (Zero { negative: x }, Zero { negative: y }) if x == y => a,
        (Zero { .. }, Zero { .. }) => zero_sum,
        (Zero { .. }, other) | (other, Zero { .. }) => other,
        (Finite(x), Finite(y)) => x.plus(y).map_or(zero_sum, Finite),
    };
    pack(format, sum, rounding)
}

fn pack(format: Format, value: Unpacked, rounding: Rounding) -> u64 {
    match value {
        Unpacked::Nan => rules::default_nan(format),
        Unpacked::Infinity { negative } => format.with_sign(negative, format.infinity()),
        Unpacked::Zero { negative } => format.zero(negative),
        Unpacked::Finite(exact) => round(format, exact, rounding),
    }
}
