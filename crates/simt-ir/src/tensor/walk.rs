//! Which bytes of a tensor go where in shared memory.
//!
//! A box is moved as *runs*: bytes that lie one after the other in both memories, but for swizzling, of which those outside of the
//! tensor are filled when they are read and left out when they are written.

use super::execute::Misuse;
use super::map::{BoxShape, Interleave, Pixels, RANK_MAX, TensorMap};
use super::op::{Access, Mode};

/// The part of a tensor that an instruction names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub access: Access,
    /// As the program has them; those that are not there are 0.
    pub coordinates: [i32; RANK_MAX],
    pub offsets: [u16; 3],
    /// Whether it is written, for which stricter rules hold.
    pub written: bool,
}

/// Bytes of a box that lie one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// Where they would be in global memory, were they all in the tensor.
    pub global: u64,
    /// Distance from the beginning of the box in shared memory, before swizzling.
    pub shared: u64,
    /// How many there are.
    pub bytes: u32,
    /// Those that are in the tensor: from here …
    pub start: u32,
    /// … to here.
    pub end: u32,
}

/// Row after row of a box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    map: &'a TensorMap,
    part: Part,
    /// Units along the innermost dimension.
    inner: u32,
    /// Distance between them, in units.
    inner_step: u32,
    /// Bytes from one row to the next in shared memory.
    pitch: u64,
    rows: u64,
}

