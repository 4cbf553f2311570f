//! What a tensor map has to keep to (driver API, tensor map object management; where that and the driver differ, the driver).

use std::fmt;

use super::map::{BoxShape, Interleave, Pixels, RANK_MAX, TensorMap, is_address};

/// What is wrong with a tensor map, in words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flaw(pub &'static str);

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const SIZE_MAX: u64 = 1 << 32;
const STRIDE_MAX: u64 = 1 << 40;
const EXTENT_MAX: u32 = 256;
const STEP_MAX: u32 = 8;
const PIXELS_MAX: u32 = 1024;
/// The shared memory of a multiprocessor.
const BOX_BYTES_MAX: u64 = 228 << 10;
const PROMOTION_MAX: u8 = 3;

fn require(condition: bool, otherwise: &'static str) -> Result<(), Flaw> {
    if condition { Ok(()) } else { Err(Flaw(otherwise)) }
}

impl TensorMap {
    /// Whether the map can be.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), Flaw> {
        let rank = self.rank as usize;
        let interleaved = self.interleave != Interleave::None;
        let rank_min = if interleaved || matches!(self.shape, BoxShape::Pixels(_)) { 3 } else { 1 };
        require((rank_min..=RANK_MAX).contains(&rank), "its rank is not possible")?;
        let align = if self.interleave == Interleave::Bytes32 { 32 } else { 16 };
        require(self.address % align == 0, "its address is not aligned")?;
        require(is_address(self.address), "its address is none")?;
        for size in &self.sizes[..rank] {
            require((1..=SIZE_MAX).contains(size), "a dimension is empty or larger than 2^32")?;
        }
        for stride in &self.strides[..rank - 1] {
            require(stride % align == 0, "a stride is not aligned")?;
            require(*stride < STRIDE_MAX, "a stride is not less than 2^40")?;
        }
        for step in &self.steps[..rank] {
            require((1..=STEP_MAX).contains(step), "an element stride is not 1 to 8")?;
        }
        require(!self.nan_fill || self.element.is_float(), "NaNs fill only tensors of floats")?;
        require(self.promotion <= PROMOTION_MAX, "its promotion in the L2 cache is none")?;
        match self.shape {
            BoxShape::Tile(extents) => {
                for extent in &extents[..rank] {
                    require((1..=EXTENT_MAX).contains(extent), "a side of the box is not 1 to 256")?;
                }
                let sides = extents[1..rank].iter().zip(&self.steps[1..rank]);
                let rows: u64 = sides.map(|(extent, step)| u64::from(extent.div_ceil(*step))).product();
                self.check_bytes(rows * u64::from(extents[0]))?;
                self.check_inner(extents[0])
            }
            BoxShape::Pixels(pixels) => {
                require((1..=EXTENT_MAX).contains(&pixels.channels), "the channels of a pixel are not 1 to 256")?;
                require((1..=PIXELS_MAX).contains(&pixels.count), "the pixels are not 1 to 1024")?;
                self.check_corners(&pixels)?;
                self.check_bytes(u64::from(pixels.channels) * u64::from(pixels.count))?;
                self.check_inner(pixels.channels)
            }
        }
    }

    fn check_bytes(&self, elements: u64) -> Result<(), Flaw> {
        require(elements * u64::from(self.element.bytes()) <= BOX_BYTES_MAX, "the box is too large")
    }

    /// Elements along the innermost dimension of a box.
    fn check_inner(&self, extent: u32) -> Result<(), Flaw> {
        let bytes = extent * self.element.bytes();
        require(bytes % 16 == 0, "the inner side of the box is no multiple of 16 bytes")?;
        let fits = self.swizzle.span().is_none_or(|span| bytes <= span);
        require(
            fits || self.interleave != Interleave::None,
            "the inner side of the box is longer than what is swizzled",
        )
    }

    fn check_corners(&self, pixels: &Pixels) -> Result<(), Flaw> {
        let reach = match self.rank {
            3 => 1 << 15,
            4 => 1 << 7,
            _ => 1 << 4,
        };
        for index in 0..self.rank as usize - 2 {
            let (lower, upper) = (pixels.lower[index], pixels.upper[index]);
            let possible = -reach..reach;
            require(possible.contains(&lower) && possible.contains(&upper), "a corner of the bounding box is too far")?;
            let size = self.sizes[self.first_spatial() + index] as u32;
            require(i64::from(lower) < i64::from(size) + i64::from(upper), "the bounding box is empty")?;
        }
        Ok(())
    }

    /// The first of the dimensions that a bounding box has: behind the channels, which interleaving hides.
    pub(super) fn first_spatial(&self) -> usize {
        usize::from(self.interleave == Interleave::None)
    }
}
