//! Memory: locations were device ordinals before CUDA 12.2, batches named the failing copy before 13.0.

#![allow(non_snake_case, clippy::too_many_arguments, reason = "C's functions; the CUDA driver API documents them")]

use crate::stack::stack;
use core::ffi::c_void;
use cuda_abi::*;

/// The location that a device ordinal of older functions names: [`CU_DEVICE_CPU`] is the host.
fn location(device: CUdevice) -> CUmemLocation {
    match device {
        CU_DEVICE_CPU => CUmemLocation { type_: CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST, id: 0 },
        _ => CUmemLocation { type_: CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE, id: device },
    }
}

pub fn cuMemAdvise(pointer: CUdeviceptr, count: usize, advice: CUmem_advise, device: CUdevice) -> CUresult {
    stack().cuMemAdvise_v2(pointer, count, advice, location(device))
}

pub fn cuMemPrefetchAsync(pointer: CUdeviceptr, count: usize, device: CUdevice, stream: CUstream) -> CUresult {
    stack().cuMemPrefetchAsync_v2(pointer, count, location(device), 0, stream)
}

/// # Safety
/// `pointer` starts `size` bytes of host memory.
pub unsafe fn cuMemHostRegister(pointer: *mut c_void, size: usize, flags: u32) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuMemHostRegister_v2(pointer, size, flags) }
}

pub fn cuIpcOpenMemHandle(pointer: &mut CUdeviceptr, handle: CUipcMemHandle, flags: u32) -> CUresult {
    stack().cuIpcOpenMemHandle_v2(pointer, handle, flags)
}

/// # Safety
/// The arrays are as the newest version asks for them.
pub unsafe fn cuMemcpyBatchAsync(
    destinations: *mut CUdeviceptr,
    sources: *mut CUdeviceptr,
    sizes: *mut usize,
    count: usize,
    attributes: *mut CUmemcpyAttributes,
    attribute_indices: *mut usize,
    attribute_count: usize,
    failed_index: Option<&mut usize>,
    stream: CUstream,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    let result = unsafe {
        stack().cuMemcpyBatchAsync_v2(
            destinations,
            sources,
            sizes,
            count,
            attributes,
            attribute_indices,
            attribute_count,
            stream,
        )
    };
    no_single_copy_failed(result, failed_index);
    result
}

/// # Safety
/// `operations` points to `count` elements, and the pointers in them are as the newest version asks for them.
pub unsafe fn cuMemcpy3DBatchAsync(
    count: usize,
    operations: *mut CUDA_MEMCPY3D_BATCH_OP,
    failed_index: Option<&mut usize>,
    flags: u64,
    stream: CUstream,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    let result = unsafe { stack().cuMemcpy3DBatchAsync_v2(count, operations, flags, stream) };
    no_single_copy_failed(result, failed_index);
    result
}

/// The newest version does not say which copy failed; the older ones have a value for "none in particular".
fn no_single_copy_failed(result: CUresult, failed_index: Option<&mut usize>) {
    if result != CUresult::CUDA_SUCCESS
        && let Some(index) = failed_index
    {
        *index = usize::MAX;
    }
}
