//! Sums of texels by their weights, as an H200 with driver 580 makes them (`texture_odd_numbers.cu` and
//! `texture_weights.cu` in `filetests/cases/cuda` hold what it said).
//!
//! Weights count in 256ths and are split from dimension to dimension, so that their sum stays what it was. Floats lose what is more than
//! four bits below the last one of the largest, and their sum is rounded once, halves away from zero. Fractions are summed as numbers of
//! 16 bits.

use super::texel::{Element, Format, Reading};

/// What all weights together count.
pub(super) const WEIGHT_ONE: u32 = 256;

/// Most texels of a sum: eight in each of two levels.
const PARTS_MAX: usize = 16;

/// Bits of floats below the last one of the largest that count.
const GUARD_BITS: u32 = 4;

/// A texel, as [`Format::summand`] gives it, and what it counts.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Part {
    pub components: [u32; 4],
    pub weight: u32,
}

/// The texels of a sum.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Parts {
    list: [Part; PARTS_MAX],
    count: usize,
}

impl Parts {
    #[inline(always)]
    pub fn push(&mut self, components: [u32; 4], weight: u32) {
        if let Some(part) = self.list.get_mut(self.count) {
            *part = Part { components, weight };
            self.count += 1;
        }
    }

    #[inline(always)]
    pub fn list(&self) -> &[Part] {
        &self.list[..self.count]
    }
}

/// What the texels before and behind count in one dimension, where the one behind counts so many of 256.
#[inline(always)]
pub(super) fn halves(whole: u32, steps: u32) -> [u32; 2] {
    let far = (whole * steps + 128) >> 8;
    [whole - far, far]
}

/// What the four texels of a square count: x goes first. Halves go to the far ends.
#[inline(always)]
pub(super) fn quarters(whole: u32, [x, y]: [u32; 2]) -> [u32; 4] {
    let [near, far] = halves(whole, x);
    let (far_of_near, far_of_far) = ((near * y + 127) >> 8, (far * y + 128) >> 8);
    [near - far_of_near, far - far_of_far, far_of_near, far_of_far]
}

impl Format {
    /// The words of a texel that counts alone and is not filtered: floats keep their bits.
    #[inline(always)]
    pub(super) fn words(&self, components: [u32; 4]) -> [u32; 4] {
        let channels = usize::from(self.channels).min(4);
        let mut words = self.absent();
        for (index, word) in words.iter_mut().enumerate().take(channels) {
            let bits = components[index];
            *word = match self.element {
                Element::F16 => half_widened(bits),
                _ if !self.gives_floats() || self.element == Element::F32 => bits,
                _ => (self.number(bits, index) as f32).to_bits(),
            };
        }
        words
    }

    /// What stands for components that texels do not have.
    #[inline(always)]
    pub(super) fn absent(&self) -> [u32; 4] {
        [0, 0, 0, if self.gives_floats() { 1f32.to_bits() } else { 1 }]
    }

    /// Whether sums are made of what a texel is read as, and not of its components.
    #[inline(always)]
    pub(super) fn sums_words(&self) -> bool {
        use Element::{F16, F32, S8, S16, U8, U16};
        let as_components =
            matches!((self.element, self.reading), (F16 | F32, _) | (U8 | U16 | S8 | S16, Reading::Fraction));
        !as_components
    }

    /// What of a texel goes into a sum.
    #[inline(always)]
    pub(super) fn summand(&self, components: [u32; 4]) -> [u32; 4] {
        if self.sums_words() { self.words(components) } else { components }
    }

    /// The words of a sum.
    #[inline(always)]
    pub(super) fn mixed(&self, parts: &[Part]) -> [u32; 4] {
        let channels = usize::from(self.channels).min(4);
        let mut words = self.absent();
        for (index, word) in words.iter_mut().enumerate().take(channels) {
            *word = match (self.element, self.reading) {
                (Element::F32, _) => mixed_floats::<23, 8>(parts, index),
                (Element::F16, _) => mixed_floats::<10, 5>(parts, index),
                (Element::U8, Reading::Fraction) => mixed_fractions::<255, 65_535>(parts, index),
                (Element::U16, Reading::Fraction) => mixed_fractions::<65_535, 65_535>(parts, index),
                (Element::S8, Reading::Fraction) => mixed_fractions::<127, 32_767>(parts, index),
                (Element::S16, Reading::Fraction) => mixed_fractions::<32_767, 32_767>(parts, index),
                _ => {
                    let number = |part: &Part| f64::from(f32::from_bits(part.components[index]));
                    let weighted = |part: &Part| number(part) * f64::from(part.weight);
                    let sum: f64 = parts.iter().filter(|part| part.weight != 0).map(weighted).sum();
                    ((sum / f64::from(WEIGHT_ONE)) as f32).to_bits()
                }
            };
        }
        words
    }
}

