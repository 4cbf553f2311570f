//! Texels: what their bytes mean.

use crate::number::evaluate;
use crate::{Op, Rounding, Type, Value};

/// The type of a component in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are their own meaning")]
#[repr(u8)]
pub enum Element {
    U8,
    U16,
    U32,
    S8,
    S16,
    S32,
    F16,
    F32,
    /// Three components of 10 bits and one of two, in 32 bits.
    U10U10U10U2,
}

const ELEMENTS: [Element; 9] = [
    Element::U8,
    Element::U16,
    Element::U32,
    Element::S8,
    Element::S16,
    Element::S32,
    Element::F16,
    Element::F32,
    Element::U10U10U10U2,
];

impl Element {
    /// Bytes of a component; of the whole texel where components share bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Element::U8 | Element::S8 => 1,
            Element::U16 | Element::S16 | Element::F16 => 2,
            Element::U32 | Element::S32 | Element::F32 | Element::U10U10U10U2 => 4,
        }
    }

    /// Whether components are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Element::F16 | Element::F32)
    }

    /// The element with a number, as `as u8` gives it.
    pub(super) fn from_number(number: u8) -> Option<Element> {
        ELEMENTS.get(usize::from(number)).copied()
    }
}

/// What a texture makes of the integers in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Reading {
    /// They stay what they are; floats too.
    Plain,
    /// Fractions of the largest: [0, 1], signed ones [-1, 1].
    Fraction,
    /// As [`Reading::Fraction`]; all but the fourth component are in sRGB's gamma.
    FractionSrgb,
}

/// What texels are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Format {
    /// Of a component.
    pub element: Element,
    /// Components: 1, 2 or 4.
    pub channels: u8,
    /// What a texture makes of them.
    pub reading: Reading,
}

impl Format {
    /// Bytes of a texel.
    #[inline]
    pub fn texel_bytes(&self) -> u32 {
        match self.element {
            Element::U10U10U10U2 => 4,
            element => element.bytes() * u32::from(self.channels),
        }
    }

    /// Whether a texture gives floats.
    #[inline]
    pub fn gives_floats(&self) -> bool {
        self.element.is_float() || self.reading != Reading::Plain
    }

    /// The components' bits, those of signed integers sign-extended.
    // Inlined with a format that is known, little of these functions is left.
    #[inline(always)]
    pub(super) fn components(&self, bytes: &[u8; 16]) -> [u32; 4] {
        if self.element == Element::U10U10U10U2 {
            let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            return [word & 0x3ff, word >> 10 & 0x3ff, word >> 20 & 0x3ff, word >> 30];
        }
        let width = self.element.bytes() as usize;
        let mut components = [0; 4];
        for (index, component) in components.iter_mut().enumerate() {
            let mut word = [0; 4];
            word[..width].copy_from_slice(&bytes[index * width..][..width]);
            let bits = u32::from_le_bytes(word);
            *component = match self.element {
                Element::S8 => bits as u8 as i8 as u32,
                Element::S16 => bits as u16 as i16 as u32,
                _ => bits,
            };
        }
        components
    }

    /// A component as a number.
    #[inline(always)]
    pub(super) fn number(&self, bits: u32, index: usize) -> f64 {
        let signed = f64::from(bits as i32);
        match self.element {
            Element::F32 => f64::from(f32::from_bits(bits)),
            Element::F16 => half_to_number(bits as u16),
            Element::U8 if self.reading == Reading::FractionSrgb && index < 3 => linear(f64::from(bits) / 255.0),
            Element::U8 => f64::from(bits) / 255.0,
            Element::U16 => f64::from(bits) / 65_535.0,
            Element::U32 => f64::from(bits),
            Element::S8 => (signed / 127.0).max(-1.0),
            Element::S16 => (signed / 32_767.0).max(-1.0),
            Element::S32 => signed,
            Element::U10U10U10U2 => f64::from(bits) / if index == 3 { 3.0 } else { 1023.0 },
        }
    }

    /// The bits of the component that is nearest to a number.
    pub(super) fn component(&self, number: f32) -> u32 {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.encode(number.to_bits()));
        self.components(&bytes)[0]
    }

    /// The bytes of a component that a formatted store writes: `word` is a float where the surface holds floats or fractions,
    /// else an integer of the surface's signedness, which is clamped to what it can hold.
    pub(super) fn encode(&self, word: u32) -> [u8; 4] {
        let float = f64::from(f32::from_bits(word));
        let fraction = |largest: f64| (float.clamp(-1.0, 1.0) * largest).round_ties_even();
        let is_fraction = self.reading != Reading::Plain;
        let bits = match self.element {
            Element::F32 | Element::U32 | Element::S32 | Element::U10U10U10U2 => word,
            Element::F16 => number_to_half(word),
            Element::U8 if is_fraction => fraction(255.0).max(0.0) as u32,
            Element::U16 if is_fraction => fraction(65_535.0).max(0.0) as u32,
            Element::S8 if is_fraction => fraction(127.0) as i32 as u32,
            Element::S16 if is_fraction => fraction(32_767.0) as i32 as u32,
            Element::U8 => word.min(255),
            Element::U16 => word.min(65_535),
            Element::S8 => (word as i32).clamp(-128, 127) as u32,
            Element::S16 => (word as i32).clamp(-32_768, 32_767) as u32,
        };
        bits.to_le_bytes()
    }
}

/// From sRGB's gamma to a linear scale (IEC 61966-2-1).
fn linear(encoded: f64) -> f64 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

fn half_to_number(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if bits & 0x3ff != 0 => f64::NAN,
        31 => f64::INFINITY,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

fn number_to_half(bits: u32) -> u32 {
    let convert = Op::FloatToFloat {
        rounding: Rounding::NearestEven,
        flush: false,
        saturate: false,
        relu: false,
        from: Type::F32,
        to: Type::F16,
        a: Value(0),
    };
    evaluate(&convert, &[u128::from(bits)]).unwrap_or(0) as u32
}
