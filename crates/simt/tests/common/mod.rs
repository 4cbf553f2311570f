//! Kernels written in Rust, for tests of the engine.
#![allow(dead_code, reason = "each test uses a part of this")]

use simt::{Engine, EngineConfig, Kernel};
use simt_ir::abi::{ExecutionMode, KernelCode, LaunchContext, RunBlocks, RunWarp, WarpContext};
use std::sync::Arc;

pub fn engine(workers: usize) -> Engine {
    Engine::new(EngineConfig { workers, ..EngineConfig::default() }).unwrap()
}

/// Machine code of the given mode, without memory of its own.
pub fn code(entry: usize, mode: ExecutionMode) -> KernelCode {
    KernelCode { entry, mode, lanes: 32, frame_bytes: 64, local_bytes: 0, needs_stack: false, shared_bytes: 0 }
}

/// A kernel that runs to completion.
pub fn serial(name: &str, entry: RunBlocks) -> Arc<Kernel> {
    kernel(name, code(entry as *const () as usize, ExecutionMode::RunToCompletion))
}

/// A kernel that is resumed warp by warp.
pub fn suspendable(name: &str, entry: RunWarp) -> Arc<Kernel> {
    kernel(name, code(entry as *const () as usize, ExecutionMode::Suspendable))
}

pub fn kernel(name: &str, code: KernelCode) -> Arc<Kernel> {
    // SAFETY: the entry functions of the tests keep to the contract, and functions of a test live as long as it does.
    unsafe { Kernel::new(name, code, [], Arc::new(())) }
}

/// Parameters, as a kernel gets them.
pub fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

/// Parameter `index` of a kernel whose parameters are 64-bit words.
pub unsafe fn parameter(launch: *const LaunchContext, index: usize) -> u64 {
    // SAFETY: the test passes so many parameters.
    unsafe { *(*launch).params.cast::<u64>().add(index) }
}

/// Linear index of the warp's block.
pub unsafe fn block_of(launch: *const LaunchContext, warp: *const WarpContext) -> u64 {
    // SAFETY: called from a kernel with its own contexts.
    unsafe {
        let [x, y, z] = (*warp).block_index.map(u64::from);
        let [width, height, _] = (*launch).grid.map(u64::from);
        x + width * (y + height * z)
    }
}