/// A sum of integers, fractions of `LARGEST`, as a single: the sum is rounded to a fraction of `SUM` first, halves up.
#[inline(always)]
fn mixed_fractions<const LARGEST: i64, const SUM: i64>(parts: &[Part], index: usize) -> u32 {
    let weighted = |part: &Part| i64::from(part.components[index] as i32) * i64::from(part.weight);
    let whole = LARGEST * i64::from(WEIGHT_ONE);
    let sum = (2 * SUM * parts.iter().map(weighted).sum::<i64>() + whole).div_euclid(2 * whole);
    ((sum.max(-SUM) as f64 / SUM as f64) as f32).to_bits()
}

/// The bits of the single of the same value; those of a NaN stay, too.
fn half_widened(bits: u32) -> u32 {
    let (sign, exponent, fraction) = ((bits & 0x8000) << 16, bits >> 10 & 0x1f, bits & 0x3ff);
    match exponent {
        0 => sign | (fraction as f32 * 2f32.powi(-24)).to_bits(),
        31 => sign | 0x7f80_0000 | fraction << 13,
        _ => sign | (exponent + 112) << 23 | fraction << 13,
    }
}

/// A sum of floats with so many bits of fraction and of exponent, as a single. Subnormal singles count as zeros, subnormal halves as what
/// they are.
#[inline(always)]
fn mixed_floats<const FRACTION: u32, const EXPONENT: u32>(parts: &[Part], index: usize) -> u32 {
    let (last_exponent, bias) = ((1 << EXPONENT) - 1, (1i32 << (EXPONENT - 1)) - 1);
    let subnormals_count = EXPONENT < 8;
    let fields = |part: &Part| {
        let bits = part.components[index];
        let (negative, exponent) = (bits >> (FRACTION + EXPONENT) & 1 == 1, bits >> FRACTION & last_exponent);
        (negative, exponent, bits & ((1 << FRACTION) - 1))
    };
    let counted = || parts.iter().filter(|part| part.weight != 0);
    let (mut largest, mut all_negative) = (1, true);
    let (mut is_nan, mut infinite) = (false, [false; 2]);
    for part in counted() {
        let (negative, exponent, fraction) = fields(part);
        all_negative &= negative;
        if exponent == last_exponent {
            is_nan |= fraction != 0;
            infinite[usize::from(negative)] |= fraction == 0;
        }
        largest = largest.max(exponent);
    }
    if is_nan || infinite == [true; 2] {
        return 0x7f80_0000 | ((1 << FRACTION) - 1) << (23 - FRACTION);
    }
    if infinite != [false; 2] {
        return 0x7f80_0000 | u32::from(infinite[1]) << 31;
    }
    let mut sum = 0i64;
    for part in counted() {
        let (negative, exponent, fraction) = fields(part);
        let significand = match exponent {
            0 if subnormals_count => fraction,
            0 => 0,
            _ => fraction | 1 << FRACTION,
        };
        let aligned = (u64::from(significand) << GUARD_BITS) >> (largest - exponent.max(1)).min(63);
        let weighted = (aligned * u64::from(part.weight)) as i64;
        sum += if negative { -weighted } else { weighted };
    }
    if sum == 0 {
        return u32::from(all_negative) << 31;
    }
    // The last bit of the sum counts 2^unit, that of the result 2^(unit + dropped).
    let unit = largest as i32 - bias - (FRACTION + GUARD_BITS + 8) as i32;
    let length = 64 - sum.unsigned_abs().leading_zeros();
    let subnormal = 1 - bias - FRACTION as i32 - unit;
    let dropped = (length as i32 - (FRACTION + 1) as i32).max(subnormal).max(0) as u32;
    let rounded =
        if dropped == 0 { sum.unsigned_abs() } else { ((sum.unsigned_abs() >> (dropped - 1)) + 1) >> 1 << dropped };
    let scale = f64::from_bits(((1023 + unit) as u64) << 52);
    let value = (rounded as f64 * scale) as f32;
    let value = if !subnormals_count && value < f32::MIN_POSITIVE { 0.0 } else { value };
    value.to_bits() | u32::from(sum < 0) << 31
}
