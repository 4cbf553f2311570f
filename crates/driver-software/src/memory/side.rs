//! The sides of a copy: what a function of the API names, as addresses.

use super::table::Place;
use crate::answer::Answer;
use crate::machine::Machine;
use crate::texture::Array;
use core::ffi::c_void;
use cuda_abi::*;

/// What a pointer may be, by the function that it is passed to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Device,
    Host,
    Any,
    /// No pointer at all: an array, which has been looked up.
    Array,
}

/// One side of a copy: where its first byte is, and how rows and slices follow.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub(super) address: u64,
    pub(super) pitch: u64,
    pub(super) slice: u64,
    pub(super) expected: Expected,
}

impl Side {
    pub(super) fn linear(address: u64, expected: Expected) -> Side {
        Side { address, pitch: 0, slice: 0, expected }
    }

    /// Bytes from the first to behind the last.
    pub(super) fn span(&self, width: u64, height: u64, depth: u64) -> Answer<u64> {
        let rows = self.pitch.checked_mul(height - 1);
        let slices = self.slice.checked_mul(depth - 1);
        let span = rows.zip(slices).and_then(|(rows, slices)| rows.checked_add(slices)?.checked_add(width));
        span.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
    }

    /// Checks the memory and says where it is.
    pub(super) fn check(&self, machine: &Machine, span: u64) -> Answer<Place> {
        if self.expected == Expected::Array {
            return Ok(Place::Device);
        }
        let host = self.expected != Expected::Device;
        let place = machine.allocations.check_range(machine, self.address, span, host)?;
        // Host memory that the driver knows may be passed as device memory: the address spaces are one.
        Ok(place)
    }
}

/// One side of a copy of two or three dimensions, as the structures of the API give it.
pub(super) struct Corner {
    pub(super) kind: CUmemorytype,
    pub(super) host: *const c_void,
    pub(super) device: CUdeviceptr,
    pub(super) array: CUarray,
    pub(super) x_bytes: usize,
    pub(super) y: usize,
    pub(super) z: usize,
    pub(super) pitch: usize,
    /// Rows from slice to slice.
    pub(super) height: usize,
}

impl Corner {
    /// The side, for a copy of rows of `width` bytes.
    pub(super) fn side(&self, [width, height, depth]: [u64; 3]) -> Answer<Side> {
        let (base, expected) = match self.kind {
            CUmemorytype::CU_MEMORYTYPE_HOST => (self.host.expose_provenance() as u64, Expected::Host),
            CUmemorytype::CU_MEMORYTYPE_DEVICE => (self.device, Expected::Device),
            CUmemorytype::CU_MEMORYTYPE_UNIFIED => (self.device, Expected::Any),
            CUmemorytype::CU_MEMORYTYPE_ARRAY => return self.in_array([width, height, depth]),
            _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        };
        let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
        // Without a pitch rows follow each other; without a height so do slices.
        let pitch = if self.pitch == 0 { width } else { self.pitch as u64 };
        let rows = if self.height == 0 { height } else { self.height as u64 };
        let row_end = (self.x_bytes as u64).checked_add(width).ok_or(invalid)?;
        let slice_end = (self.y as u64).checked_add(height).ok_or(invalid)?;
        if (self.pitch != 0 || height > 1 || depth > 1) && row_end > pitch || depth > 1 && slice_end > rows {
            return Err(invalid);
        }
        let slice = pitch.checked_mul(rows).ok_or(invalid)?;
        let skipped = (self.y as u64).checked_mul(pitch).zip((self.z as u64).checked_mul(slice));
        let skipped = skipped.and_then(|(rows, slices)| rows.checked_add(slices)?.checked_add(self.x_bytes as u64));
        let address = base.checked_add(skipped.ok_or(invalid)?).ok_or(invalid)?;
        Ok(Side { address, pitch, slice, expected })
    }

    /// The side, in an array.
    fn in_array(&self, size: [u64; 3]) -> Answer<Side> {
        let array = Array::named(self.array)?;
        let (level, corner) = (array.level(), [self.x_bytes, self.y, self.z].map(|start| start as u64));
        let ends = corner.iter().zip(size).map(|(start, size)| start.checked_add(size));
        if !ends.zip(array.extent()).all(|(end, extent)| end.is_some_and(|end| end <= extent)) {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        let [x, y, z] = corner;
        let address = level.base + z * level.slice_bytes + y * level.row_bytes + x;
        Ok(Side { address, pitch: level.row_bytes, slice: level.slice_bytes, expected: Expected::Array })
    }
}

/// `bytes` bytes from `offset` on in the only row of an array.
pub(super) fn row(array: CUarray, offset: usize, bytes: usize) -> Answer<Side> {
    // Of a copy of nothing no array is looked at.
    if bytes == 0 {
        return Ok(Side::linear(0, Expected::Array));
    }
    let (array, invalid) = (Array::named(array)?, CUresult::CUDA_ERROR_INVALID_VALUE);
    let end = (offset as u64).checked_add(bytes as u64).ok_or(invalid)?;
    match array.extent() {
        [width, 1, 1] if end <= width => Ok(Side::linear(array.level().base + offset as u64, Expected::Array)),
        _ => Err(invalid),
    }
}
