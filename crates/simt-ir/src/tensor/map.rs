//! Tensor maps, and their 128 bytes.

use super::check::Flaw;
use super::element::Element;

/// Bytes of a tensor map.
pub const MAP_BYTES: usize = 128;

/// Most dimensions.
pub const RANK_MAX: usize = 5;

/// "APXT": bytes that are no map of this driver's are told by it.
const MAGIC: u32 = 0x5458_5041;
/// Of the layout below.
const VERSION: u8 = 1;

/// Where the fields begin.
pub(super) mod at {
    pub const MAGIC: usize = 0;
    pub const VERSION: usize = 4;
    pub const KIND: usize = 5;
    pub const ELEMENT: usize = 6;
    /// Less one, as all sizes of dimensions are.
    pub const RANK: usize = 7;
    pub const ADDRESS: usize = 8;
    pub const SIZES: usize = 16;
    pub const STRIDES: usize = 40;
    pub const BOX: usize = 72;
    pub const STEPS: usize = 82;
    pub const INTERLEAVE: usize = 87;
    pub const SWIZZLE: usize = 88;
    pub const FILL: usize = 89;
    pub const PROMOTION: usize = 90;
    pub const LOWER: usize = 92;
    pub const UPPER: usize = 98;
    pub const CHANNELS: usize = 104;
    pub const PIXELS: usize = 106;
}

/// How the innermost dimension lies in memory, numbered as the driver API does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Interleave {
    /// Element after element.
    None,
    /// Slices of channels of 16 bytes, which count as one; the dimension before the last is that of the slices.
    Bytes16,
    /// The same with 32 bytes.
    Bytes32,
}

impl Interleave {
    /// The layout with a number.
    pub fn from_number(number: u32) -> Option<Interleave> {
        [Interleave::None, Interleave::Bytes16, Interleave::Bytes32].get(number as usize).copied()
    }
}

/// How pieces of 16 bytes change places in shared memory, numbered as the driver API does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Swizzle {
    /// They stay.
    None,
    /// Within 32 bytes.
    Bytes32,
    /// Within 64 bytes.
    Bytes64,
    /// Within 128 bytes.
    Bytes128,
}

impl Swizzle {
    /// The pattern with a number.
    pub fn from_number(number: u32) -> Option<Swizzle> {
        [Swizzle::None, Swizzle::Bytes32, Swizzle::Bytes64, Swizzle::Bytes128].get(number as usize).copied()
    }

    /// The bytes within which pieces change places; none without a pattern.
    pub fn span(self) -> Option<u32> {
        match self {
            Swizzle::None => None,
            Swizzle::Bytes32 => Some(32),
            Swizzle::Bytes64 => Some(64),
            Swizzle::Bytes128 => Some(128),
        }
    }

    /// Where a byte goes in shared memory: the number of its piece is combined with that of its 128 bytes.
    pub fn apply(self, address: u64) -> u64 {
        let pieces = self.span().map_or(0, |span| u64::from(span - 16));
        address ^ (address >> 3 & pieces)
    }
}

/// Which part of a tensor an instruction moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BoxShape {
    /// This many elements along each dimension.
    Tile([u32; RANK_MAX]),
    /// Pixels one after the other.
    Pixels(Pixels),
}

/// Pixels of a bounding box, for convolutions as products of matrices (PTX ISA 5.5.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pixels {
    /// Where the bounding box begins, in each spatial dimension.
    pub lower: [i32; 3],
    /// Where it ends, from the last pixel of the tensor.
    pub upper: [i32; 3],
    /// Elements of a pixel that are moved.
    pub channels: u32,
    /// Pixels that are moved.
    pub count: u32,
}

/// A tensor in global memory, and how an instruction moves a part of it. Dimension 0 is the innermost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TensorMap {
    /// Type of the elements.
    pub element: Element,
    /// Number of dimensions.
    pub rank: u32,
    /// First byte of the tensor.
    pub address: u64,
    /// Elements along each dimension.
    pub sizes: [u64; RANK_MAX],
    /// Bytes from one to the next along each dimension but the innermost.
    pub strides: [u64; RANK_MAX - 1],
    /// What is moved.
    pub shape: BoxShape,
    /// Distance between the elements that are moved along each dimension.
    pub steps: [u32; RANK_MAX],
    /// How the innermost dimension lies in global memory.
    pub interleave: Interleave,
    /// How it lies in shared memory.
    pub swizzle: Swizzle,
    /// Whether what is outside of the tensor is NaN instead of zero.
    pub nan_fill: bool,
    /// How much the L2 cache reads at a time, which changes nothing here.
    pub promotion: u8,
}

