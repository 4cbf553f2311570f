//! `cuGetProcAddress`, as a recording of NVIDIA's driver 580 answers it.

use crate::{ADDRESSES, control};
use core::ffi::{CStr, c_char, c_void};
use cuda_abi::{CUdriverProcAddressQueryResult as Status, CUresult, SYMBOLS};

/// The driver's answers: a name, the kind of look-up, and from which version on it answers which symbol.
const RECORDED: &str = include_str!("../../libcuda/tests/data/look-ups-580.txt");
const DRIVER: i32 = 13000;

fn address_of(symbol: &str) -> *const c_void {
    SYMBOLS.iter().position(|other| *other == symbol).map_or(core::ptr::null(), |row| ADDRESSES[row].0)
}

/// What is found, or why nothing is.
fn look_up(name: &str, version: i32, flags: u64) -> Result<*const c_void, Status> {
    if name == "cuFromTheFuture" {
        return Ok(control::fake_from_the_future as *const c_void);
    }
    let kind = if flags & 2 != 0 { "per-thread" } else { "plain" };
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    let mut known = false;
    for line in lines {
        let mut words = line.split(' ');
        if words.next() != Some(name) {
            continue;
        }
        known = true;
        let line_kind = words.next().unwrap_or_default();
        if (line_kind == "per-thread") != (kind == "per-thread") {
            continue;
        }
        let steps = words.filter_map(|word| word.split_once('='));
        let mut steps = steps.filter(|(since, _)| since.parse::<i32>().is_ok_and(|since| since <= version));
        if let Some((_, symbol)) = steps.next_back() {
            return Ok(address_of(symbol));
        }
    }
    Err(if known {
        Status::CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
    } else {
        Status::CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND
    })
}

/// The first version.
///
/// # Safety
/// As the driver API documents it.
pub unsafe extern "C" fn first(name: *const c_char, found: *mut *mut c_void, version: i32, flags: u64) -> CUresult {
    if name.is_null() || found.is_null() || version > DRIVER {
        return CUresult::CUDA_ERROR_INVALID_VALUE;
    }
    // SAFETY: not null, so the caller promises a text.
    match look_up(&unsafe { CStr::from_ptr(name) }.to_string_lossy(), version, flags) {
        Ok(address) => {
            // SAFETY: not null, so the caller promises a place.
            unsafe { found.write_unaligned(address.cast_mut()) };
            CUresult::CUDA_SUCCESS
        }
        Err(_) => CUresult::CUDA_ERROR_NOT_FOUND,
    }
}

/// The second version.
///
/// # Safety
/// As the driver API documents it.
pub unsafe extern "C" fn second(
    name: *const c_char,
    found: *mut *mut c_void,
    version: i32,
    flags: u64,
    status: *mut Status,
) -> CUresult {
    if name.is_null() || found.is_null() || version > DRIVER {
        return CUresult::CUDA_ERROR_INVALID_VALUE;
    }
    // SAFETY: not null, so the caller promises a text.
    let (address, outcome) = match look_up(&unsafe { CStr::from_ptr(name) }.to_string_lossy(), version, flags) {
        Ok(address) => (address, Status::CU_GET_PROC_ADDRESS_SUCCESS),
        Err(why) => (core::ptr::null(), why),
    };
    // SAFETY: not null, so the caller promises a place.
    unsafe { found.write_unaligned(address.cast_mut()) };
    if !status.is_null() {
        // SAFETY: as above.
        unsafe { status.write(outcome) };
    }
    CUresult::CUDA_SUCCESS
}
