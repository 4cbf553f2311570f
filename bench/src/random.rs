//! Input data: the same in every process, without a pattern that a kernel or a cache could profit from.

/// A number that depends on all bits of `index`.
pub fn mix(index: u32) -> u32 {
    // Odd multipliers and shifts by half: every step can be undone, so different indices give different numbers.
    let mut value = index.wrapping_add(0x9e37_79b9);
    value = (value ^ value >> 16).wrapping_mul(0x85eb_ca6b);
    value = (value ^ value >> 13).wrapping_mul(0xc2b2_ae35);
    value ^ value >> 16
}

/// A number from 0 to 1.
pub fn unit(index: u32) -> f32 {
    (mix(index) >> 8) as f32 / (1 << 24) as f32
}

/// A number from -1 to 1.
pub fn signed_unit(index: u32) -> f32 {
    2.0 * unit(index) - 1.0
}

/// Two numbers from -1 to 1, multiples of 1/1024, as the bits of an f16 each.
pub fn signed_unit_halves(index: u32) -> u32 {
    let bits = mix(index);
    half_of_fraction(bits >> 21) | half_of_fraction(bits & 0x7ff) << 16
}

/// `(number - 1024) / 1024` as an f16, which has 11 bits of precision.
fn half_of_fraction(number: u32) -> u32 {
    let single = (number as f32 - 1024.0) / 1024.0;
    let bits = single.to_bits();
    let (sign, exponent, fraction) = (bits >> 31, bits >> 23 & 0xff, bits >> 13 & 0x3ff);
    // The smallest is 2^-10, far from where an f16 loses precision. The biases are 127 and 15.
    let magnitude = if exponent == 0 { 0 } else { (exponent - 112) << 10 | fraction };
    sign << 15 | magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_they_stand_for() {
        assert_eq!(half_of_fraction(1024), 0);
        assert_eq!(half_of_fraction(0), 0xbc00);
        assert_eq!(half_of_fraction(1024 + 512), 0x3800);
        assert_eq!(half_of_fraction(1025), 0x1400);
        assert_eq!(half_of_fraction(2047), 0x3bfe);
    }
}
