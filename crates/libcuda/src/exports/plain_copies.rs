//! Sets and copies that are recorded in front of NVIDIA's driver, as [launches](super::plain) are.

use super::plain::layer;
use super::{Address, SLOTS, hooked};
use core::ffi::c_void;
use core::ptr::null_mut;
use cuda_abi::*;
use driver_api::op::{CopyKind, PlainAction, Token};
use driver_nvidia::Library;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// Begins a set, if it can go this way. One piece of code for all functions.
///
/// # Safety
/// As [`begin_plain`](layer_observe::Observed::begin_plain) says.
#[unsafe(link_section = "apex_copies")]
#[inline(never)]
unsafe fn begin_set(bytes: usize, stream: CUstream) -> Option<Token> {
    // SAFETY: the caller's promise.
    unsafe { layer()?.begin_plain(PlainAction::Set(bytes as u64), stream) }
}

/// Begins a copy, likewise.
///
/// # Safety
/// As [`begin_plain`](layer_observe::Observed::begin_plain) says.
#[unsafe(link_section = "apex_copies")]
#[inline(never)]
unsafe fn begin_copy(kind: CopyKind, bytes: usize, stream: CUstream) -> Option<Token> {
    // SAFETY: the caller's promise.
    unsafe { layer()?.begin_plain(PlainAction::Copy(kind, bytes as u64), stream) }
}

/// Ends either.
#[unsafe(link_section = "apex_copies")]
#[inline(never)]
fn end(token: Token, result: CUresult) -> CUresult {
    if let Some(layer) = layer() {
        layer.end_plain(token, result);
    }
    result
}

macro_rules! functions {
    ($($symbol:ident ($($name:ident: $ty:ty),*) => $begin:ident($($argument:expr),*);)*) => {
        const ROWS: &[Row] = &[$(Row::$symbol,)*];

        #[allow(non_camel_case_types, reason = "C's names")]
        #[derive(Clone, Copy)]
        enum Place {
            $($symbol,)*
        }

        mod plain {
            use super::*;

            $(
                /// # Safety
                /// As the driver API documents it.
                #[unsafe(link_section = "apex_copies")]
                #[allow(non_snake_case, reason = "C's names")]
                pub unsafe extern "C" fn $symbol($($name: $ty),*) -> CUresult {
                    // SAFETY: done below. A function for the thread's own default stream is another one.
                    let Some(token) = (unsafe { $begin($($argument),*) }) else {
                        // SAFETY: the caller's promise is the same.
                        return unsafe { hooked::$symbol($($name),*) };
                    };
                    // SAFETY: the address of the function, which is set before the layer is switched on; the arguments are the caller's.
                    let result = unsafe {
                        let next = SLOTS.copies[Place::$symbol as usize].load(Relaxed);
                        core::mem::transmute::<*mut c_void, unsafe extern "C" fn($($ty),*) -> CUresult>(next)($($name),*)
                    };
                    end(token, result)
                }
            )*
        }

        static FUNCTIONS: &[Address] = &[$(Address(plain::$symbol as *const c_void),)*];
    };
}

functions! {
    cuMemsetD8Async(to: CUdeviceptr, value: u8, count: usize, stream: CUstream) => begin_set(count, stream);
    cuMemsetD16Async(to: CUdeviceptr, value: u16, count: usize, stream: CUstream) => begin_set(count.saturating_mul(2), stream);
    cuMemsetD32Async(to: CUdeviceptr, value: u32, count: usize, stream: CUstream) => begin_set(count.saturating_mul(4), stream);
    cuMemcpyAsync(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream) => begin_copy(CopyKind::Any, bytes, stream);
    cuMemcpyHtoDAsync_v2(to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream) => begin_copy(CopyKind::HostToDevice, bytes, stream);
    cuMemcpyDtoHAsync_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream) => begin_copy(CopyKind::DeviceToHost, bytes, stream);
    cuMemcpyDtoDAsync_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream) => begin_copy(CopyKind::DeviceToDevice, bytes, stream);
}

/// NVIDIA's functions.
pub(super) type Next = [AtomicPtr<c_void>; ROWS.len()];

pub(super) const fn none() -> Next {
    [const { AtomicPtr::new(null_mut()) }; ROWS.len()]
}

/// Sets where calls go on to.
pub(super) fn prepare(library: &Library) {
    for (next, row) in SLOTS.copies.iter().zip(ROWS) {
        next.store(library.address(*row as usize).cast_mut(), Relaxed);
    }
}

/// The function that takes a call, in place of that of [`hooked`].
pub(super) fn address(row: usize) -> Option<Address> {
    ROWS.iter().position(|plain| *plain as usize == row).map(|index| FUNCTIONS[index])
}

/// The exported functions that programs call most.
macro_rules! exports {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        $(exports!(@one $group $symbol $params);)*
    };
    (@one $group:ident cuMemsetD8Async $params:tt) => {
        exported!([#[unsafe(link_section = "apex_copies")]] $group cuMemsetD8Async $params);
    };
    (@one $group:ident cuMemcpyDtoDAsync_v2 $params:tt) => {
        exported!([#[unsafe(link_section = "apex_copies")]] $group cuMemcpyDtoDAsync_v2 $params);
    };
    (@one $group:ident $symbol:ident $params:tt) => {};
}

for_each_driver_symbol!(exports);

// The section begins with a page: see `plain`.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(".pushsection apex_copies, \"ax\", @progbits", ".p2align 12, , 1", ".popsection");
