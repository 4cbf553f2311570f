//! Exact numbers, and the one place where they are rounded.

use super::format::Format;
use crate::Rounding;

/// The number `±significand * 2^exponent`, with a significand that is not zero.
///
/// The last bit of a significand may stand for "a one somewhere below" (a sticky bit, made by [`shift_right_jam`]); whoever
/// makes such a number leaves two bits or more between it and the last bit of any format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exact {
    pub negative: bool,
    pub significand: u128,
    pub exponent: i32,
}

/// The position of the leading bit of a [`Exact::normalized`] significand: room for one carry above, and for 72 bits below
/// the 53 of an `f64`.
const NORMAL_TOP: u32 = 125;

impl Exact {
    /// The position of the most significant bit.
    fn top(self) -> u32 {
        127 - self.significand.leading_zeros()
    }

    /// The same number with its leading bit at [`NORMAL_TOP`].
    pub fn normalized(self) -> Exact {
        let shift = NORMAL_TOP - self.top();
        Exact { significand: self.significand << shift, exponent: self.exponent - shift as i32, ..self }
    }

    /// `self * other`, exact for significands of up to 64 bits.
    pub fn times(self, other: Exact) -> Exact {
        Exact {
            negative: self.negative ^ other.negative,
            significand: self.significand * other.significand,
            exponent: self.exponent + other.exponent,
        }
    }

    /// `self + other`, `None` if that is zero.
    ///
    /// The smaller operand loses its bits below the larger's last one to a sticky bit. That happens only if their
    /// normalized exponents differ by more than 20 (a product of two `f64` has 106 of 126 bits), and then the sum has 124
    /// bits or more: the sticky bit is far below the rounding position.
    pub fn plus(self, other: Exact) -> Option<Exact> {
        let (a, b) = (self.normalized(), other.normalized());
        let (large, small) = if (a.exponent, a.significand) >= (b.exponent, b.significand) { (a, b) } else { (b, a) };
        let aligned = shift_right_jam(small.significand, (large.exponent - small.exponent) as u32);
        let significand =
            if large.negative == small.negative { large.significand + aligned } else { large.significand - aligned };
        (significand != 0).then_some(Exact { significand, ..large })
    }

    /// `self / other` to at least 72 bits and a sticky bit, for significands of `other` of up to 53 bits.
    pub fn over(self, other: Exact) -> Exact {
        let dividend = self.normalized();
        let quotient = dividend.significand / other.significand;
        let inexact = dividend.significand % other.significand != 0;
        Exact {
            negative: self.negative ^ other.negative,
            significand: quotient | u128::from(inexact),
            exponent: dividend.exponent - other.exponent,
        }
    }

    /// The square root of the magnitude, to 63 bits and a sticky bit.
    pub fn square_root(self) -> Exact {
        let mut radicand = self.normalized();
        if radicand.exponent % 2 != 0 {
            radicand.significand <<= 1;
            radicand.exponent -= 1;
        }
        let root = radicand.significand.isqrt();
        let inexact = root * root != radicand.significand;
        // One more bit, so that the sticky bit stands below the root's own last bit.
        Exact { negative: false, significand: root << 1 | u128::from(inexact), exponent: radicand.exponent / 2 - 1 }
    }

    /// The magnitude rounded to an integer; saturates at 2^128 - 1.
    pub fn to_integer(self, rounding: Rounding) -> u128 {
        if self.exponent >= 0 {
            let room = self.significand.leading_zeros();
            if self.exponent as u32 > room { u128::MAX } else { self.significand << self.exponent }
        } else {
            shift_right_round(self.significand, self.exponent.unsigned_abs(), self.negative, rounding)
        }
    }
}

/// `value / 2^shift`, the bits that fall off or-ed into the last one.
pub(crate) fn shift_right_jam(value: u128, shift: u32) -> u128 {
    if shift == 0 {
        value
    } else if shift > 127 {
        u128::from(value != 0)
    } else {
        value >> shift | u128::from(value << (128 - shift) != 0)
    }
}

/// `value / 2^shift`, rounded to an integer; `negative` is the sign of the number whose magnitude `value` is.
pub(crate) fn shift_right_round(value: u128, shift: u32, negative: bool, rounding: Rounding) -> u128 {
    if shift == 0 {
        return value;
    }
    // Two bits remain below the integer: the half, and whether anything is below that.
    let scaled = if shift == 1 { value << 1 } else { shift_right_jam(value, shift - 2) };
    // `value << 1` loses the top bit only for values that no caller makes (leading bit at 126 or below).
    let (whole, rest) = (scaled >> 2, scaled & 3);
    let up = match rounding {
        Rounding::NearestEven => rest > 2 || (rest == 2 && whole & 1 == 1),
        Rounding::NearestAway => rest >= 2,
        Rounding::TowardZero => false,
        Rounding::TowardNegative => negative && rest != 0,
        Rounding::TowardPositive => !negative && rest != 0,
    };
    whole + u128::from(up)
}

/// The bit pattern of a number in a format, rounded once; overflow gives infinity or the largest finite number, by the
/// rounding; underflow is gradual.
pub(crate) fn round(format: Format, exact: Exact, rounding: Rounding) -> u64 {
    let Exact { negative, significand, exponent } = exact;
    let leading_exponent = exponent + exact.top() as i32;
    let last_exponent = (leading_exponent - format.fraction_bits as i32).max(format.least_exponent());
    let shift = last_exponent - exponent;
    let kept = if shift <= 0 {
        significand << -shift
    } else {
        shift_right_round(significand, shift as u32, negative, rounding)
    };
    // Adding the kept bits, implicit one included, carries into the exponent field exactly where it should: into the first
    // normal binade, and into the next one after rounding up.
    let exponent_field = (last_exponent - format.least_exponent()) as u128;
    let magnitude = (exponent_field << format.fraction_bits) + kept;
    if magnitude >= u128::from(format.infinity()) {
        return format.with_sign(negative, overflow(format, negative, rounding));
    }
    format.with_sign(negative, magnitude as u64)
}

/// The magnitude that stands for a number too large.
fn overflow(format: Format, negative: bool, rounding: Rounding) -> u64 {
    let to_infinity = match rounding {
        Rounding::NearestEven | Rounding::NearestAway => true,
        Rounding::TowardZero => false,
        Rounding::TowardNegative => negative,
        Rounding::TowardPositive => !negative,
    };
    if to_infinity { format.infinity() } else { format.largest_finite() }
}
