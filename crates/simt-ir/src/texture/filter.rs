//! Reads of textures (CUDA C++ Programming Guide, "Texture Fetching").
//!
//! Weights of interpolation are fixed-point numbers with 8 bits of fraction ([`super::mix`]).

use super::execute::{RESULTS_MAX, layer_operand};
use super::mix::{Part, Parts, WEIGHT_ONE, halves, quarters};
use super::{Detail, Dimension, Level, Misuse, Resource, Sample, World, cube};

/// A read. `operands` begin with the coordinates.
pub(super) fn sample(
    sample: &Sample,
    texture: &Resource,
    operands: &[u64],
    world: &mut impl World,
) -> Result<[u64; RESULTS_MAX], Misuse> {
    let (mut layer, first) = layer_operand(sample.geometry.is_layered(), operands);
    let dimensions = sample.geometry.dimensions();
    let mut rest = first + dimensions;
    let mut take = |count: usize| {
        rest += count;
        &operands[rest - count..rest]
    };
    let detail = match sample.detail {
        Detail::Base => [].as_slice(),
        Detail::Level => take(1),
        Detail::Gradient => take(2 * dimensions),
    };
    let mut read = Read { sample, texture, layer: 0, offset: [0; 3], depth: None };
    if sample.offset {
        for (offset, operand) in read.offset.iter_mut().zip(take(dimensions)) {
            *offset = i64::from(*operand as u32 as i32);
        }
    }
    if sample.compare {
        read.depth = Some(number(take(1)[0]));
    }
    let coordinates = &operands[first..first + dimensions];
    if sample.integer {
        read.layer = read.existing_layer(layer);
        let level = if sample.detail == Detail::Level { (detail[0] as u32 as i32).max(0) as u32 } else { 0 };
        return read.fetch(coordinates, level, world);
    }
    let mut place = [0.0; 3];
    for (place, operand) in place.iter_mut().zip(coordinates) {
        *place = number(*operand);
    }
    let mut normalized = texture.sampler.normalized;
    if sample.geometry.is_cube() {
        let (face, [s, t]) = cube::face(place);
        let cubes = i64::from(texture.layers / 6).max(1);
        layer = layer.clamp(0, cubes - 1) * 6 + i64::from(face);
        (place, normalized) = ([s, t, 0.0], true);
    }
    read.layer = read.existing_layer(layer);
    let lod = match sample.detail {
        Detail::Base => 0.0,
        Detail::Level => number(detail[0]),
        Detail::Gradient => read.detail_of(detail, normalized),
    };
    read.at_detail(place, normalized, lod, world)
}

/// The value of an `f32` operand.
#[inline]
pub(super) fn number(bits: u64) -> f64 {
    f64::from(f32::from_bits(bits as u32))
}

/// A read in progress.
struct Read<'a> {
    sample: &'a Sample,
    texture: &'a Resource,
    /// The layer in memory.
    layer: u64,
    offset: [i64; 3],
    /// What texels are compared with.
    depth: Option<f64>,
}

