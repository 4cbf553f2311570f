//! A driver for the unit tests: it notes what reaches it.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use core::cell::RefCell;
use core::ffi::c_void;
use cuda_abi::*;
use driver_api::{Driver, default_stream_is_per_thread};
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// The bottom of the stack in unit tests.
pub struct TestDriver;

thread_local! {
    /// What has reached the driver on this thread.
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The primary context of device 0.
pub const PRIMARY: CUcontext = CUcontext::from_addr(0x100);

/// The context that is current on every thread.
pub const CURRENT: CUcontext = CUcontext::from_addr(0x200);

/// References to the primary context.
static PRIMARY_REFERENCES: AtomicI32 = AtomicI32::new(0);

const SUCCESS: CUresult = CUresult::CUDA_SUCCESS;

/// What has reached the driver on this thread since the last call.
pub fn take_notes() -> Vec<String> {
    NOTES.take()
}

fn note(text: String) -> CUresult {
    let scope = if default_stream_is_per_thread() { " (per thread)" } else { "" };
    NOTES.with_borrow_mut(|notes| notes.push(format!("{text}{scope}")));
    SUCCESS
}

impl Driver for TestDriver {
    fn next(&self) -> Option<&dyn Driver> {
        None
    }

    fn cuInit(&self, _flags: u32) -> CUresult {
        SUCCESS
    }

    fn cuCtxGetFlags(&self, _flags: &mut u32) -> CUresult {
        panic!("a panic that the test wants")
    }

    fn cuCtxGetCurrent(&self, context: &mut CUcontext) -> CUresult {
        *context = CURRENT;
        SUCCESS
    }

    fn cuCtxDestroy_v2(&self, context: CUcontext) -> CUresult {
        note(format!("destroy {context:?}"))
    }

    fn cuDevicePrimaryCtxGetState(&self, _device: CUdevice, flags: &mut u32, active: &mut i32) -> CUresult {
        *flags = 0;
        *active = i32::from(PRIMARY_REFERENCES.load(SeqCst) > 0);
        SUCCESS
    }

    fn cuDevicePrimaryCtxRetain(&self, context: &mut CUcontext, _device: CUdevice) -> CUresult {
        PRIMARY_REFERENCES.fetch_add(1, SeqCst);
        *context = PRIMARY;
        SUCCESS
    }

    fn cuDevicePrimaryCtxRelease_v2(&self, _device: CUdevice) -> CUresult {
        PRIMARY_REFERENCES.fetch_sub(1, SeqCst);
        SUCCESS
    }

    fn cuDevicePrimaryCtxReset_v2(&self, _device: CUdevice) -> CUresult {
        PRIMARY_REFERENCES.store(0, SeqCst);
        SUCCESS
    }

    fn cuMemGetInfo_v2(&self, free: Option<&mut usize>, total: Option<&mut usize>) -> CUresult {
        if let Some(free) = free {
            *free = 1;
        }
        if let Some(total) = total {
            *total = 2;
        }
        SUCCESS
    }

    fn cuDeviceTotalMem_v2(&self, bytes: &mut usize, _device: CUdevice) -> CUresult {
        *bytes = 1 << 40;
        SUCCESS
    }

    fn cuMemcpy(&self, _to: CUdeviceptr, _from: CUdeviceptr, size: usize) -> CUresult {
        note(format!("copy {size}"))
    }

    fn cuMemcpyAsync(&self, _to: CUdeviceptr, _from: CUdeviceptr, size: usize, stream: CUstream) -> CUresult {
        note(format!("copy {size} in {stream:?}"))
    }

    fn cuMemPrefetchAsync_v2(
        &self,
        _pointer: CUdeviceptr,
        size: usize,
        location: CUmemLocation,
        flags: u32,
        stream: CUstream,
    ) -> CUresult {
        note(format!("prefetch {size} to {:?} {} flags {flags} in {stream:?}", location.type_, location.id))
    }

    /// # Safety
    /// As in the trait.
    unsafe fn cuLaunchKernelEx(
        &self,
        config: &CUlaunchConfig,
        _function: CUfunction,
        _parameters: *mut *mut c_void,
        _extra: *mut *mut c_void,
    ) -> CUresult {
        note(format!("launch in {:?}", config.hStream))
    }

    /// # Safety
    /// As in the trait.
    unsafe fn cuMemcpy3DBatchAsync_v2(
        &self,
        _count: usize,
        _operations: *mut CUDA_MEMCPY3D_BATCH_OP,
        _flags: u64,
        _stream: CUstream,
    ) -> CUresult {
        CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
    }

    /// # Safety
    /// As in the trait.
    unsafe fn cuGraphKernelNodeSetParams_v2(
        &self,
        _node: CUgraphNode,
        parameters: &CUDA_KERNEL_NODE_PARAMS,
    ) -> CUresult {
        note(format!("{:?} {} {:?} {:?}", parameters.func, parameters.gridDimX, parameters.kern, parameters.ctx))
    }
}
