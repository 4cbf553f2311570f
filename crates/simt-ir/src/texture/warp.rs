//! Reads of one texture by many lanes, where nothing but the coordinates differs: what is decided by the texture is decided once.
//!
//! The results are those of [`super::filter`], to the bit; what is rare is left to it: layers, cubes, mipmaps, offsets, gathers and
//! comparisons.

use super::execute::Misuse;
use super::filter::{below, between, border_summand, border_words, corner_weights, number, texels};
use super::mix::{Parts, WEIGHT_ONE};
use super::{AddressMode, Detail, Dimension, Element, Format, Level, Reading, Resource, Sample, World};

/// How the lanes of a warp read a texture.
#[derive(Debug)]
pub struct WarpSample {
    level: Level,
    /// Dimensions in which texels follow one another.
    dimensions: usize,
    modes: [AddressMode; 3],
    format: Format,
    /// The border's colour as it is read, and what of it goes into a sum.
    border: [[u32; 4]; 2],
    /// Coordinates are the numbers of texels, and nothing is done to them.
    integer: bool,
    normalized: bool,
    linear: bool,
}

/// A format that the compiler is to know.
const fn plain(element: Element, channels: u8) -> Format {
    Format { element, channels, reading: Reading::Plain }
}

/// As [`plain`], of fractions.
const fn fractions(element: Element, channels: u8) -> Format {
    Format { element, channels, reading: Reading::Fraction }
}

impl WarpSample {
    /// None for what is left to the general way.
    pub fn new(sample: &Sample, texture: &Resource) -> Option<WarpSample> {
        let Sample { geometry, detail, offset, compare, gather, .. } = *sample;
        let rare = geometry.is_layered() || geometry.is_cube() || offset || compare || gather.is_some();
        let has_layers = texture.layered || texture.dimension == Dimension::Cube || texture.first_layer != 0;
        if rare || has_layers || texture.levels > 1 || (sample.integer && detail != Detail::Base) {
            return None;
        }
        let dimensions = match texture.dimension {
            Dimension::D1 | Dimension::Linear => 1,
            Dimension::D2 => 2,
            Dimension::D3 => 3,
            Dimension::Cube => return None,
        };
        if geometry.dimensions() != dimensions {
            return None;
        }
        Some(WarpSample {
            level: texture.level(0),
            dimensions,
            modes: [0, 1, 2].map(|dimension| texture.address_mode(dimension)),
            format: texture.format,
            border: [border_words(texture), border_summand(texture)],
            integer: sample.integer,
            normalized: texture.sampler.normalized,
            linear: texture.sampler.linear && texture.format.gives_floats(),
        })
    }

    /// Reads for each of `lanes` at its coordinates, of which there are as many as the texture has dimensions, and hands on the four words.
    ///
    /// # Errors
    /// When there is no memory where a lane reads.
    pub fn each<W: World>(
        &self,
        lanes: impl Iterator<Item = usize>,
        coordinates: impl Fn(usize) -> [u32; 3],
        put: impl FnMut(usize, [u32; 4]),
        world: &mut W,
    ) -> Result<(), (usize, Misuse)> {
        match self.dimensions {
            1 => self.in_format::<1, W>(lanes, coordinates, put, world),
            2 => self.in_format::<2, W>(lanes, coordinates, put, world),
            _ => self.in_format::<3, W>(lanes, coordinates, put, world),
        }
    }

    /// Code for the formats that are met most, and for all others.
    fn in_format<const DIMENSIONS: usize, W: World>(
        &self,
        lanes: impl Iterator<Item = usize>,
        coordinates: impl Fn(usize) -> [u32; 3],
        put: impl FnMut(usize, [u32; 4]),
        world: &mut W,
    ) -> Result<(), (usize, Misuse)> {
        macro_rules! choose {
            ($($format:expr),*) => {
                match self.format {
                    $(format if format == const { $format } => {
                        self.in_turn::<DIMENSIONS, W>(const { $format }, lanes, coordinates, put, world)
                    })*
                    other => self.in_turn::<DIMENSIONS, W>(other, lanes, coordinates, put, world),
                }
            };
        }
        choose!(
            plain(Element::F32, 1),
            plain(Element::F32, 2),
            plain(Element::F32, 4),
            plain(Element::U32, 1),
            plain(Element::U8, 1),
            plain(Element::U8, 4),
            fractions(Element::U8, 1),
            fractions(Element::U8, 4)
        )
    }