impl Read<'_> {
    fn existing_layer(&self, layer: i64) -> u64 {
        let last = i64::from(self.texture.layers.max(1)) - 1;
        u64::from(self.texture.first_layer) + layer.clamp(0, last) as u64
    }

    /// The level that fits coordinates which change so much from pixel to pixel.
    fn detail_of(&self, gradients: &[u64], normalized: bool) -> f64 {
        let dimensions = gradients.len() / 2;
        let length = |gradient: &[u64]| {
            let squares = gradient.iter().enumerate().map(|(dimension, change)| {
                let scale = if normalized { f64::from(self.texture.size[dimension]) } else { 1.0 };
                (number(*change) * scale).powi(2)
            });
            squares.sum::<f64>().sqrt()
        };
        length(&gradients[..dimensions]).max(length(&gradients[dimensions..])).log2()
    }

    /// Reads the texels at integer coordinates, without any of the sampler's modes. Outside there is nothing but zeros.
    fn fetch(&self, coordinates: &[u64], level: u32, world: &mut impl World) -> Result<[u64; RESULTS_MAX], Misuse> {
        if level >= self.texture.levels {
            return Ok([0; RESULTS_MAX]);
        }
        let level = self.texture.level(level);
        let mut index = [0; 3];
        for (dimension, operand) in coordinates.iter().enumerate() {
            let at = i64::from(*operand as u32 as i32) + self.offset[dimension];
            if !(0..i64::from(level.size[dimension])).contains(&at) {
                return Ok([0; RESULTS_MAX]);
            }
            index[dimension] = at as u32;
        }
        Ok(self.point(&level, Some(index), world)?.map(u64::from))
    }

    /// Reads at coordinates, from the level or the two levels that `lod` names.
    fn at_detail(
        &self,
        place: [f64; 3],
        normalized: bool,
        lod: f64,
        world: &mut impl World,
    ) -> Result<[u64; RESULTS_MAX], Misuse> {
        let (sampler, last) = (&self.texture.sampler, f64::from(self.texture.levels.max(1) - 1));
        let lod = lod + f64::from(sampler.mip_bias);
        // `max` and `min` also make a number of what is none.
        let lod = lod.max(f64::from(sampler.mip_min)).min(f64::from(sampler.mip_max)).max(0.0).min(last);
        if let Some(component) = self.sample.gather {
            let level = self.texture.level(nearest(lod));
            return self.gather(component, &level, place, normalized, world);
        }
        let steps =
            if sampler.mip_linear { (lod * f64::from(WEIGHT_ONE)).round() as u32 } else { nearest(lod) * WEIGHT_ONE };
        let (lower, [near, far]) = (steps / WEIGHT_ONE, halves(WEIGHT_ONE, steps % WEIGHT_ONE));
        let level = self.texture.level(lower);
        let linear = sampler.linear && self.texture.format.gives_floats();
        if !linear && (far == 0 || !self.texture.format.gives_floats()) {
            let index = self.index(&level, self.nearest(&level, place, normalized));
            return Ok(self.point(&level, index, world)?.map(u64::from));
        }
        let mut parts = Parts::default();
        self.in_level(&level, place, normalized, near, &mut parts, world)?;
        if far != 0 {
            self.in_level(&self.texture.level(lower + 1), place, normalized, far, &mut parts, world)?;
        }
        Ok(self.mixed(&parts).map(u64::from))
    }

    /// Dimensions in which texels follow one another: a cube's face has two.
    fn dimensions(&self) -> usize {
        let named = if self.sample.geometry.is_cube() { 2 } else { self.sample.geometry.dimensions() };
        match self.texture.dimension {
            Dimension::D1 | Dimension::Linear => named.min(1),
            Dimension::D2 | Dimension::Cube => named.min(2),
            Dimension::D3 => named,
        }
    }

    /// The texel in which a place is.
    fn nearest(&self, level: &Level, place: [f64; 3], normalized: bool) -> [i64; 3] {
        let mut at = [0; 3];
        for dimension in 0..self.dimensions() {
            at[dimension] = below(texels(place[dimension], level.size[dimension], normalized)) + self.offset[dimension];
        }
        at
    }

    /// Collects what is read in a level, which counts `whole`.
    fn in_level(
        &self,
        level: &Level,
        place: [f64; 3],
        normalized: bool,
        whole: u32,
        parts: &mut Parts,
        world: &mut impl World,
    ) -> Result<(), Misuse> {
        if !self.texture.sampler.linear {
            let index = self.index(level, self.nearest(level, place, normalized));
            parts.push(self.summand(level, index, world)?, whole);
            return Ok(());
        }
        let dimensions = self.dimensions();
        let (mut first, mut steps) = ([0; 3], [0; 3]);
        for dimension in 0..dimensions {
            let (index, weight) = between(texels(place[dimension], level.size[dimension], normalized));
            (first[dimension], steps[dimension]) = (index + self.offset[dimension], weight);
        }
        let weights = corner_weights(whole, steps);
        for (corner, weight) in weights.into_iter().enumerate().take(1 << dimensions) {
            // What does not count is not read: it may be outside.
            if weight != 0 {
                let mut at = first;
                for (dimension, at) in at.iter_mut().enumerate().take(dimensions) {
                    *at += (corner >> dimension & 1) as i64;
                }
                parts.push(self.summand(level, self.index(level, at), world)?, weight);
            }
        }
        Ok(())
    }

    /// One component of the four texels around a place, counter-clockwise from the lower left.
    fn gather(
        &self,
        component: u8,
        level: &Level,
        place: [f64; 3],
        normalized: bool,
        world: &mut impl World,
    ) -> Result<[u64; RESULTS_MAX], Misuse> {
        let first = [0, 1].map(|dimension: usize| {
            let place = texels(place[dimension], level.size[dimension], normalized);
            between(place).0 + self.offset[dimension]
        });
        let mut results = [0; RESULTS_MAX];
        for (result, [x, y]) in results.iter_mut().zip([[0, 1], [1, 1], [1, 0], [0, 0]]) {
            let index = self.index(level, [first[0] + x, first[1] + y, 0]);
            *result = self.point(level, index, world)?[usize::from(component & 3)].into();
        }
        Ok(results)
    }

    /// The texel that stands for one at any index; none for the border.
    fn index(&self, level: &Level, at: [i64; 3]) -> Option<[u32; 3]> {
        let mut index = [0; 3];
        for dimension in 0..self.dimensions() {
            index[dimension] = self.texture.address_mode(dimension).apply(at[dimension], level.size[dimension])?;
        }
        Some(index)
    }

    /// The bits of a texel's components.
    fn components(&self, level: &Level, [x, y, z]: [u32; 3], world: &mut impl World) -> Result<[u32; 4], Misuse> {
        let mut bytes = [0; 16];
        let length = self.texture.format.texel_bytes();
        let address = level.base
            + (u64::from(z) + self.layer) * level.slice_bytes
            + u64::from(y) * level.row_bytes
            + u64::from(x) * u64::from(length);
        world.read(address, &mut bytes[..length as usize])?;
        Ok(self.texture.format.components(&bytes))
    }

    /// What a texel, or the border's colour, is read as.
    fn words(&self, level: &Level, index: Option<[u32; 3]>, world: &mut impl World) -> Result<[u32; 4], Misuse> {
        match index {
            Some(index) => Ok(self.texture.format.words(self.components(level, index, world)?)),
            None => Ok(border_words(self.texture)),
        }
    }

    /// What of a texel, or of the border's colour, goes into a sum; of depths, what it is read as.
    fn summand(&self, level: &Level, index: Option<[u32; 3]>, world: &mut impl World) -> Result<[u32; 4], Misuse> {
        match index {
            _ if self.depth.is_some() => self.words(level, index, world),
            Some(index) => Ok(self.texture.format.summand(self.components(level, index, world)?)),
            None => Ok(border_summand(self.texture)),
        }
    }

    /// What is read where one texel counts.
    fn point(&self, level: &Level, index: Option<[u32; 3]>, world: &mut impl World) -> Result<[u32; 4], Misuse> {
        if self.depth.is_none() {
            return self.words(level, index, world);
        }
        let mut parts = Parts::default();
        parts.push(self.summand(level, index, world)?, WEIGHT_ONE);
        Ok(self.mixed(&parts))
    }

    /// What is read where several texels count; of depths, whether they are passed.
    fn mixed(&self, parts: &Parts) -> [u32; 4] {
        let format = &self.texture.format;
        let Some(depth) = self.depth else { return format.mixed(parts.list()) };
        if !format.gives_floats() {
            return parts.list()[0].components;
        }
        let passed = |part: &Part| depth <= f64::from(f32::from_bits(part.components[0]));
        let counted: u32 = parts.list().iter().filter(|part| passed(part)).map(|part| part.weight).sum();
        [(counted as f32 / WEIGHT_ONE as f32).to_bits(); 4]
    }
}

