//! Resources: an image in memory, what its texels are and how it is sampled.

use super::{AddressMode, Element, Format, Reading, Sampler};

/// Words of [`Resource::to_words`].
pub const RESOURCE_WORDS: usize = 11;

/// Rows of an image whose layout nobody has stated begin at multiples of this.
const ROW_ALIGNMENT: u64 = 16;

/// Dimensions of an image.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Dimension {
    /// A row of texels.
    D1,
    /// Rows.
    D2,
    /// Slices of rows.
    D3,
    /// Layers in groups of six, each the faces of a cube.
    Cube,
    /// A row of texels in plain memory, which is only fetched from.
    Linear,
}

/// What a resource may be used for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Usage {
    /// Sampling.
    Texture,
    /// Loads and stores.
    Surface,
}

/// An image, and how it is sampled.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Resource {
    /// What it may be used for.
    pub usage: Usage,
    /// Dimensions.
    pub dimension: Dimension,
    /// Whether there are layers.
    pub layered: bool,
    /// Address of the first texel of the first level.
    pub base: u64,
    /// Bytes from row to row in the first level; in the others that of [`natural_row_bytes`].
    pub row_bytes: u64,
    /// Texels in x, y and z of the first level, at least 1.
    pub size: [u32; 3],
    /// Layers that lie in memory, at least 1.
    pub stored_layers: u32,
    /// The layer that counts as the first.
    pub first_layer: u32,
    /// Layers that there are, at least 1.
    pub layers: u32,
    /// Levels, at least 1. They lie one behind the other.
    pub levels: u32,
    /// Texels.
    pub format: Format,
    /// How it is sampled.
    pub sampler: Sampler,
}

/// A level of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// Address of the first texel.
    pub base: u64,
    /// Texels in x, y and z.
    pub size: [u32; 3],
    /// Bytes from row to row.
    pub row_bytes: u64,
    /// Bytes from slice to slice, and from layer to layer.
    pub slice_bytes: u64,
}

/// Bytes from row to row of an image whose layout nobody has stated.
pub fn natural_row_bytes(width: u32, texel_bytes: u32) -> u64 {
    (u64::from(width) * u64::from(texel_bytes)).next_multiple_of(ROW_ALIGNMENT)
}

impl Resource {
    /// A level; the last one if there are fewer.
    pub fn level(&self, level: u32) -> Level {
        let mut found = Level {
            base: self.base,
            size: self.size,
            row_bytes: self.row_bytes,
            slice_bytes: self.row_bytes * u64::from(self.size[1]),
        };
        for _ in 0..level.min(self.levels.saturating_sub(1)) {
            found.base += found.slice_bytes * u64::from(found.size[2]) * u64::from(self.stored_layers);
            found.size = found.size.map(|texels| (texels / 2).max(1));
            found.row_bytes = natural_row_bytes(found.size[0], self.format.texel_bytes());
            found.slice_bytes = found.row_bytes * u64::from(found.size[1]);
        }
        found
    }

    /// Bytes from the first texel to behind the last level.
    pub fn bytes(&self) -> u64 {
        let last = self.level(self.levels.saturating_sub(1));
        last.base - self.base + last.slice_bytes * u64::from(last.size[2]) * u64::from(self.stored_layers)
    }

    /// The resource as words, for tables that are read while others change them.
    pub fn to_words(&self) -> [u64; RESOURCE_WORDS] {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let floats = |low: f32, high: f32| pair(low.to_bits(), high.to_bits());
        let Sampler { border, mip_bias, mip_min, mip_max, .. } = self.sampler;
        let kind = u32::from_le_bytes([
            self.usage as u8 | u8::from(self.layered) << 1,
            self.dimension as u8,
            self.format.element as u8,
            self.format.channels | (self.format.reading as u8) << 4,
        ]);
        [
            self.base,
            self.row_bytes,
            pair(self.size[0], self.size[1]),
            pair(self.size[2], self.stored_layers),
            pair(self.first_layer, self.layers),
            pair(self.levels, kind),
            self.sampler.bits(),
            floats(border[0], border[1]),
            floats(border[2], border[3]),
            floats(mip_bias, mip_min),
            floats(mip_max, 0.0),
        ]
    }

    /// The resource of words; none if they are those of none.
    pub fn from_words(words: &[u64; RESOURCE_WORDS]) -> Option<Resource> {
        let (low, high) = (|index: usize| words[index] as u32, |index: usize| (words[index] >> 32) as u32);
        let (low_float, high_float) = (|index| f32::from_bits(low(index)), |index| f32::from_bits(high(index)));
        let [flags, dimension, element, texel] = high(5).to_le_bytes();
        Some(Resource {
            usage: if flags & 1 == 0 { Usage::Texture } else { Usage::Surface },
            dimension: match dimension {
                0 => Dimension::D1,
                1 => Dimension::D2,
                2 => Dimension::D3,
                3 => Dimension::Cube,
                4 => Dimension::Linear,
                _ => return None,
            },
            layered: flags & 2 != 0,
            base: words[0],
            row_bytes: words[1],
            size: [low(2), high(2), low(3)],
            stored_layers: high(3),
            first_layer: low(4),
            layers: high(4),
            levels: low(5),
            format: Format {
                element: Element::from_number(element)?,
                channels: texel & 0xf,
                reading: match texel >> 4 {
                    0 => Reading::Plain,
                    1 => Reading::Fraction,
                    2 => Reading::FractionSrgb,
                    _ => return None,
                },
            },
            sampler: Sampler {
                border: [low_float(7), high_float(7), low_float(8), high_float(8)],
                mip_bias: low_float(9),
                mip_min: high_float(9),
                mip_max: low_float(10),
                ..Sampler::from_bits(words[6])
            },
        })
    }

    /// The sampler that counts where an instruction names one too: its modes replace the texture's.
    pub(super) fn with_sampler(&self, named: Sampler, force_unnormalized: bool) -> Resource {
        let normalized = !force_unnormalized && self.sampler.normalized;
        let (address, linear) = (named.address, named.linear);
        Resource { sampler: Sampler { address, linear, normalized, ..self.sampler }, ..*self }
    }

    /// Address mode of a dimension; a cube's faces end at their edges.
    pub(super) fn address_mode(&self, dimension: usize) -> AddressMode {
        if self.dimension == Dimension::Cube { AddressMode::Clamp } else { self.sampler.mode(dimension) }
    }
}
