//! How a texture is sampled.

/// What stands for coordinates outside of a texture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum AddressMode {
    /// The texture is repeated.
    Wrap,
    /// The nearest texel.
    Clamp,
    /// The texture is repeated, every other time backwards.
    Mirror,
    /// The border's colour.
    Border,
}

const MODES: [AddressMode; 4] = [AddressMode::Wrap, AddressMode::Clamp, AddressMode::Mirror, AddressMode::Border];

impl AddressMode {
    /// The texel that stands for texel `index` of `size`; none for the border.
    #[inline]
    pub fn apply(self, index: i64, size: u32) -> Option<u32> {
        let size = i64::from(size.max(1));
        let inside = match self {
            AddressMode::Wrap => index.rem_euclid(size),
            AddressMode::Clamp => index.clamp(0, size - 1),
            AddressMode::Mirror => {
                let there_and_back = index.rem_euclid(2 * size);
                there_and_back.min(2 * size - 1 - there_and_back)
            }
            AddressMode::Border if !(0..size).contains(&index) => return None,
            AddressMode::Border => index,
        };
        Some(inside as u32)
    }
}

/// How a texture is sampled.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sampler {
    /// For x, y and z. Without normalised coordinates there is only clamping, and the border.
    pub address: [AddressMode; 3],
    /// Whether texels are interpolated.
    pub linear: bool,
    /// Whether coordinates are fractions of the size.
    pub normalized: bool,
    /// Whether levels of a mipmap are interpolated.
    pub mip_linear: bool,
    /// Added to the level that is asked for.
    pub mip_bias: f32,
    /// The level is at least this.
    pub mip_min: f32,
    /// The level is at most this.
    pub mip_max: f32,
    /// The border's colour.
    pub border: [f32; 4],
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            address: [AddressMode::Clamp; 3],
            linear: false,
            normalized: false,
            mip_linear: false,
            mip_bias: 0.0,
            mip_min: 0.0,
            mip_max: f32::MAX,
            border: [0.0; 4],
        }
    }
}

impl Sampler {
    /// The modes and flags as a number below 2^16.
    pub fn bits(&self) -> u64 {
        let [x, y, z] = self.address.map(|mode| mode as u64);
        let flags = u64::from(self.linear) | u64::from(self.normalized) << 1 | u64::from(self.mip_linear) << 2;
        x | y << 2 | z << 4 | flags << 6
    }

    /// The modes and flags of a number, the rest as by default.
    pub fn from_bits(bits: u64) -> Sampler {
        Sampler {
            address: [0, 2, 4].map(|shift| MODES[(bits >> shift & 3) as usize]),
            linear: bits >> 6 & 1 != 0,
            normalized: bits >> 7 & 1 != 0,
            mip_linear: bits >> 8 & 1 != 0,
            ..Sampler::default()
        }
    }

    /// The address mode of a dimension, as it counts.
    pub(super) fn mode(&self, dimension: usize) -> AddressMode {
        match self.address[dimension] {
            AddressMode::Border => AddressMode::Border,
            mode if self.normalized => mode,
            _ => AddressMode::Clamp,
        }
    }
}
