//! Captures and graphs, of launches alone.

use crate::functions::put;
use crate::state::{default_answer, new_handle, state};
use crate::work;
use cuda_abi::{CUDA_KERNEL_NODE_PARAMS, CUfunction, CUresult, Row};

const INVALID_HANDLE: CUresult = CUresult::CUDA_ERROR_INVALID_HANDLE;

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn is_capturing(stream: usize, status: *mut u32) -> CUresult {
    let is_capturing = state().get().captures.contains_key(&stream);
    // SAFETY: the caller's promise.
    unsafe { put(status, u32::from(is_capturing)) }
}

pub(crate) extern "C" fn begin(stream: usize, _mode: u32) -> CUresult {
    if !state().get().streams.contains(&stream) {
        return INVALID_HANDLE;
    }
    state().get().captures.insert(stream, Vec::new());
    default_answer()
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn end(stream: usize, graph: *mut usize) -> CUresult {
    let Some(launches) = state().get().captures.remove(&stream) else {
        return CUresult::CUDA_ERROR_ILLEGAL_STATE;
    };
    let handle = new_handle();
    state().get().graphs.insert(handle, launches);
    // SAFETY: the caller's promise.
    unsafe { put(graph, handle) }
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn instantiate(made: *mut usize, graph: usize, _flags: u64) -> CUresult {
    let Some(launches) = state().get().graphs.get(&graph).cloned() else { return INVALID_HANDLE };
    let handle = new_handle();
    state().get().graphs.insert(handle, launches);
    // SAFETY: the caller's promise.
    unsafe { put(made, handle) }
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn nodes(graph: usize, nodes: *mut usize, count: *mut usize) -> CUresult {
    let Some(launches) = state().get().graphs.get(&graph).cloned() else { return INVALID_HANDLE };
    if !nodes.is_null() {
        // SAFETY: the caller's promise.
        let room = unsafe { *count };
        for (index, launch) in launches.iter().enumerate().take(room) {
            let handle = new_handle();
            state().get().nodes.insert(handle, *launch);
            // SAFETY: within the list.
            unsafe { nodes.add(index).write(handle) };
        }
    }
    // SAFETY: the caller's promise.
    unsafe { put(count, launches.len()) }
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn node_type(_node: usize, kind: *mut u32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(kind, 0) }
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn kernel_node(node: usize, parameters: *mut CUDA_KERNEL_NODE_PARAMS) -> CUresult {
    let Some(launch) = state().get().nodes.get(&node).copied() else { return INVALID_HANDLE };
    let ([gx, gy, gz], [bx, by, bz]) = (launch.grid, launch.block);
    let told = CUDA_KERNEL_NODE_PARAMS {
        func: CUfunction::from_addr(launch.function),
        gridDimX: gx,
        gridDimY: gy,
        gridDimZ: gz,
        blockDimX: bx,
        blockDimY: by,
        blockDimZ: bz,
        sharedMemBytes: launch.dynamic_shared,
        ..Default::default()
    };
    // SAFETY: the caller's promise.
    unsafe { put(parameters, told) }
}

pub(crate) extern "C" fn launch(graph: usize, _stream: usize) -> CUresult {
    let Some(launches) = state().get().graphs.get(&graph).cloned() else { return INVALID_HANDLE };
    work::launched(Row::cuGraphLaunch, &launches, true);
    default_answer()
}