/// What the corners of a cube of texels count, x first; those of dimensions that are not there have steps of 0.
#[inline(always)]
pub(super) fn corner_weights(whole: u32, [x, y, z]: [u32; 3]) -> [u32; 8] {
    let [near, far] = halves(whole, z);
    let ([a, b, c, d], [e, f, g, h]) = (quarters(near, [x, y]), quarters(far, [x, y]));
    [a, b, c, d, e, f, g, h]
}

/// The border's colour as it is read: components that the texture lacks are as in its own texels.
pub(super) fn border_words(texture: &Resource) -> [u32; 4] {
    let mut words = texture.format.absent();
    for (word, colour) in words.iter_mut().zip(texture.sampler.border).take(texture.format.channels.into()) {
        *word = colour.to_bits();
    }
    words
}

/// What of the border's colour goes into a sum.
pub(super) fn border_summand(texture: &Resource) -> [u32; 4] {
    if texture.format.sums_words() {
        return border_words(texture);
    }
    texture.sampler.border.map(|colour| texture.format.component(colour))
}

/// A coordinate in texels.
#[inline]
pub(super) fn texels(place: f64, size: u32, normalized: bool) -> f64 {
    if normalized { place * f64::from(size) } else { place }
}

/// The largest integer that is not above a coordinate; what is none counts as 0.
#[inline]
pub(super) fn below(place: f64) -> i64 {
    // So large an index is outside of everything, and far from the ends of its type.
    const LARGEST: f64 = 1e15;
    let place = place.clamp(-LARGEST, LARGEST);
    let toward_zero = place as i64;
    toward_zero - i64::from(toward_zero as f64 > place)
}

/// The nearest level.
fn nearest(lod: f64) -> u32 {
    (lod + 0.5).floor() as u32
}

/// The texel before a place between the middles of two, and the weight of the next one in [`WEIGHT_ONE`]s.
#[inline]
pub(super) fn between(place: f64) -> (i64, u32) {
    let steps = below((place - 0.5) * f64::from(WEIGHT_ONE) + 0.5);
    (steps.div_euclid(WEIGHT_ONE.into()), steps.rem_euclid(WEIGHT_ONE.into()) as u32)
}
