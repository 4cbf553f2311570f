//! Functions that the rim answers by itself: they concern the library, not a device.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use crate::export_tables;
use crate::proc_address::{self, Refusal};
use core::ffi::{CStr, c_char, c_void};
use cuda_abi::{CUDA_VERSION, CUdriverProcAddressQueryResult, CUresult, CUuuid};
use driver_api::env;
use std::sync::OnceLock;

/// The driver version that programs see: `APEX_DRIVER_VERSION`, or that of the headers.
pub fn driver_version() -> i32 {
    static VERSION: OnceLock<i32> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let Some(text) = env::DRIVER_VERSION.get() else { return CUDA_VERSION as i32 };
        match text.parse() {
            Ok(version) if (1000..100_000).contains(&version) => version,
            _ => {
                eprintln!(
                    "apex: {}={text} is not a driver version such as 13000; reporting {CUDA_VERSION}",
                    env::DRIVER_VERSION.name
                );
                CUDA_VERSION as i32
            }
        }
    })
}

pub fn cuDriverGetVersion(version: &mut i32) -> CUresult {
    *version = driver_version();
    CUresult::CUDA_SUCCESS
}

pub fn cuGetErrorName(error: CUresult, name: &mut *const c_char) -> CUresult {
    answer_text(error.c_name(), name)
}

pub fn cuGetErrorString(error: CUresult, text: &mut *const c_char) -> CUresult {
    answer_text(error.description(), text)
}

fn answer_text(text: Option<&'static CStr>, answer: &mut *const c_char) -> CUresult {
    match text {
        Some(text) => {
            *answer = text.as_ptr();
            CUresult::CUDA_SUCCESS
        }
        None => {
            *answer = core::ptr::null();
            CUresult::CUDA_ERROR_INVALID_VALUE
        }
    }
}

pub fn cuGetExportTable(table: &mut *const c_void, id: &CUuuid) -> CUresult {
    match export_tables::find(id) {
        Some(found) => {
            *table = found;
            CUresult::CUDA_SUCCESS
        }
        None => {
            *table = core::ptr::null();
            CUresult::CUDA_ERROR_INVALID_VALUE
        }
    }
}

/// The first version has no place for a status: a look-up that fails leaves `address` as it was, and is an error.
pub fn cuGetProcAddress(symbol: &CStr, address: &mut *mut c_void, version: i32, flags: u64) -> CUresult {
    match proc_address::look_up(symbol, version, flags, driver_version()) {
        Ok(found) => {
            *address = found.cast_mut();
            CUresult::CUDA_SUCCESS
        }
        Err(Refusal::InvalidArgument) => CUresult::CUDA_ERROR_INVALID_VALUE,
        Err(Refusal::UnknownName | Refusal::VersionNotSufficient) => CUresult::CUDA_ERROR_NOT_FOUND,
    }
}

/// A look-up that fails is a success with a null address and a status.
pub fn cuGetProcAddress_v2(
    symbol: &CStr,
    address: &mut *mut c_void,
    version: i32,
    flags: u64,
    status: Option<&mut CUdriverProcAddressQueryResult>,
) -> CUresult {
    let (found, outcome) = match proc_address::look_up(symbol, version, flags, driver_version()) {
        Ok(found) => (found.cast_mut(), CUdriverProcAddressQueryResult::CU_GET_PROC_ADDRESS_SUCCESS),
        Err(Refusal::InvalidArgument) => return CUresult::CUDA_ERROR_INVALID_VALUE,
        Err(Refusal::UnknownName) => {
            (core::ptr::null_mut(), CUdriverProcAddressQueryResult::CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND)
        }
        Err(Refusal::VersionNotSufficient) => {
            (core::ptr::null_mut(), CUdriverProcAddressQueryResult::CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT)
        }
    };
    *address = found;
    if let Some(status) = status {
        *status = outcome;
    }
    CUresult::CUDA_SUCCESS
}
