//! Reads of textures (CUDA C++ Programming Guide, "Texture Fetching").
//!
//! Weights of interpolation are fixed-point numbers with 8 bits of fraction, as on the card. Everything else is computed in double
//! precision, where the sums of products with such weights are exact, and rounded once at the end.

use super::execute::{RESULTS_MAX, layer_operand};
use super::texel::Texel;
use super::{Detail, Dimension, Level, Misuse, Resource, Sample, World, cube};

/// The steps of a weight.
const WEIGHT_ONE: i64 = 256;

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

/// Sum of texels by their weights.
#[derive(Default)]
pub(super) struct Blend {
    floats: [f64; 4],
    /// The texel that counts where nothing is interpolated.
    integers: Option<[u32; 4]>,
}

impl Blend {
    /// Of one texel.
    #[inline(always)]
    pub fn of(texel: Texel) -> Blend {
        let mut blend = Blend::default();
        blend.add(texel, 1.0);
        blend
    }

    #[inline(always)]
    pub fn add(&mut self, texel: Texel, weight: f64) {
        match texel {
            Texel::Integers(integers) => self.integers = Some(integers),
            Texel::Floats(floats) => {
                for (sum, component) in self.floats.iter_mut().zip(floats) {
                    *sum += component * weight;
                }
            }
        }
    }

    /// The bits of the four components.
    #[inline(always)]
    pub fn words(&self) -> [u32; 4] {
        if let Some(integers) = self.integers {
            return integers;
        }
        let [x, y, z, w] = self.floats;
        [x as f32, y as f32, z as f32, w as f32].map(f32::to_bits)
    }
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
        let mut blend = Blend::default();
        self.add(&mut blend, &level, Some(index), 1.0, world)?;
        Ok(results(&blend))
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
        if !sampler.mip_linear {
            let level = self.texture.level(nearest(lod));
            let blend = self.in_level(&level, place, normalized, world)?;
            return Ok(results(&blend));
        }
        let steps = (lod * WEIGHT_ONE as f64).round() as i64;
        let (lower, weight) = ((steps / WEIGHT_ONE) as u32, (steps % WEIGHT_ONE) as f64 / WEIGHT_ONE as f64);
        let blend = self.in_level(&self.texture.level(lower), place, normalized, world)?;
        if weight == 0.0 {
            return Ok(results(&blend));
        }
        let other = self.in_level(&self.texture.level(lower + 1), place, normalized, world)?;
        let floats = [0, 1, 2, 3].map(|i| blend.floats[i] * (1.0 - weight) + other.floats[i] * weight);
        Ok(results(&Blend { floats, ..blend }))
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

    /// Reads in a level.
    fn in_level(
        &self,
        level: &Level,
        place: [f64; 3],
        normalized: bool,
        world: &mut impl World,
    ) -> Result<Blend, Misuse> {
        let linear = self.texture.sampler.linear && self.texture.format.gives_floats();
        let dimensions = self.dimensions();
        let mut blend = Blend::default();
        if !linear {
            let mut at = [0; 3];
            for dimension in 0..dimensions {
                let place = texels(place[dimension], level.size[dimension], normalized);
                at[dimension] = below(place) + self.offset[dimension];
            }
            let index = self.index(level, at);
            self.add(&mut blend, level, index, 1.0, world)?;
            return Ok(blend);
        }
        let (mut first, mut both) = ([0; 3], [[0.0; 2]; 3]);
        for dimension in 0..dimensions {
            let (index, steps) = between(texels(place[dimension], level.size[dimension], normalized));
            (first[dimension], both[dimension]) = (index + self.offset[dimension], weights(steps));
        }
        for corner in 0..1usize << dimensions {
            let (mut at, mut weight) = (first, 1.0);
            for dimension in 0..dimensions {
                let far = corner >> dimension & 1;
                at[dimension] += far as i64;
                weight *= both[dimension][far];
            }
            // What does not count may be infinite.
            if weight != 0.0 {
                self.add(&mut blend, level, self.index(level, at), weight, world)?;
            }
        }
        Ok(blend)
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
            let mut blend = Blend::default();
            self.add(&mut blend, level, index, 1.0, world)?;
            *result = blend.words()[usize::from(component & 3)].into();
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

    /// Adds a texel, or the border's colour, by its weight.
    fn add(
        &self,
        blend: &mut Blend,
        level: &Level,
        index: Option<[u32; 3]>,
        weight: f64,
        world: &mut impl World,
    ) -> Result<(), Misuse> {
        let format = &self.texture.format;
        let texel = match index {
            Some([x, y, z]) => {
                let mut bytes = [0; 16];
                let length = format.texel_bytes();
                let address = level.base
                    + (u64::from(z) + self.layer) * level.slice_bytes
                    + u64::from(y) * level.row_bytes
                    + u64::from(x) * u64::from(length);
                world.read(address, &mut bytes[..length as usize])?;
                format.decode(&bytes)
            }
            None => border(self.texture),
        };
        match (texel, self.depth) {
            (texel @ Texel::Integers(_), _) | (texel, None) => blend.add(texel, weight),
            (Texel::Floats(floats), Some(depth)) => {
                let passed = f64::from(u8::from(depth <= floats[0]));
                blend.floats = blend.floats.map(|sum| sum + passed * weight);
            }
        }
        Ok(())
    }
}

/// The border's colour as a texel: components that the texture lacks are as in its own texels.
pub(super) fn border(texture: &Resource) -> Texel {
    let (format, border) = (&texture.format, texture.sampler.border);
    let has = |index: usize| index < usize::from(format.channels);
    if !format.gives_floats() {
        let absent = |index: usize| u32::from(index == 3);
        let integers = |index: usize| if has(index) { border[index].to_bits() } else { absent(index) };
        return Texel::Integers([0, 1, 2, 3].map(integers));
    }
    let absent = |index: usize| f64::from(u8::from(index == 3));
    Texel::Floats([0, 1, 2, 3].map(|index| if has(index) { f64::from(border[index]) } else { absent(index) }))
}

fn results(blend: &Blend) -> [u64; RESULTS_MAX] {
    blend.words().map(u64::from)
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
pub(super) fn between(place: f64) -> (i64, i64) {
    let steps = below((place - 0.5) * WEIGHT_ONE as f64 + 0.5);
    (steps.div_euclid(WEIGHT_ONE), steps.rem_euclid(WEIGHT_ONE))
}

/// What the texel before a place and the next one count, where the next one counts so many [`WEIGHT_ONE`]s.
#[inline]
pub(super) fn weights(steps: i64) -> [f64; 2] {
    [WEIGHT_ONE - steps, steps].map(|steps| steps as f64 / WEIGHT_ONE as f64)
}
