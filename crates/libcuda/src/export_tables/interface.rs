//! `6bd5fb6c`: what the runtime library does to contexts and modules beyond the public API.

use super::placeholder::unknown_slots;
use super::{Slot, Table, context_storage, id};
use crate::{guard, stack::stack};
use core::ffi::c_void;
use cuda_abi::{CUcontext, CUdevice, CUmodule, CUresult};

pub(super) const TABLE: Table = Table { id: id(0x6bd5fb6c_5bf4_e74a_8987_d93912fd9df9), slots: &SLOTS };

/// The table's address takes part in the integrity check.
pub(super) static SLOTS: [Slot; 13] = {
    let mut slots = unknown_slots!(0x6bd5fb6c: 0 1 2 3 4 5 6 7 8 9 10 11 12);
    slots[0] = Slot::size(13);
    slots[1] = Slot::function(load_wrapper as *const ());
    slots[2] = Slot::function(primary_context as *const ());
    slots[6] = Slot::function(load_wrapper_with_options as *const ());
    slots[7] = Slot::function(nothing as *const ());
    slots[8] = Slot::function(load_fatbin_with_options as *const ());
    slots[10] = Slot::NULL;
    slots[12] = Slot::function(load_compilers as *const ());
    slots
};

/// Slot 1: loads a module from the structure that nvcc wraps around a fatbin.
///
/// # Safety
/// `module` is null or writable; `wrapper` is null or points to such a structure.
unsafe extern "C" fn load_wrapper(module: *mut CUmodule, wrapper: *const c_void) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { load(module, wrapper) }
}

/// Slot 2: the primary context of a device. It becomes active if it is not, and is not made current.
///
/// # Safety
/// `context` is null or writable.
unsafe extern "C" fn primary_context(context: *mut CUcontext, device: CUdevice) -> CUresult {
    guard::ready(|| {
        let mut primary = CUcontext::NULL;
        let result = context_storage::primary_context(&mut primary, device);
        // SAFETY: the caller's promise.
        let context = unsafe { context.as_mut() }.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        *context = primary;
        Ok(result)
    })
}

/// Slot 6: as slot 1, with three more arguments, which have only been seen as zero.
///
/// # Safety
/// As slot 1.
unsafe extern "C" fn load_wrapper_with_options(
    module: *mut CUmodule,
    wrapper: *const c_void,
    options: *const c_void,
    values: *const c_void,
    count: u32,
) -> CUresult {
    if !options.is_null() || !values.is_null() || count != 0 {
        return CUresult::CUDA_ERROR_NOT_SUPPORTED;
    }
    // SAFETY: the caller's promise is the same.
    unsafe { load(module, wrapper) }
}

/// Slot 7: called without a result that anyone looks at.
extern "C" fn nothing(_: usize) {}

/// Slot 8: as slot 6, from the fatbin itself and with the module as the second argument.
///
/// # Safety
/// As slot 1, with a fatbin.
unsafe extern "C" fn load_fatbin_with_options(
    fatbin: *const c_void,
    module: *mut CUmodule,
    options: *const c_void,
    values: *const c_void,
    count: u32,
) -> CUresult {
    if !options.is_null() || !values.is_null() || count != 0 {
        return CUresult::CUDA_ERROR_NOT_SUPPORTED;
    }
    // SAFETY: the caller's promise is the same.
    unsafe { load(module, fatbin) }
}

/// Slot 12: makes the driver's compilers ready. They always are.
extern "C" fn load_compilers() -> CUresult {
    CUresult::CUDA_SUCCESS
}

/// Loads a module from an image: `cuModuleLoadData` finds out what kind of image it is.
///
/// # Safety
/// `module` is null or writable; `image` is null or points to an image.
unsafe fn load(module: *mut CUmodule, image: *const c_void) -> CUresult {
    guard::ready(|| {
        // SAFETY: the caller's promise.
        let module = unsafe { module.as_mut() }.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        // SAFETY: the caller's promise about the image.
        Ok(unsafe { stack().cuModuleLoadData(module, image) })
    })
}
