//! Choices that IEEE 754 and the PTX ISA leave open, all in one place: which NaN, what counts as subnormal, what a saturated
//! zero is, what a division by zero gives.
//!
//! Sources: PTX ISA 9.7.3 ("NaN payloads are supported for double-precision instructions"; single-precision and half
//! results are the canonical NaN), 9.7.9.21 (`cvt`); and, where those are silent, what an H200 answered to random programs
//! (driver 580.159.04; the `jit` crate's tests keep its answers).

use super::format::{F16, F32, F64, Format};

/// The NaN that an invalid operation makes: f16 and bf16 `0x7fff`, f32 `0x7fff_ffff`, f64 `0xfff8_0000_0000_0000`.
pub(crate) const fn default_nan(format: Format) -> u64 {
    if format.bits == F64.bits { 0xfff8_0000_0000_0000 } else { format.sign_bit() - 1 }
}

/// The result of arithmetic with a NaN among its operands, `neg` and `abs` included.
///
/// f64: the first NaN operand, made quiet, with its sign and payload; the card changes the sign not even in `neg` and `abs`.
/// With several NaNs the card takes one or another, by the order in which NVIDIA's assembler put the operands. All other
/// formats: [`default_nan`].
pub(crate) fn propagated_nan(format: Format, operands: &[u64]) -> u64 {
    if format.bits == F64.bits
        && let Some(nan) = operands.iter().find(|bits| format.is_nan(**bits))
    {
        return nan | format.quiet_bit();
    }
    default_nan(format)
}

/// A NaN converted to another format, or to its own.
///
/// From and to f64 the sign and the leading payload bits stay, and the result is quiet; only f32 with `.ftz` counts as
/// [`default_nan`] before it is widened. bf16 to f32, and f32 to itself without `.ftz`, are moves of bits, signalling NaNs
/// included. All else gives [`default_nan`].
pub(crate) fn converted_nan(from: Format, to: Format, flush: bool, bits: u64) -> u64 {
    let moves_bits = to == F32 && (from == super::format::BF16 || (from == F32 && !flush));
    if !moves_bits && from != F64 && to != F64 {
        return default_nan(to);
    }
    let bits = if from == F32 && flush { default_nan(F32) } else { bits };
    let fraction = bits & (from.smallest_normal() - 1);
    let payload = match to.fraction_bits.checked_sub(from.fraction_bits) {
        Some(more) => fraction << more,
        None => fraction >> (from.fraction_bits - to.fraction_bits),
    };
    let quiet = if moves_bits { 0 } else { to.quiet_bit() };
    to.with_sign(from.is_negative(bits), to.infinity() | payload | quiet)
}

/// Whether `cvt.ftz` takes a subnormal operand for zero: f32 is flushed, but not on its way to f16, where PTX and the card
/// differ; f16 has no say.
pub(crate) fn conversion_flushes(from: Format, to: Format) -> bool {
    from == F32 && to != F16
}

/// The result of a global f64 `atom.add` with a NaN: the operand, or else the word in memory, as it is. The units beside
/// the L2 cache do not make it quiet; arithmetic, and so `atom.shared`, does.
pub(crate) fn global_atomic_nan(format: Format, old: u64, operand: u64) -> Option<u64> {
    let nan = if format.is_nan(operand) { operand } else { old };
    (format == F64 && format.is_nan(nan)).then_some(nan)
}

/// Division by zero, and its remainder: all ones.
pub(crate) const DIVIDED_BY_ZERO: u128 = u128::MAX;

/// A field's position or length. PTX restricts both to 0..=255; beyond that the card looks at the low 8 bits in 32-bit
/// fields, while in 64-bit ones any large number stays one.
pub(crate) const fn field_number(width: u32, number: u32) -> u32 {
    if width == 64 && number > 255 { 255 } else { number & 255 }
}

/// `fns` with the one distance that cannot be negated.
pub(crate) const NTH_SET_OF_MINIMUM: u32 = 0;

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
