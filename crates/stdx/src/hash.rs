//! Where an address belongs in a table.

/// The golden ratio spreads addresses, whose lowest bits are alike, as are their highest. In 32 bits, which is shorter code.
pub const FACTOR: u32 = 0x9e37_79b9;

/// The place of an address in a table of so many places, a power of two: the highest bits of a product with [`FACTOR`].
#[inline(always)]
pub const fn place(address: u64, places: usize) -> usize {
    ((address as u32).wrapping_mul(FACTOR) >> (32 - places.ilog2())) as usize
}
