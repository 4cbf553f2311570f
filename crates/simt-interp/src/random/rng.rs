//! The source of randomness: small, and the same everywhere.

use super::Family;

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The source for a case.
    pub fn of(family: Family, seed: u64) -> Self {
        let mut rng = Self(seed ^ (family as u64 + 1) << 56);
        rng.bits();
        rng
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0. (The bias is of no concern for bounds this small.)
    pub fn below(&mut self, bound: usize) -> usize {
        ((self.bits() >> 32) as usize) % bound
    }

    /// True in one case of `count`.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// True or false.
    pub fn flag(&mut self) -> bool {
        self.one_in(2)
    }

    /// One of a list that is not empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}
