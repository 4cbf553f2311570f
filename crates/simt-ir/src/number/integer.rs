//! Integer arithmetic on patterns of any width up to 128 bits.

use super::bits::{mask, sign_extend};
use super::rules;
use crate::{BinaryOp, UnaryOp};

/// [`crate::Op::Unary`] on `width` bits. Counts and positions are 32-bit results.
pub(crate) fn unary(op: UnaryOp, width: u32, a: u128) -> u128 {
    match op {
        UnaryOp::Neg => a.wrapping_neg() & mask(width),
        UnaryOp::Not => !a & mask(width),
        UnaryOp::Abs => sign_extend(a, width).unsigned_abs() & mask(width),
        UnaryOp::CountLeadingZeros => u128::from(a.leading_zeros() - (128 - width)),
        UnaryOp::PopCount => u128::from(a.count_ones()),
        UnaryOp::ReverseBits => a.reverse_bits() >> (128 - width),
        UnaryOp::FindMsbUnsigned => most_significant(a),
        UnaryOp::FindMsbSigned => {
            let sign = (sign_extend(a, width) >> 127) as u128;
            most_significant((a ^ sign) & mask(width))
        }
    }
}

/// Position of the leading one; `0xffff_ffff` for 0.
fn most_significant(a: u128) -> u128 {
    if a == 0 { 0xffff_ffff } else { u128::from(127 - a.leading_zeros()) }
}

/// [`crate::Op::Binary`] on `width` bits; shift amounts are 32-bit.
pub(crate) fn binary(op: BinaryOp, width: u32, a: u128, b: u128) -> u128 {
    let (signed_a, signed_b) = (sign_extend(a, width), sign_extend(b, width));
    let result = match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::MulHighSigned => multiply_high_signed(width, a, b),
        BinaryOp::MulHighUnsigned => multiply_high_unsigned(width, a, b),
        BinaryOp::DivSigned | BinaryOp::RemSigned if b == 0 => rules::DIVIDED_BY_ZERO,
        BinaryOp::DivSigned => signed_a.wrapping_div(signed_b) as u128,
        BinaryOp::DivUnsigned => a.checked_div(b).unwrap_or(rules::DIVIDED_BY_ZERO),
        BinaryOp::RemSigned => signed_a.wrapping_rem(signed_b) as u128,
        BinaryOp::RemUnsigned => a.checked_rem(b).unwrap_or(rules::DIVIDED_BY_ZERO),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::Shl => shift(b, width).map_or(0, |amount| a << amount),
        BinaryOp::ShrUnsigned => shift(b, width).map_or(0, |amount| a >> amount),
        BinaryOp::ShrSigned => (signed_a >> shift(b, width).unwrap_or(width - 1)) as u128,
        BinaryOp::MinSigned => signed_a.min(signed_b) as u128,
        BinaryOp::MinUnsigned => a.min(b),
        BinaryOp::MaxSigned => signed_a.max(signed_b) as u128,
        BinaryOp::MaxUnsigned => a.max(b),
        BinaryOp::AddSaturateSigned => clamp_signed(signed_a.saturating_add(signed_b), width),
        BinaryOp::SubSaturateSigned => clamp_signed(signed_a.saturating_sub(signed_b), width),
    };
    result & mask(width)
}

/// The amount, if it is less than the width.
fn shift(amount: u128, width: u32) -> Option<u32> {
    (amount < u128::from(width)).then_some(amount as u32)
}

fn clamp_signed(value: i128, width: u32) -> u128 {
    let largest = (mask(width) >> 1) as i128;
    value.clamp(-largest - 1, largest) as u128
}

fn multiply_high_unsigned(width: u32, a: u128, b: u128) -> u128 {
    if width <= 64 { (a * b) >> width } else { multiply_high_128(a, b) }
}

/// The signed high half is the unsigned one less each factor whose partner is negative.
fn multiply_high_signed(width: u32, a: u128, b: u128) -> u128 {
    let mut high = multiply_high_unsigned(width, a, b);
    if sign_extend(a, width) < 0 {
        high = high.wrapping_sub(b);
    }
    if sign_extend(b, width) < 0 {
        high = high.wrapping_sub(a);
    }
    high
}

/// The high half of a 256-bit product, by 64-bit halves.
fn multiply_high_128(a: u128, b: u128) -> u128 {
    let low_half = mask(64);
    let (a_high, a_low) = (a >> 64, a & low_half);
    let (b_high, b_low) = (b >> 64, b & low_half);
    let low = a_low * b_low;
    let first = a_high * b_low + (low >> 64);
    let second = a_low * b_high + (first & low_half);
    a_high * b_high + (first >> 64) + (second >> 64)
}
