//! `cuGetExportTable` in front of NVIDIA's driver, where there are layers: the tables are NVIDIA's, untouched, but for the one of ours that it cannot
//! know. Without layers, the function is NVIDIA's own.

use crate::{choice, export_tables};
use core::ffi::c_void;
use cuda_abi::{CUresult, CUuuid, Row, pointer};

/// # Safety
/// As the runtime libraries call it: the pointers are null or valid.
pub unsafe extern "C" fn get_export_table(table: *mut *const c_void, id: *const CUuuid) -> CUresult {
    // SAFETY: the caller's promise.
    let own = unsafe { id.as_ref() }.and_then(export_tables::find_own);
    match own {
        Some(own) if !table.is_null() => {
            // SAFETY: the caller's promise.
            unsafe { table.write(own) };
            CUresult::CUDA_SUCCESS
        }
        // SAFETY: the address is of the function of this name; it is there, or this one would not be called. The arguments are the caller's.
        _ => unsafe {
            let function: pointer::cuGetExportTable =
                core::mem::transmute(choice::nvidia_address(Row::cuGetExportTable));
            function(table, id)
        },
    }
}
