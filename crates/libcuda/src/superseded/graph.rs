//! Graphs: edges had no data before CUDA 12.3, kernel nodes no `CUkernel` before 12.0.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use crate::stack::stack;
use core::ffi::c_char;
use core::ptr::{null, null_mut};
use cuda_abi::*;

/// # Safety
/// `from` and `to` point to `count` elements each.
pub unsafe fn cuGraphAddDependencies(
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> CUresult {
    // SAFETY: the caller's promise; edges without data may be null.
    unsafe { stack().cuGraphAddDependencies_v2(graph, from, to, null(), count) }
}

/// # Safety
/// As [`cuGraphAddDependencies`].
pub unsafe fn cuGraphRemoveDependencies(
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> CUresult {
    // SAFETY: the caller's promise; edges without data may be null.
    unsafe { stack().cuGraphRemoveDependencies_v2(graph, from, to, null(), count) }
}

/// # Safety
/// `dependencies` points to `count` elements; the pointers in `parameters` are as for the newest version.
pub unsafe fn cuGraphAddKernelNode(
    node: &mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    parameters: &CUDA_KERNEL_NODE_PARAMS_v1,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuGraphAddKernelNode_v2(node, graph, dependencies, count, &kernel_node(parameters)) }
}

/// # Safety
/// As the newest version, without edge data.
pub unsafe fn cuGraphAddNode(
    node: &mut CUgraphNode,
    graph: CUgraph,
    dependencies: *const CUgraphNode,
    count: usize,
    parameters: &mut CUgraphNodeParams,
) -> CUresult {
    // SAFETY: the caller's promise; edges without data may be null.
    unsafe { stack().cuGraphAddNode_v2(node, graph, dependencies, null(), count, parameters) }
}

/// # Safety
/// The pointers in `parameters` are as for the newest version.
pub unsafe fn cuGraphExecKernelNodeSetParams(
    exec: CUgraphExec,
    node: CUgraphNode,
    parameters: &CUDA_KERNEL_NODE_PARAMS_v1,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuGraphExecKernelNodeSetParams_v2(exec, node, &kernel_node(parameters)) }
}

/// # Safety
/// The pointers in `parameters` are as for the newest version.
pub unsafe fn cuGraphKernelNodeSetParams(node: CUgraphNode, parameters: &CUDA_KERNEL_NODE_PARAMS_v1) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuGraphKernelNodeSetParams_v2(node, &kernel_node(parameters)) }
}

/// # Safety
/// As the newest version.
pub unsafe fn cuGraphKernelNodeGetParams(node: CUgraphNode, parameters: &mut CUDA_KERNEL_NODE_PARAMS_v1) -> CUresult {
    let mut newest = CUDA_KERNEL_NODE_PARAMS::default();
    // SAFETY: the pointers in the struct are written, not read.
    let result = unsafe { stack().cuGraphKernelNodeGetParams_v2(node, &mut newest) };
    if result == CUresult::CUDA_SUCCESS {
        *parameters = CUDA_KERNEL_NODE_PARAMS_v1 {
            func: newest.func,
            gridDimX: newest.gridDimX,
            gridDimY: newest.gridDimY,
            gridDimZ: newest.gridDimZ,
            blockDimX: newest.blockDimX,
            blockDimY: newest.blockDimY,
            blockDimZ: newest.blockDimZ,
            sharedMemBytes: newest.sharedMemBytes,
            kernelParams: newest.kernelParams,
            extra: newest.extra,
        };
    }
    result
}

/// A kernel node of the first layout in the newest: a `CUfunction` in the current context.
fn kernel_node(parameters: &CUDA_KERNEL_NODE_PARAMS_v1) -> CUDA_KERNEL_NODE_PARAMS {
    CUDA_KERNEL_NODE_PARAMS {
        func: parameters.func,
        gridDimX: parameters.gridDimX,
        gridDimY: parameters.gridDimY,
        gridDimZ: parameters.gridDimZ,
        blockDimX: parameters.blockDimX,
        blockDimY: parameters.blockDimY,
        blockDimZ: parameters.blockDimZ,
        sharedMemBytes: parameters.sharedMemBytes,
        kernelParams: parameters.kernelParams,
        extra: parameters.extra,
        kern: CUkernel::NULL,
        ctx: CUcontext::NULL,
    }
}

pub fn cuGraphExecUpdate(
    exec: CUgraphExec,
    graph: CUgraph,
    error_node: Option<&mut CUgraphNode>,
    update_result: &mut CUgraphExecUpdateResult,
) -> CUresult {
    let mut info = CUgraphExecUpdateResultInfo::default();
    let result = stack().cuGraphExecUpdate_v2(exec, graph, &mut info);
    if let Some(error_node) = error_node {
        *error_node = info.errorNode;
    }
    *update_result = info.result;
    result
}

/// # Safety
/// `from` and `to` point to `*count` elements each, or are null.
pub unsafe fn cuGraphGetEdges(
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    count: &mut usize,
) -> CUresult {
    // SAFETY: the caller's promise; edge data that nobody asks for may be null.
    unsafe { stack().cuGraphGetEdges_v2(graph, from, to, null_mut(), count) }
}

/// # Safety
/// `log` points to `log_size` bytes, or is null.
pub unsafe fn cuGraphInstantiate(
    exec: &mut CUgraphExec,
    graph: CUgraph,
    error_node: Option<&mut CUgraphNode>,
    log: *mut c_char,
    log_size: usize,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuGraphInstantiate_v2(exec, graph, error_node, log, log_size) }
}

/// # Safety
/// `dependencies` points to `*count` elements, or is null.
pub unsafe fn cuGraphNodeGetDependencies(
    node: CUgraphNode,
    dependencies: *mut CUgraphNode,
    count: &mut usize,
) -> CUresult {
    // SAFETY: the caller's promise; edge data that nobody asks for may be null.
    unsafe { stack().cuGraphNodeGetDependencies_v2(node, dependencies, null_mut(), count) }
}

/// # Safety
/// `dependents` points to `*count` elements, or is null.
pub unsafe fn cuGraphNodeGetDependentNodes(
    node: CUgraphNode,
    dependents: *mut CUgraphNode,
    count: &mut usize,
) -> CUresult {
    // SAFETY: the caller's promise; edge data that nobody asks for may be null.
    unsafe { stack().cuGraphNodeGetDependentNodes_v2(node, dependents, null_mut(), count) }
}
