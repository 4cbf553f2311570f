//! Functions of the API about arrays.

use super::{Array, MipmappedArray};
use crate::answer::answer;
use crate::memory::Copies;
use cuda_abi::*;
use driver_api::Driver;

/// Arrays.
pub(crate) struct Arrays;

impl Driver for Arrays {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Copies)
    }

    fn cuArrayCreate_v2(&self, array: &mut CUarray, asked: &CUDA_ARRAY_DESCRIPTOR) -> CUresult {
        answer(|| {
            let CUDA_ARRAY_DESCRIPTOR { Width, Height, Format, NumChannels } = *asked;
            *array =
                Array::create(&CUDA_ARRAY3D_DESCRIPTOR { Width, Height, Depth: 0, Format, NumChannels, Flags: 0 })?;
            Ok(())
        })
    }

    fn cuArray3DCreate_v2(&self, array: &mut CUarray, asked: &CUDA_ARRAY3D_DESCRIPTOR) -> CUresult {
        answer(|| {
            *array = Array::create(asked)?;
            Ok(())
        })
    }

    fn cuArrayDestroy(&self, array: CUarray) -> CUresult {
        answer(|| Array::destroy(array))
    }

    fn cuArrayGetDescriptor_v2(&self, descriptor: &mut CUDA_ARRAY_DESCRIPTOR, array: CUarray) -> CUresult {
        answer(|| {
            let CUDA_ARRAY3D_DESCRIPTOR { Width, Height, Format, NumChannels, .. } = Array::named(array)?.descriptor;
            *descriptor = CUDA_ARRAY_DESCRIPTOR { Width, Height, Format, NumChannels };
            Ok(())
        })
    }

    fn cuArray3DGetDescriptor_v2(&self, descriptor: &mut CUDA_ARRAY3D_DESCRIPTOR, array: CUarray) -> CUresult {
        answer(|| {
            *descriptor = Array::named(array)?.descriptor;
            Ok(())
        })
    }

    fn cuMipmappedArrayCreate(
        &self,
        array: &mut CUmipmappedArray,
        asked: &CUDA_ARRAY3D_DESCRIPTOR,
        levels: u32,
    ) -> CUresult {
        answer(|| {
            *array = MipmappedArray::create(asked, levels)?;
            Ok(())
        })
    }

    fn cuMipmappedArrayGetLevel(&self, level_array: &mut CUarray, array: CUmipmappedArray, level: u32) -> CUresult {
        answer(|| {
            *level_array = MipmappedArray::named(array)?.level(level)?;
            Ok(())
        })
    }

    fn cuMipmappedArrayDestroy(&self, array: CUmipmappedArray) -> CUresult {
        answer(|| MipmappedArray::destroy(array))
    }
}