impl<'a> Walk<'a> {
    /// Prepares to move a part of a tensor.
    ///
    /// # Errors
    /// A part that the map does not have, or an instruction that is not for it.
    pub fn new(map: &'a TensorMap, part: Part) -> Result<Walk<'a>, Misuse> {
        let interleaved = map.interleave != Interleave::None;
        let rank = map.rank as usize;
        if u32::from(part.access.rank) != map.rank {
            return Err(Misuse::Rank { map: map.rank, instruction: part.access.rank.into() });
        }
        let count = |extents: &[u32; RANK_MAX], dimension: usize| {
            // One slice of channels is moved at a time.
            let is_slice = interleaved && dimension == rank - 2;
            if is_slice { 1 } else { u64::from(extents[dimension].div_ceil(map.steps[dimension])) }
        };
        let (inner, rows) = match (part.access.mode, map.shape) {
            (Mode::Tile, BoxShape::Tile(extents)) => {
                let inner = if interleaved { count(&extents, 0) } else { extents[0].into() };
                (inner as u32, (1..rank).map(|dimension| count(&extents, dimension)).product())
            }
            (Mode::Rows, BoxShape::Tile(extents)) if extents[1] == 1 => (extents[0], 4),
            // Of channels that are interleaved, a pixel has one slice.
            (Mode::Pixels, BoxShape::Pixels(pixels)) => {
                (if interleaved { 1 } else { pixels.channels }, pixels.count.into())
            }
            _ => return Err(Misuse::Mode),
        };
        let inner_step = if interleaved && part.access.mode == Mode::Tile { map.steps[0] } else { 1 };
        let row_bytes = inner * map.unit_bytes();
        // What is swizzled keeps to its span, whatever of it a row fills.
        let span = map.swizzle.span().filter(|_| !interleaved);
        let walk = Walk { map, part, inner, inner_step, pitch: span.unwrap_or(row_bytes).into(), rows };
        walk.check()?;
        Ok(walk)
    }

    fn check(&self) -> Result<(), Misuse> {
        let Part { access, coordinates, written, .. } = self.part;
        let (map, rank) = (self.map, self.map.rank as usize);
        if map.interleave == Interleave::None && i64::from(coordinates[0]) * i64::from(map.element.bytes()) % 16 != 0 {
            return Err(Misuse::Coordinates("the innermost coordinate is no multiple of 16 bytes"));
        }
        if written && coordinates[..access.coordinates()].iter().any(|coordinate| *coordinate < 0) {
            return Err(Misuse::Coordinates("a part that is written begins before the tensor"));
        }
        let BoxShape::Pixels(pixels) = map.shape else { return Ok(()) };
        for index in 0..rank - 2 {
            let position = i64::from(coordinates[map.first_spatial() + index]);
            if position < i64::from(pixels.lower[index]) || position > self.last_pixel(&pixels, index) {
                return Err(Misuse::Coordinates("the first pixel is outside of the bounding box"));
            }
            if written && (pixels.lower[index] < 0 || pixels.upper[index] > 0) {
                return Err(Misuse::Coordinates("pixels are written, and the bounding box is larger than the tensor"));
            }
        }
        Ok(())
    }

    /// The last position in the bounding box.
    fn last_pixel(&self, pixels: &Pixels, index: usize) -> i64 {
        self.map.sizes[self.map.first_spatial() + index] as i64 - 1 + i64::from(pixels.upper[index])
    }

    /// Bytes of the box that are counted: all of it, in the tensor or not.
    pub fn bytes(&self) -> u64 {
        u64::from(self.inner * self.map.unit_bytes()) * self.rows
    }

    /// Bytes from the beginning of the box in shared memory to its end.
    pub fn reach(&self) -> u64 {
        self.pitch * self.rows
    }

    /// Calls `visit` with each run.
    ///
    /// # Errors
    /// That of `visit`.
    pub fn for_each(&self, mut visit: impl FnMut(Run) -> Result<(), Misuse>) -> Result<(), Misuse> {
        let mut position = self.part.coordinates.map(i64::from);
        let mut turns = [0u32; RANK_MAX];
        for row in 0..self.rows {
            let mut place = position;
            match self.map.shape {
                BoxShape::Pixels(_) => {
                    let first = self.map.first_spatial();
                    for (index, offset) in self.part.offsets[..self.map.rank as usize - 2].iter().enumerate() {
                        place[first + index] += i64::from(*offset);
                    }
                }
                BoxShape::Tile(_) if self.part.access.mode == Mode::Rows => {
                    place[1] = self.part.coordinates[1 + row as usize].into();
                }
                BoxShape::Tile(_) => {}
            }
            self.row(row, &place, &mut visit)?;
            match self.map.shape {
                BoxShape::Tile(extents) => self.next_tile(&extents, &mut position, &mut turns),
                BoxShape::Pixels(pixels) => self.next_pixel(&pixels, &mut position),
            }
        }
        Ok(())
    }

    fn next_tile(&self, extents: &[u32; RANK_MAX], position: &mut [i64; RANK_MAX], turns: &mut [u32; RANK_MAX]) {
        let rank = self.map.rank as usize;
        for dimension in 1..rank {
            let is_slice = self.map.interleave != Interleave::None && dimension == rank - 2;
            let step = self.map.steps[dimension];
            turns[dimension] += step;
            position[dimension] += i64::from(step);
            if turns[dimension] < extents[dimension] && !is_slice {
                return;
            }
            turns[dimension] = 0;
            position[dimension] = self.part.coordinates[dimension].into();
        }
    }

    fn next_pixel(&self, pixels: &Pixels, position: &mut [i64; RANK_MAX]) {
        let (rank, first) = (self.map.rank as usize, self.map.first_spatial());
        for index in 0..rank - 2 {
            let dimension = first + index;
            position[dimension] += i64::from(self.map.steps[dimension]);
            if position[dimension] <= self.last_pixel(pixels, index) {
                return;
            }
            position[dimension] = pixels.lower[index].into();
        }
        position[rank - 1] += i64::from(self.map.steps[rank - 1]);
    }

    fn row(
        &self,
        row: u64,
        place: &[i64; RANK_MAX],
        visit: &mut impl FnMut(Run) -> Result<(), Misuse>,
    ) -> Result<(), Misuse> {
        let map = self.map;
        let unit = i64::from(map.unit_bytes());
        // Of interleaved pixels the innermost dimension is the first spatial one, which changes from row to row.
        let rank = map.rank as usize;
        let is_inside = (1..rank).all(|dimension| (0..map.sizes[dimension] as i64).contains(&place[dimension]));
        let mut address = map.address;
        for (position, stride) in place[1..rank].iter().zip(&map.strides) {
            address = address.wrapping_add_signed(position.wrapping_mul(*stride as i64));
        }
        let size = if is_inside { map.sizes[0] as i64 } else { 0 };
        let (count, runs) = if self.inner_step == 1 { (self.inner, 1) } else { (1, self.inner) };
        for run in 0..runs {
            let first = place[0] + i64::from(run) * i64::from(self.inner_step);
            let within = |unit_index: i64| (unit_index - first).clamp(0, count.into()) as u32 * unit as u32;
            let bytes = count * unit as u32;
            let mut end = within(size);
            // The card writes in pieces of 16 bytes, of which the last may be larger than the tensor.
            if self.part.written && end > 0 {
                end = end.next_multiple_of(16).min(bytes);
            }
            visit(Run {
                global: address.wrapping_add_signed(first * unit),
                shared: row * self.pitch + u64::from(run) * unit as u64,
                bytes,
                start: within(0).min(end),
                end,
            })?;
        }
        Ok(())
    }
}
