//! The linker: the versions of CUDA 6.5 changed the width of an option, which the driver reads by value.

#![allow(non_snake_case, clippy::too_many_arguments, reason = "C's functions; the CUDA driver API documents them")]

use crate::stack::stack;
use core::ffi::{CStr, c_void};
use cuda_abi::*;

/// # Safety
/// `options` and `values` point to `count` elements each.
pub unsafe fn cuLinkCreate(
    count: u32,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
    state: &mut CUlinkState,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuLinkCreate_v2(count, options, values, state) }
}

/// # Safety
/// `data` starts `size` bytes; `options` and `values` point to `count` elements each.
pub unsafe fn cuLinkAddData(
    state: CUlinkState,
    kind: CUjitInputType,
    data: *mut c_void,
    size: usize,
    name: Option<&CStr>,
    count: u32,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuLinkAddData_v2(state, kind, data, size, name, count, options, values) }
}

/// # Safety
/// `options` and `values` point to `count` elements each.
pub unsafe fn cuLinkAddFile(
    state: CUlinkState,
    kind: CUjitInputType,
    path: &CStr,
    count: u32,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuLinkAddFile_v2(state, kind, path, count, options, values) }
}
