//! The *approximate* operations. They are computed in `f64` by the host's mathematical library and rounded to nearest even once,
//! so that the error is that of the final rounding; any implementation within the PTX ISA's bound is as good, and
//! [`within_bound`] tells whether a result is.

use super::format::{F32, F64, Format};
use super::rules;
use crate::{FloatBinaryOp, FloatUnaryOp, Type};

/// The low half of an f64, which the "gross" f64 approximations neither read nor write.
const F64_LOW_HALF: u64 = 0xffff_ffff;

/// The canonical NaN of `rcp.approx.ftz.f64` and `rsqrt.approx.ftz.f64`.
const GROSS_NAN: u64 = 0x7fff_ffff_0000_0000;

/// The approximate [`FloatUnaryOp`]s; the operand is flushed already if `flush` is set.
pub(crate) fn unary(op: FloatUnaryOp, format: Format, flush: bool, a: u64) -> u64 {
    let gross = is_gross(op, format, flush);
    let a = if gross { a & !F64_LOW_HALF } else { a };
    let Some(value) = unary_value(op, format.to_f64(a)) else { return rules::default_nan(format) };
    match format.round_f64(value) {
        Some(bits) if gross && bits & format.infinity() != format.infinity() => {
            (bits + (F64_LOW_HALF >> 1) + 1) & !F64_LOW_HALF
        }
        Some(bits) => bits,
        None if gross => GROSS_NAN,
        None => rules::default_nan(format),
    }
}

/// Whether the operation is one of those that look at the upper 32 bits of an f64 alone (PTX ISA 9.7.3.13, 9.7.3.17).
fn is_gross(op: FloatUnaryOp, format: Format, flush: bool) -> bool {
    format.bits == F64.bits && (op == FloatUnaryOp::RcpApprox || (op == FloatUnaryOp::RsqrtApprox && flush))
}

/// The function's value at `x`; `None` if the operation is not an approximate one.
fn unary_value(op: FloatUnaryOp, x: f64) -> Option<f64> {
    Some(match op {
        FloatUnaryOp::RcpApprox => 1.0 / x,
        FloatUnaryOp::SqrtApprox => x.sqrt(),
        FloatUnaryOp::RsqrtApprox => 1.0 / x.sqrt(),
        FloatUnaryOp::Ex2Approx => x.exp2(),
        FloatUnaryOp::Lg2Approx => x.log2(),
        FloatUnaryOp::SinApprox => x.sin(),
        FloatUnaryOp::CosApprox => x.cos(),
        FloatUnaryOp::TanhApprox => x.tanh(),
        FloatUnaryOp::Neg
        | FloatUnaryOp::Abs
        | FloatUnaryOp::Sqrt
        | FloatUnaryOp::Rcp
        | FloatUnaryOp::RoundToIntegral => return None,
    })
}

/// `div.approx` and `div.full`. `div.approx` is `a * (1/b)` with a reciprocal that underflows: for |b| > 2^126 it gives 0, and
/// NaN if a is infinite (PTX ISA 9.7.3.8).
pub(crate) fn divide(op: FloatBinaryOp, format: Format, a: u64, b: u64) -> u64 {
    let (x, y) = (format.to_f64(a), format.to_f64(b));
    let huge_divisor = op == FloatBinaryOp::DivApprox && y.is_finite() && y.abs() > 2f64.powi(126);
    let quotient = if huge_divisor { x * 0f64.copysign(y) } else { x / y };
    format.round_f64(quotient).unwrap_or(rules::default_nan(format))
}

/// How far a result may lie from the true value.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Bound {
    /// In units of the last place of the true value.
    Ulps(f64),
    /// As a part of the true value, a power of two.
    Relative(f64),
    /// Absolute, a power of two.
    Absolute(f64),
}

impl Bound {
    /// The bound as a distance at `value`. Where the format's own spacing (of subnormals) is wider than a relative
    /// bound, one unit of it.
    fn distance(self, format: Format, value: f64) -> f64 {
        let ulp = unit_in_last_place(format, value);
        match self {
            Bound::Ulps(count) => count * ulp,
            Bound::Relative(exponent) => (value.abs() * exponent.exp2()).max(least_step(format)),
            Bound::Absolute(exponent) => exponent.exp2(),
        }
    }
}

