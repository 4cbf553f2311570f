//! Texture references and graphics resources.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use crate::stack::stack;
use cuda_abi::*;

/// The newest version asks for a larger alignment of the pitch and is the same otherwise.
pub fn cuTexRefSetAddress2D_v2(
    texture: CUtexref,
    descriptor: &CUDA_ARRAY_DESCRIPTOR,
    pointer: CUdeviceptr,
    pitch: usize,
) -> CUresult {
    stack().cuTexRefSetAddress2D_v3(texture, descriptor, pointer, pitch)
}

pub fn cuGraphicsResourceSetMapFlags(resource: CUgraphicsResource, flags: u32) -> CUresult {
    stack().cuGraphicsResourceSetMapFlags_v2(resource, flags)
}
