//! The binary floating-point formats, and numbers taken apart.

use super::round::{Exact, round};
use crate::{Rounding, Type};

/// A binary interchange format: a sign, an exponent, a fraction. All of them fit in 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    /// Width of the whole.
    pub bits: u32,
    /// Width of the fraction, without the implicit leading bit.
    pub fraction_bits: u32,
}

pub(crate) const F16: Format = Format { bits: 16, fraction_bits: 10 };
pub(crate) const BF16: Format = Format { bits: 16, fraction_bits: 7 };
pub(crate) const F32: Format = Format { bits: 32, fraction_bits: 23 };
pub(crate) const F64: Format = Format { bits: 64, fraction_bits: 52 };

/// A bit pattern by what it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unpacked {
    Nan,
    Infinity {
        negative: bool,
    },
    Zero {
        negative: bool,
    },
    /// Neither zero nor infinite; the significand is not zero.
    Finite(Exact),
}

impl Unpacked {
    /// The sign; that of a NaN is lost.
    pub fn is_negative(self) -> bool {
        match self {
            Unpacked::Nan => false,
            Unpacked::Infinity { negative } | Unpacked::Zero { negative } => negative,
            Unpacked::Finite(exact) => exact.negative,
        }
    }
}

impl Format {
    /// The format of a float type.
    pub const fn of(ty: Type) -> Option<Format> {
        Some(match ty {
            Type::F16 => F16,
            Type::BF16 => BF16,
            Type::F32 => F32,
            Type::F64 => F64,
            _ => return None,
        })
    }

    pub const fn sign_bit(self) -> u64 {
        1 << (self.bits - 1)
    }

    /// The fraction bit that tells quiet NaNs from signalling ones.
    pub const fn quiet_bit(self) -> u64 {
        1 << (self.fraction_bits - 1)
    }

    /// Exponent all ones, fraction zero.
    pub const fn infinity(self) -> u64 {
        (self.sign_bit() - 1) & !((1 << self.fraction_bits) - 1)
    }

    pub const fn largest_finite(self) -> u64 {
        self.infinity() - 1
    }

    pub const fn smallest_normal(self) -> u64 {
        1 << self.fraction_bits
    }

    const fn exponent_bias(self) -> i32 {
        (1 << (self.bits - self.fraction_bits - 2)) - 1
    }

    pub const fn one(self) -> u64 {
        (self.exponent_bias() as u64) << self.fraction_bits
    }

    /// The weight of the last bit of a subnormal number, as a power of two.
    pub const fn least_exponent(self) -> i32 {
        1 - self.exponent_bias() - self.fraction_bits as i32
    }

    pub const fn magnitude(self, bits: u64) -> u64 {
        bits & (self.sign_bit() - 1)
    }

    pub const fn is_negative(self, bits: u64) -> bool {
        bits & self.sign_bit() != 0
    }

    pub const fn is_nan(self, bits: u64) -> bool {
        self.magnitude(bits) > self.infinity()
    }

    pub const fn is_subnormal(self, bits: u64) -> bool {
        let magnitude = self.magnitude(bits);
        magnitude != 0 && magnitude < self.smallest_normal()
    }

    /// A number that orders all patterns that are not NaN as their values, with -0 below +0.
    pub const fn ordinal(self, bits: u64) -> i64 {
        let magnitude = self.magnitude(bits) as i64;
        if self.is_negative(bits) { -1 - magnitude } else { magnitude }
    }

    /// Zero with a sign.
    pub const fn zero(self, negative: bool) -> u64 {
        if negative { self.sign_bit() } else { 0 }
    }

    /// `magnitude` with a sign.
    pub const fn with_sign(self, negative: bool, magnitude: u64) -> u64 {
        self.zero(negative) | magnitude
    }

    /// Zero of the same sign if `bits` is subnormal and `flush` is set, else `bits`.
    pub const fn flushed(self, flush: bool, bits: u64) -> u64 {
        if flush && self.is_subnormal(bits) { bits & self.sign_bit() } else { bits }
    }

    /// Takes a bit pattern apart.
    pub fn unpack(self, bits: u64) -> Unpacked {
        let negative = self.is_negative(bits);
        let magnitude = self.magnitude(bits);
        if magnitude > self.infinity() {
            Unpacked::Nan
        } else if magnitude == self.infinity() {
            Unpacked::Infinity { negative }
        } else if magnitude == 0 {
            Unpacked::Zero { negative }
        } else {
            let exponent_field = (magnitude >> self.fraction_bits) as i32;
            let fraction = magnitude & (self.smallest_normal() - 1);
            let significand = if exponent_field == 0 { fraction } else { fraction | self.smallest_normal() };
            let exponent = self.least_exponent() + exponent_field.max(1) - 1;
            Unpacked::Finite(Exact { negative, significand: u128::from(significand), exponent })
        }
    }

    /// The value of a bit pattern as an `f64`, exactly (every format here is part of `f64`); NaN for NaN.
    pub fn to_f64(self, bits: u64) -> f64 {
        match self.unpack(bits) {
            Unpacked::Nan => f64::NAN,
            Unpacked::Infinity { negative } => f64::from_bits(F64.with_sign(negative, F64.infinity())),
            Unpacked::Zero { negative } => f64::from_bits(F64.zero(negative)),
            Unpacked::Finite(exact) => f64::from_bits(round(F64, exact, Rounding::NearestEven)),
        }
    }

    /// An `f64` rounded to nearest even in this format; `None` for NaN.
    pub fn round_f64(self, value: f64) -> Option<u64> {
        Some(match F64.unpack(value.to_bits()) {
            Unpacked::Nan => return None,
            Unpacked::Infinity { negative } => self.with_sign(negative, self.infinity()),
            Unpacked::Zero { negative } => self.zero(negative),
            Unpacked::Finite(exact) => round(self, exact, Rounding::NearestEven),
        })
    }
}
