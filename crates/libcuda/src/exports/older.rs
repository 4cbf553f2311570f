//! Older versions of hooked functions that answer with what the newest no longer says: which copy of a batch failed, which node of a graph cannot be
//! updated. Layers see a call of the newest version; at the bottom, NVIDIA's function of the old name gets the program's own arguments.

use super::Address;
use crate::{choice, guard, stack::stack};
use core::ffi::c_void;
use cuda_abi::*;
use driver_nvidia::in_place_of;

/// The function that takes a call of an older version through the stack.
pub fn address(row: usize) -> Option<Address> {
    const ADDRESSES: [(Row, Address); 5] = [
        (Row::cuGraphExecUpdate, Address(update as *const c_void)),
        (Row::cuMemcpyBatchAsync, Address(batch as *const c_void)),
        (Row::cuMemcpyBatchAsync_ptsz, Address(batch_per_thread as *const c_void)),
        (Row::cuMemcpy3DBatchAsync, Address(batch_3d as *const c_void)),
        (Row::cuMemcpy3DBatchAsync_ptsz, Address(batch_3d_per_thread as *const c_void)),
    ];
    ADDRESSES.iter().find(|(of, _)| *of as usize == row).map(|(_, address)| *address)
}

/// NVIDIA's function of a name, as a function of a type.
macro_rules! nvidia {
    ($symbol:ident) => {
        // SAFETY: the address is of the function of this name, whose type the public headers declare; a hooked function has one.
        unsafe { core::mem::transmute::<*const c_void, pointer::$symbol>(choice::nvidia_address(Row::$symbol)) }
    };
}

/// # Safety
/// As the driver API documents it for `cuGraphExecUpdate` of before CUDA 12.
unsafe extern "C" fn update(
    made: CUgraphExec,
    graph: CUgraph,
    node: *mut CUgraphNode,
    outcome: *mut CUgraphExecUpdateResult,
) -> CUresult {
    let function = nvidia!(cuGraphExecUpdate);
    guard::catch(|| {
        // SAFETY: the caller's promise is the same.
        let older = || unsafe { function(made, graph, node, outcome) };
        // A layer that looks into it finds what a call that found nothing wrong says.
        let mut of_newest = CUgraphExecUpdateResultInfo::default();
        Ok(in_place_of(Row::cuGraphExecUpdate_v2, &older, || stack().cuGraphExecUpdate_v2(made, graph, &mut of_newest)))
    })
}

macro_rules! batch {
    ($name:ident $symbol:ident $stream:ident => $of_newest:expr) => {
        /// # Safety
        /// As the driver API documents it for `cuMemcpyBatchAsync` of before CUDA 13.
        unsafe extern "C" fn $name(
            to: *mut CUdeviceptr,
            from: *mut CUdeviceptr,
            sizes: *mut usize,
            count: usize,
            attributes: *mut CUmemcpyAttributes,
            indices: *mut usize,
            attribute_count: usize,
            failed: *mut usize,
            $stream: CUstream,
        ) -> CUresult {
            let function = nvidia!($symbol);
            guard::catch(|| {
                let older = || {
                    // SAFETY: the caller's promise is the same.
                    unsafe { function(to, from, sizes, count, attributes, indices, attribute_count, failed, $stream) }
                };
                // SAFETY: the caller's promise covers the arrays.
                Ok(in_place_of(Row::cuMemcpyBatchAsync_v2, &older, || unsafe {
                    let stream = $of_newest;
                    stack().cuMemcpyBatchAsync_v2(to, from, sizes, count, attributes, indices, attribute_count, stream)
                }))
            })
        }
    };
}

batch!(batch cuMemcpyBatchAsync stream => stream);
batch!(batch_per_thread cuMemcpyBatchAsync_ptsz stream => translate!(stream stream));

macro_rules! batch_3d {
    ($name:ident $symbol:ident $stream:ident => $of_newest:expr) => {
        /// # Safety
        /// As the driver API documents it for `cuMemcpy3DBatchAsync` of before CUDA 13.
        unsafe extern "C" fn $name(
            count: usize,
            list: *mut CUDA_MEMCPY3D_BATCH_OP,
            failed: *mut usize,
            flags: u64,
            $stream: CUstream,
        ) -> CUresult {
            let function = nvidia!($symbol);
            guard::catch(|| {
                // SAFETY: the caller's promise is the same.
                let older = || unsafe { function(count, list, failed, flags, $stream) };
                // SAFETY: the caller's promise covers the list.
                Ok(in_place_of(Row::cuMemcpy3DBatchAsync_v2, &older, || unsafe {
                    let stream = $of_newest;
                    stack().cuMemcpy3DBatchAsync_v2(count, list, flags, stream)
                }))
            })
        }
    };
}

batch_3d!(batch_3d cuMemcpy3DBatchAsync stream => stream);
batch_3d!(batch_3d_per_thread cuMemcpy3DBatchAsync_ptsz stream => translate!(stream stream));
