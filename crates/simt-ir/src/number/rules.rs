//! Choices that IEEE 754 leaves open, all in one place: which NaN, what counts as subnormal, what a saturated zero is.
//!
//! Sources: PTX ISA 9.7.3 ("NaN payloads are supported for double-precision instructions"; single-precision and half
//! results are the canonical NaN), 9.7.9.21 (`cvt`).

use super::format::{F64, Format};

/// The NaN that an invalid operation makes: f16 and bf16 `0x7fff`, f32 `0x7fff_ffff`, f64 `0xfff8_0000_0000_0000`.
pub(crate) const fn default_nan(format: Format) -> u64 {
    if format.bits == F64.bits { 0xfff8_0000_0000_0000 } else { format.sign_bit() - 1 }
}

/// The result of arithmetic with a NaN among its operands.
///
/// f64: the first NaN operand, made quiet, with its sign and payload. All others: [`default_nan`].
pub(crate) fn propagated_nan(format: Format, operands: &[u64]) -> u64 {
    if format.bits == F64.bits
        && let Some(nan) = operands.iter().find(|bits| format.is_nan(**bits))
    {
        return nan | format.quiet_bit();
    }
    default_nan(format)
}

/// A NaN converted to another format.
///
/// Between f64 and f64 the payload stays; between f32 and f64 sign and leading payload bits stay when widening, and
/// narrowing gives [`default_nan`], as does everything that involves f16 or bf16.
pub(crate) fn converted_nan(from: Format, to: Format, bits: u64) -> u64 {
    if to.bits != F64.bits {
        return default_nan(to);
    }
    if from.bits == F64.bits {
        return bits | F64.quiet_bit();
    }
    let fraction = bits & (from.smallest_normal() - 1);
    let payload = fraction << (F64.fraction_bits - from.fraction_bits);
    F64.with_sign(from.is_negative(bits), F64.infinity() | payload | F64.quiet_bit())
}

/// The result of `min` and `max` on two NaNs, and of their `.NaN` forms on any.
pub(crate) const fn min_max_nan(format: Format) -> u64 {
    if format.bits == F64.bits { 0x7fff_ffff_ffff_ffff } else { default_nan(format) }
}

/// What a float that is NaN converts to (PTX ISA, `cvt`): 0 for up to 32 bits from anything but f64, else only the top bit.
pub(crate) const fn integer_of_nan(from: Format, to_bits: u32) -> u128 {
    if from.bits == F64.bits || to_bits == 64 { 1 << (to_bits - 1) } else { 0 }
}

/// A result after `.ftz`: decided by the *rounded* result, so what rounds up to the smallest normal number stays.
pub(crate) const fn flush_result(format: Format, flush: bool, bits: u64) -> u64 {
    format.flushed(flush, bits)
}

/// A result after `.sat`: clamped to [+0, 1]; NaN and -0 become +0.
pub(crate) fn saturate(format: Format, bits: u64) -> u64 {
    if format.is_nan(bits) || format.is_negative(bits) {
        0
    } else if bits > format.one() {
        format.one()
    } else {
        bits
    }
}

/// A result after `.relu`: NaN becomes canonical, anything with a minus sign (-0 too) becomes +0.
pub(crate) fn relu(format: Format, bits: u64) -> u64 {
    if format.is_nan(bits) {
        default_nan(format)
    } else if format.is_negative(bits) {
        0
    } else {
        bits
    }
}