fn least_step(format: Format) -> f64 {
    // f64's own least step is below what `exp2` of its exponent can hold on the way; its smallest positive number is that step.
    if format.bits == F64.bits { f64::from_bits(1) } else { f64::from(format.least_exponent()).exp2() }
}

fn unit_in_last_place(format: Format, value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return least_step(format);
    }
    let exponent = value.abs().log2().floor() - f64::from(format.fraction_bits);
    exponent.exp2().max(least_step(format))
}

/// Whether `result` is allowed for an approximate operation, by the bounds of PTX ISA 9.7.3 and 9.7.4.
pub(crate) fn unary_within_bound(op: FloatUnaryOp, ty: Type, flush: bool, saturate: bool, a: u64, result: u64) -> bool {
    let Some(format) = Format::of(ty) else { return false };
    let a = format.flushed(flush, a);
    let a = if is_gross(op, format, flush) { a & !F64_LOW_HALF } else { a };
    let x = format.to_f64(a);
    let Some(value) = unary_value(op, x) else { return false };
    let bound = match (op, ty) {
        _ if is_gross(op, format, flush) => Bound::Relative(-18.0),
        (FloatUnaryOp::RsqrtApprox, Type::F64) => Bound::Ulps(2.0),
        (FloatUnaryOp::RcpApprox, _) => Bound::Ulps(1.0),
        (FloatUnaryOp::SqrtApprox, _) => Bound::Relative(-23.0),
        (FloatUnaryOp::RsqrtApprox, _) => Bound::Relative(-22.9),
        (FloatUnaryOp::Ex2Approx, Type::F16) => Bound::Relative(-9.9),
        (FloatUnaryOp::Ex2Approx, Type::BF16) => Bound::Relative(-7.0),
        (FloatUnaryOp::Ex2Approx, _) => Bound::Ulps(2.0),
        (FloatUnaryOp::Lg2Approx, _) if (0.5..=2.0).contains(&x) => Bound::Absolute(-22.0),
        (FloatUnaryOp::Lg2Approx, _) => Bound::Relative(-22.0),
        (FloatUnaryOp::TanhApprox, Type::F16) => Bound::Absolute(-10.987),
        (FloatUnaryOp::TanhApprox, Type::BF16) => Bound::Relative(-8.0),
        (FloatUnaryOp::TanhApprox, _) => Bound::Relative(-11.0),
        // No sine is beyond 1. Beyond one turn either way PTX promises nothing else, and the error of reducing the argument is added.
        _ if format.magnitude(result) > format.one() && x.is_finite() => return false,
        _ if x.abs() <= std::f64::consts::TAU => Bound::Absolute(-20.5),
        _ => Bound::Absolute((x.abs() * 2f64.powi(-21)).log2()),
    };
    within_bound(format, bound, flush, saturate, value, result)
}

/// As [`unary_within_bound`], for `div.approx` and `div.full`. Where `div.approx` may give 0 for a huge divisor, the true
/// quotient is as welcome.
pub(crate) fn divide_within_bound(op: FloatBinaryOp, flush: bool, saturate: bool, a: u64, b: u64, result: u64) -> bool {
    let (a, b) = (F32.flushed(flush, a), F32.flushed(flush, b));
    let stated = F32.to_f64(divide(op, F32, a, b));
    let quotient = F32.to_f64(a) / F32.to_f64(b);
    [stated, quotient].into_iter().any(|value| within_bound(F32, Bound::Ulps(2.0), flush, saturate, value, result))
}

fn within_bound(format: Format, bound: Bound, flush: bool, saturate: bool, value: f64, result: u64) -> bool {
    let value = match saturate {
        true if value.is_nan() => 0.0,
        true => value.clamp(0.0, 1.0),
        false => value,
    };
    if value.is_nan() {
        return format.is_nan(result);
    }
    if format.is_nan(result) {
        return false;
    }
    let nearest = format.round_f64(value).map(|bits| format.flushed(flush, bits));
    if nearest == Some(result) || value.is_infinite() {
        return nearest == Some(result);
    }
    let distance = bound.distance(format, value);
    let got = format.to_f64(result);
    let largest = format.to_f64(format.largest_finite());
    if got.is_infinite() {
        return value.is_sign_negative() == got.is_sign_negative() && value.abs() + distance >= largest;
    }
    let flushed_away = flush && got == 0.0 && value.abs() - distance < format.to_f64(format.smallest_normal());
    flushed_away || (got - value).abs() <= distance
}
