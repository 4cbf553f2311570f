//! Streams: capture modes since CUDA 10.1, edge data since 12.3, green contexts since 12.5.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use crate::stack::stack;
use core::ptr::null;
use cuda_abi::*;

pub fn cuStreamBeginCapture(stream: CUstream) -> CUresult {
    stack().cuStreamBeginCapture_v2(stream, CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_GLOBAL)
}

pub fn cuStreamDestroy(stream: CUstream) -> CUresult {
    stack().cuStreamDestroy_v2(stream)
}

pub fn cuStreamGetCaptureInfo(stream: CUstream, status: &mut CUstreamCaptureStatus, id: Option<&mut u64>) -> CUresult {
    stack().cuStreamGetCaptureInfo_v3(stream, status, id, None, None, None, None)
}

pub fn cuStreamGetCaptureInfo_v2(
    stream: CUstream,
    status: &mut CUstreamCaptureStatus,
    id: Option<&mut u64>,
    graph: Option<&mut CUgraph>,
    dependencies: Option<&mut *const CUgraphNode>,
    count: Option<&mut usize>,
) -> CUresult {
    stack().cuStreamGetCaptureInfo_v3(stream, status, id, graph, dependencies, None, count)
}

pub fn cuStreamGetCtx(stream: CUstream, ctx: &mut CUcontext) -> CUresult {
    stack().cuStreamGetCtx_v2(stream, ctx, None)
}

/// # Safety
/// `dependencies` points to `count` elements.
pub unsafe fn cuStreamUpdateCaptureDependencies(
    stream: CUstream,
    dependencies: *mut CUgraphNode,
    count: usize,
    flags: u32,
) -> CUresult {
    // SAFETY: the caller's promise; edges without data may be null.
    unsafe { stack().cuStreamUpdateCaptureDependencies_v2(stream, dependencies, null(), count, flags) }
}

/// The first memory operations were for drivers that were told to allow them (a module parameter). Driver 580 allows
/// them no more, and `CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1` says so.
const FIRST_MEMORY_OPERATIONS: CUresult = CUresult::CUDA_ERROR_NOT_SUPPORTED;

/// # Safety
/// Nothing is asked of the caller: the arguments are not looked at.
pub unsafe fn cuStreamBatchMemOp(
    _stream: CUstream,
    _count: u32,
    _operations: *mut CUstreamBatchMemOpParams,
    _flags: u32,
) -> CUresult {
    FIRST_MEMORY_OPERATIONS
}

pub fn cuStreamWaitValue32(_stream: CUstream, _address: CUdeviceptr, _value: u32, _flags: u32) -> CUresult {
    FIRST_MEMORY_OPERATIONS
}

pub fn cuStreamWaitValue64(_stream: CUstream, _address: CUdeviceptr, _value: u64, _flags: u32) -> CUresult {
    FIRST_MEMORY_OPERATIONS
}

pub fn cuStreamWriteValue32(_stream: CUstream, _address: CUdeviceptr, _value: u32, _flags: u32) -> CUresult {
    FIRST_MEMORY_OPERATIONS
}

pub fn cuStreamWriteValue64(_stream: CUstream, _address: CUdeviceptr, _value: u64, _flags: u32) -> CUresult {
    FIRST_MEMORY_OPERATIONS
}