impl TensorMap {
    /// The bytes that a program keeps.
    pub fn encode(&self) -> [u8; MAP_BYTES] {
        let mut map = [0; MAP_BYTES];
        put(&mut map, at::MAGIC, &MAGIC.to_le_bytes());
        map[at::VERSION] = VERSION;
        map[at::ELEMENT] = self.element as u8;
        map[at::RANK] = self.rank.wrapping_sub(1) as u8;
        put(&mut map, at::ADDRESS, &self.address.to_le_bytes());
        map[at::INTERLEAVE] = self.interleave as u8;
        map[at::SWIZZLE] = self.swizzle as u8;
        map[at::FILL] = u8::from(self.nan_fill);
        map[at::PROMOTION] = self.promotion;
        for index in 0..RANK_MAX {
            let size = (self.sizes[index] as u32).wrapping_sub(1);
            put(&mut map, at::SIZES + 4 * index, &size.to_le_bytes());
            map[at::STEPS + index] = self.steps[index] as u8;
        }
        for (index, stride) in self.strides.iter().enumerate() {
            put(&mut map, at::STRIDES + 8 * index, &stride.to_le_bytes());
        }
        match self.shape {
            BoxShape::Tile(extents) => {
                for (index, extent) in extents.iter().enumerate() {
                    put(&mut map, at::BOX + 2 * index, &(*extent as u16).to_le_bytes());
                }
            }
            BoxShape::Pixels(pixels) => {
                map[at::KIND] = 1;
                for index in 0..3 {
                    put(&mut map, at::LOWER + 2 * index, &(pixels.lower[index] as i16).to_le_bytes());
                    put(&mut map, at::UPPER + 2 * index, &(pixels.upper[index] as i16).to_le_bytes());
                }
                put(&mut map, at::CHANNELS, &(pixels.channels as u16).to_le_bytes());
                put(&mut map, at::PIXELS, &(pixels.count as u16).to_le_bytes());
            }
        }
        map
    }

    /// The map in bytes that a program kept, and may have changed by `tensormap.replace`.
    ///
    /// # Errors
    /// Bytes that are no map, or one that cannot be.
    pub fn decode(map: &[u8; MAP_BYTES]) -> Result<TensorMap, Flaw> {
        if !is_map(map) {
            return Err(Flaw("these bytes are no tensor map of this driver's"));
        }
        let half = |at: usize| u16::from_le_bytes(take(map, at));
        let corner = |at: usize| [0, 1, 2].map(|index| i32::from(i16::from_le_bytes(take(map, at + 2 * index))));
        let shape = match map[at::KIND] {
            0 => BoxShape::Tile([0, 1, 2, 3, 4].map(|index| u32::from(half(at::BOX + 2 * index)))),
            1 => BoxShape::Pixels(Pixels {
                lower: corner(at::LOWER),
                upper: corner(at::UPPER),
                channels: half(at::CHANNELS).into(),
                count: half(at::PIXELS).into(),
            }),
            _ => return Err(Flaw("its mode is none")),
        };
        let decoded = TensorMap {
            element: Element::from_number(map[at::ELEMENT].into()).ok_or(Flaw("its elements have no type"))?,
            rank: u32::from(map[at::RANK]) + 1,
            address: u64::from_le_bytes(take(map, at::ADDRESS)),
            sizes: [0, 1, 2, 3, 4].map(|index| u64::from(u32::from_le_bytes(take(map, at::SIZES + 4 * index))) + 1),
            strides: [0, 1, 2, 3].map(|index| u64::from_le_bytes(take(map, at::STRIDES + 8 * index))),
            shape,
            steps: [0, 1, 2, 3, 4].map(|index| u32::from(map[at::STEPS + index])),
            interleave: Interleave::from_number(map[at::INTERLEAVE].into()).ok_or(Flaw("its interleaving is none"))?,
            swizzle: Swizzle::from_number(map[at::SWIZZLE].into()).ok_or(Flaw("its swizzling is none"))?,
            nan_fill: map[at::FILL] == 1,
            promotion: map[at::PROMOTION],
        };
        decoded.check()?;
        Ok(decoded)
    }

    /// What counts as one along the innermost dimension, in bytes: an element, or a slice of channels.
    pub fn unit_bytes(&self) -> u32 {
        match self.interleave {
            Interleave::None => self.element.bytes(),
            Interleave::Bytes16 => 16,
            Interleave::Bytes32 => 32,
        }
    }
}

/// Whether bytes claim to be a map of this driver's.
pub fn is_map(map: &[u8; MAP_BYTES]) -> bool {
    u32::from_le_bytes(take(map, at::MAGIC)) == MAGIC && map[at::VERSION] == VERSION
}

/// Whether a tensor may begin at an address.
pub fn is_address(address: u64) -> bool {
    /// Of addresses on devices.
    const BITS: u32 = 57;
    address % 16 == 0 && address >> BITS == 0
}

/// Gives a map another address.
pub fn set_address(map: &mut [u8; MAP_BYTES], address: u64) {
    put(map, at::ADDRESS, &address.to_le_bytes());
}

pub(super) fn put(map: &mut [u8; MAP_BYTES], at: usize, bytes: &[u8]) {
    map[at..at + bytes.len()].copy_from_slice(bytes);
}

fn take<const N: usize>(map: &[u8; MAP_BYTES], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&map[at..at + N]);
    bytes
}
