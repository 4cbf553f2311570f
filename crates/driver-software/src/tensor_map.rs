//! Tensor maps: descriptions that a program makes here, and that kernels use.

use crate::answer::{Answer, answer};
use crate::context::current;
use crate::texture::Arrays;
use core::ffi::c_void;
use cuda_abi::*;
use driver_api::Driver;
use simt_ir::tensor::{self, BoxShape, Element, Interleave, MAP_BYTES, Pixels, Swizzle, TensorMap};

/// Tensor maps.
pub(crate) struct TensorMaps;

/// Compute capability from which on devices use tensor maps.
const CAPABILITY_MIN: u32 = 9;
/// Types of elements, and patterns of swizzling, that only newer cards have: from these numbers on.
const PACKED_ELEMENT_MIN: u32 = CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B.0;
const ATOM_SWIZZLE_MIN: u32 = CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B.0;

/// What is common to both kinds of maps, as the program passes it.
struct Request {
    element: CUtensorMapDataType,
    rank: u32,
    address: *mut c_void,
    sizes: *const u64,
    strides: *const u64,
    steps: *const u32,
    interleave: CUtensorMapInterleave,
    swizzle: CUtensorMapSwizzle,
    promotion: CUtensorMapL2promotion,
    fill: CUtensorMapFloatOOBfill,
}

/// Copies `count` numbers of the program's to the front of an array.
///
/// # Safety
/// `from` is null, or valid for reads of `count` numbers.
unsafe fn numbers<T: Copy + Default, const N: usize>(from: *const T, count: usize) -> Answer<[T; N]> {
    let mut all = [T::default(); N];
    if count == 0 {
        return Ok(all);
    }
    if from.is_null() {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    for (index, number) in all.iter_mut().enumerate().take(count) {
        // SAFETY: the caller's promise; C does not promise alignment.
        *number = unsafe { from.add(index).read_unaligned() };
    }
    Ok(all)
}

impl Request {
    /// The number of dimensions, which says how long the program's arrays are.
    fn rank(&self) -> Answer<usize> {
        match self.rank {
            rank @ 1..=5 => Ok(rank as usize),
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        }
    }

    /// The map, once it is known what it moves.
    ///
    /// # Safety
    /// Arrays are null, or as long as the rank says.
    unsafe fn map(&self, shape: BoxShape) -> Answer<CUtensorMap> {
        let context = current()?;
        let major = context.device.capability().major;
        if major < CAPABILITY_MIN {
            return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
        }
        let is_newer = self.element.0 >= PACKED_ELEMENT_MIN && Self::is_named_element(self.element)
            || self.swizzle.0 >= ATOM_SWIZZLE_MIN && Self::is_named_swizzle(self.swizzle);
        if is_newer && major > CAPABILITY_MIN {
            return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
        }
        let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
        let rank = self.rank()?;
        // SAFETY: the caller's promise.
        let (sizes, strides, steps) =
            unsafe { (numbers(self.sizes, rank)?, numbers(self.strides, rank - 1)?, numbers(self.steps, rank)?) };
        let map = TensorMap {
            element: Element::from_number(self.element.0).ok_or(invalid)?,
            rank: self.rank,
            address: self.address as u64,
            sizes,
            strides,
            shape,
            steps,
            interleave: Interleave::from_number(self.interleave.0).ok_or(invalid)?,
            swizzle: Swizzle::from_number(self.swizzle.0).ok_or(invalid)?,
            nan_fill: match self.fill {
                CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE => false,
                CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA => true,
                _ => return Err(invalid),
            },
            promotion: u8::try_from(self.promotion.0).map_err(|_| invalid)?,
        };
        map.check().map_err(|_| invalid)?;
        Ok(from_bytes(&map.encode()))
    }

    fn is_named_element(element: CUtensorMapDataType) -> bool {
        element.0 <= CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B.0
    }

    fn is_named_swizzle(swizzle: CUtensorMapSwizzle) -> bool {
        swizzle.0 <= CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B_ATOM_64B.0
    }
}

fn from_bytes(bytes: &[u8; MAP_BYTES]) -> CUtensorMap {
    let mut map = CUtensorMap::default();
    for (word, eight) in map.opaque.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = eight.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    map
}

fn to_bytes(map: &CUtensorMap) -> [u8; MAP_BYTES] {
    let mut bytes = [0; MAP_BYTES];
    for (eight, word) in bytes.chunks_exact_mut(8).zip(&map.opaque) {
        eight.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

impl Driver for TensorMaps {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Arrays)
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuTensorMapEncodeTiled(
        &self,
        map: &mut CUtensorMap,
        element: CUtensorMapDataType,
        rank: u32,
        address: *mut c_void,
        sizes: *const u64,
        strides: *const u64,
        extents: *const u32,
        steps: *const u32,
        interleave: CUtensorMapInterleave,
        swizzle: CUtensorMapSwizzle,
        promotion: CUtensorMapL2promotion,
        fill: CUtensorMapFloatOOBfill,
    ) -> CUresult {
        answer(|| {
            current()?;
            let request =
                Request { element, rank, address, sizes, strides, steps, interleave, swizzle, promotion, fill };
            // SAFETY: the program passes arrays as long as the rank says.
            *map = unsafe { request.map(BoxShape::Tile(numbers(extents, request.rank()?)?))? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuTensorMapEncodeIm2col(
        &self,
        map: &mut CUtensorMap,
        element: CUtensorMapDataType,
        rank: u32,
        address: *mut c_void,
        sizes: *const u64,
        strides: *const u64,
        lower: *const i32,
        upper: *const i32,
        channels: u32,
        count: u32,
        steps: *const u32,
        interleave: CUtensorMapInterleave,
        swizzle: CUtensorMapSwizzle,
        promotion: CUtensorMapL2promotion,
        fill: CUtensorMapFloatOOBfill,
    ) -> CUresult {
        answer(|| {
            current()?;
            let request =
                Request { element, rank, address, sizes, strides, steps, interleave, swizzle, promotion, fill };
            let spatial = request.rank()?.saturating_sub(2);
            // SAFETY: the program passes arrays as long as the rank says.
            let (lower, upper) = unsafe { (numbers(lower, spatial)?, numbers(upper, spatial)?) };
            // SAFETY: as above.
            *map = unsafe { request.map(BoxShape::Pixels(Pixels { lower, upper, channels, count }))? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuTensorMapReplaceAddress(&self, map: &mut CUtensorMap, address: *mut c_void) -> CUresult {
        answer(|| {
            current()?;
            let mut bytes = to_bytes(map);
            if !tensor::map::is_map(&bytes) || !tensor::map::is_address(address as u64) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            tensor::map::set_address(&mut bytes, address as u64);
            *map = from_bytes(&bytes);
            Ok(())
        })
    }
}