    #[inline(always)]
    fn in_turn<const DIMENSIONS: usize, W: World>(
        &self,
        format: Format,
        lanes: impl Iterator<Item = usize>,
        coordinates: impl Fn(usize) -> [u32; 3],
        mut put: impl FnMut(usize, [u32; 4]),
        world: &mut W,
    ) -> Result<(), (usize, Misuse)> {
        for lane in lanes {
            world.begin_lane(lane);
            let given = coordinates(lane);
            let words = match (self.integer, self.linear) {
                (true, _) => self.fetch::<DIMENSIONS, W>(format, given, world),
                (false, false) => self.nearest::<DIMENSIONS, W>(format, given, world),
                (false, true) => self.interpolated::<DIMENSIONS, W>(format, given, world),
            };
            put(lane, words.map_err(|misuse| (lane, misuse))?);
        }
        Ok(())
    }

    #[inline(always)]
    fn fetch<const DIMENSIONS: usize, W: World>(
        &self,
        format: Format,
        given: [u32; 3],
        world: &mut W,
    ) -> Result<[u32; 4], Misuse> {
        if (0..DIMENSIONS).any(|dimension| given[dimension] >= self.level.size[dimension]) {
            return Ok([0; 4]);
        }
        Ok(format.words(self.components::<DIMENSIONS, W>(format, given, world)?))
    }

    #[inline(always)]
    fn nearest<const DIMENSIONS: usize, W: World>(
        &self,
        format: Format,
        given: [u32; 3],
        world: &mut W,
    ) -> Result<[u32; 4], Misuse> {
        let mut at = [0; 3];
        for dimension in 0..DIMENSIONS {
            at[dimension] = below(self.place(given[dimension], dimension));
        }
        match self.index::<DIMENSIONS>(at) {
            Some(index) => Ok(format.words(self.components::<DIMENSIONS, W>(format, index, world)?)),
            None => Ok(self.border[0]),
        }
    }

    #[inline(always)]
    fn interpolated<const DIMENSIONS: usize, W: World>(
        &self,
        format: Format,
        given: [u32; 3],
        world: &mut W,
    ) -> Result<[u32; 4], Misuse> {
        let (mut first, mut steps) = ([0; 3], [0; 3]);
        for dimension in 0..DIMENSIONS {
            (first[dimension], steps[dimension]) = between(self.place(given[dimension], dimension));
        }
        let weights = corner_weights(WEIGHT_ONE, steps);
        let mut parts = Parts::default();
        for (corner, weight) in weights.into_iter().enumerate().take(1 << DIMENSIONS) {
            // What does not count is not read: it may be outside.
            if weight != 0 {
                let mut at = first;
                for (dimension, at) in at.iter_mut().enumerate().take(DIMENSIONS) {
                    *at += (corner >> dimension & 1) as i64;
                }
                let summand = match self.index::<DIMENSIONS>(at) {
                    Some(index) => format.summand(self.components::<DIMENSIONS, W>(format, index, world)?),
                    None => self.border[1],
                };
                parts.push(summand, weight);
            }
        }
        Ok(format.mixed(parts.list()))
    }

    /// A coordinate in texels.
    #[inline(always)]
    fn place(&self, given: u32, dimension: usize) -> f64 {
        texels(number(given.into()), self.level.size[dimension], self.normalized)
    }

    #[inline(always)]
    fn index<const DIMENSIONS: usize>(&self, at: [i64; 3]) -> Option<[u32; 3]> {
        let mut index = [0; 3];
        for dimension in 0..DIMENSIONS {
            index[dimension] = self.modes[dimension].apply(at[dimension], self.level.size[dimension])?;
        }
        Some(index)
    }

    /// The bits of a texel's components.
    #[inline(always)]
    fn components<const DIMENSIONS: usize, W: World>(
        &self,
        format: Format,
        index: [u32; 3],
        world: &mut W,
    ) -> Result<[u32; 4], Misuse> {
        let strides = [u64::from(format.texel_bytes()), self.level.row_bytes, self.level.slice_bytes];
        let mut address = self.level.base;
        for dimension in 0..DIMENSIONS {
            address += u64::from(index[dimension]) * strides[dimension];
        }
        let mut bytes = [0; 16];
        world.read(address, &mut bytes[..format.texel_bytes() as usize])?;
        Ok(format.components(&bytes))
    }
}
