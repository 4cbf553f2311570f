//! `cuGetProcAddress` in front of NVIDIA's driver.
//!
//! NVIDIA's driver is asked first. What it answers is the answer, with one exception: where it gives a function of the table, the program gets ours
//! of the same symbol. Which symbol that is, is told by the address, since the driver's rules for versions and flags are its own.

use super::ADDRESSES;
use crate::{choice, proc_address};
use core::ffi::{CStr, c_char, c_void};
use cuda_abi::*;
use driver_nvidia::report_foreign;

/// The first version.
///
/// # Safety
/// As the driver API documents it.
pub unsafe extern "C" fn get_proc_address(
    name: *const c_char,
    found: *mut *mut c_void,
    version: i32,
    flags: u64,
) -> CUresult {
    // SAFETY: the address is of the function of this name; it is there, or this one would not be called. The arguments are the caller's.
    unsafe {
        let function: pointer::cuGetProcAddress = core::mem::transmute(choice::nvidia_address(Row::cuGetProcAddress));
        let result = function(name, found, version, flags);
        replace(result, name, found, version, flags);
        result
    }
}

/// The second version.
///
/// # Safety
/// As the driver API documents it.
pub unsafe extern "C" fn get_proc_address_v2(
    name: *const c_char,
    found: *mut *mut c_void,
    version: i32,
    flags: u64,
    status: *mut CUdriverProcAddressQueryResult,
) -> CUresult {
    // SAFETY: as above.
    unsafe {
        let function: pointer::cuGetProcAddress_v2 =
            core::mem::transmute(choice::nvidia_address(Row::cuGetProcAddress_v2));
        let result = function(name, found, version, flags, status);
        replace(result, name, found, version, flags);
        result
    }
}

/// Puts our function in the place of NVIDIA's, after a look-up that has succeeded.
///
/// # Safety
/// The arguments are those of the look-up.
unsafe fn replace(result: CUresult, name: *const c_char, found: *mut *mut c_void, version: i32, flags: u64) {
    if result != CUresult::CUDA_SUCCESS || found.is_null() || name.is_null() {
        return;
    }
    // SAFETY: the look-up has succeeded, so that both pointers were good; `found` need not be aligned.
    let (address, name) = unsafe { (found.read_unaligned(), CStr::from_ptr(name)) };
    // A look-up by the second version succeeds with null when there is no such function.
    if address.is_null() {
        return;
    }
    match ours(address, name, version, flags) {
        // SAFETY: as above.
        Some(ours) => unsafe { found.write_unaligned(ours.cast_mut()) },
        None => report_foreign(&name.to_string_lossy()),
    }
}

/// Our function for an address of NVIDIA's. Where several symbols share it, the one that our own rules would give, or else one that is known by
/// the name.
fn ours(address: *const c_void, name: &CStr, version: i32, flags: u64) -> Option<*const c_void> {
    let library = choice::nvidia_library()?;
    let mut candidates = library.rows_at(address);
    let first = candidates.next()?;
    let Some(second) = candidates.next() else { return Some(ADDRESSES[first].0) };
    let candidates: Vec<usize> = [first, second].into_iter().chain(candidates).collect();
    let by_rule = proc_address::look_up(name, version, flags, i32::MAX).ok();
    let by_rule = by_rule.filter(|ours| candidates.iter().any(|row| ADDRESSES[*row].0 == *ours));
    let by_name = || candidates.iter().find(|row| FUNCTIONS[**row].base.as_bytes() == name.to_bytes());
    by_rule.or_else(|| Some(ADDRESSES[*by_name().unwrap_or(&first)].0))
}
