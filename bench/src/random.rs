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
