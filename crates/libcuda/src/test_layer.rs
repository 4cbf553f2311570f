//! A layer for the unit tests: it notes what it sees, and passes it on.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use core::ffi::c_void;
use cuda_abi::*;
use driver_api::{Driver, Layer, default_stream_is_per_thread};
use std::cell::RefCell;

/// The layer, wanted by tests that say so.
pub const LAYER: Layer = Layer {
    name: "test",
    is_wanted: || std::env::var_os(WANTED).is_some(),
    hooks: &[
        "cuCtxSynchronize_v2",
        "cuCtxGetFlags",
        "cuCtxGetCurrent",
        "cuGraphExecUpdate_v2",
        "cuLaunchKernel",
        "cuMemcpyBatchAsync_v2",
        "cuMemcpyHtoD_v2",
        "cuStreamQuery",
    ],
    over: |below| Box::leak(Box::new(TestLayer { below })),
};

/// The variable by which a test wants the layer.
pub const WANTED: &str = "APEX_TEST_LAYER";

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What the layer has seen on this thread since the last call.
pub fn take_seen() -> Vec<String> {
    SEEN.take()
}

fn see(what: String) {
    SEEN.with_borrow_mut(|seen| seen.push(what));
}

struct TestLayer {
    below: &'static dyn Driver,
}

impl Driver for TestLayer {
    fn next(&self) -> Option<&dyn Driver> {
        Some(self.below)
    }

    fn cuCtxSynchronize_v2(&self, context: CUcontext) -> CUresult {
        see(format!("synchronise {context:?}"));
        self.below.cuCtxSynchronize_v2(context)
    }

    fn cuGraphExecUpdate_v2(
        &self,
        made: CUgraphExec,
        graph: CUgraph,
        outcome: &mut CUgraphExecUpdateResultInfo,
    ) -> CUresult {
        see(format!("update {:#x}", made.addr()));
        self.below.cuGraphExecUpdate_v2(made, graph, outcome)
    }

    /// # Safety
    /// As the trait says.
    unsafe fn cuMemcpyBatchAsync_v2(
        &self,
        to: *mut CUdeviceptr,
        from: *mut CUdeviceptr,
        sizes: *mut usize,
        count: usize,
        attributes: *mut CUmemcpyAttributes,
        indices: *mut usize,
        attribute_count: usize,
        stream: CUstream,
    ) -> CUresult {
        see(format!("batch of {count} in {stream:?}"));
        // SAFETY: the caller's promise.
        unsafe {
            self.below.cuMemcpyBatchAsync_v2(to, from, sizes, count, attributes, indices, attribute_count, stream)
        }
    }

    fn cuCtxGetFlags(&self, _flags: &mut u32) -> CUresult {
        panic!("a panic that the test wants")
    }

    fn cuCtxGetCurrent(&self, context: &mut CUcontext) -> CUresult {
        let result = self.below.cuCtxGetCurrent(context);
        see(format!("current {result:?}"));
        result
    }

    fn cuStreamQuery(&self, stream: CUstream) -> CUresult {
        see(format!("query {stream:?}"));
        self.below.cuStreamQuery(stream)
    }

    /// # Safety
    /// As in the trait.
    unsafe fn cuMemcpyHtoD_v2(&self, to: CUdeviceptr, from: *const c_void, size: usize) -> CUresult {
        see(format!("copy {size}{}", if default_stream_is_per_thread() { " per thread" } else { "" }));
        // SAFETY: the caller's promise.
        unsafe { self.below.cuMemcpyHtoD_v2(to, from, size) }
    }

    /// # Safety
    /// As in the trait.
    unsafe fn cuLaunchKernel(
        &self,
        function: CUfunction,
        grid_x: u32,
        grid_y: u32,
        grid_z: u32,
        block_x: u32,
        block_y: u32,
        block_z: u32,
        shared_memory: u32,
        stream: CUstream,
        parameters: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> CUresult {
        see(format!("launch {grid_x}x{block_x} in {stream:?}"));
        // SAFETY: the caller's promise.
        unsafe {
            self.below.cuLaunchKernel(
                function,
                grid_x,
                grid_y,
                grid_z,
                block_x,
                block_y,
                block_z,
                shared_memory,
                stream,
                parameters,
                extra,
            )
        }
    }
}
