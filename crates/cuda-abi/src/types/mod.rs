//! The C types of the driver API, as the public headers declare them.

#[allow(
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    missing_docs,
    reason = "C's names; the CUDA headers document them"
)]
mod enums;
#[cfg(test)]
mod layout;
#[allow(non_camel_case_types, non_snake_case, missing_docs, reason = "C's names; the CUDA headers document them")]
mod scalars;
#[allow(non_camel_case_types, non_snake_case, missing_docs, reason = "C's names; the CUDA headers document them")]
mod structs;

pub use enums::*;
pub use scalars::*;
pub use structs::*;

use core::ffi::c_void;

/// The legacy default stream, spelt out (`CU_STREAM_LEGACY` of cuda.h).
pub const CU_STREAM_LEGACY: CUstream = CUstream::from_addr(1);
/// The calling thread's default stream (`CU_STREAM_PER_THREAD` of cuda.h).
pub const CU_STREAM_PER_THREAD: CUstream = CUstream::from_addr(2);
/// "The host" where a device ordinal is asked for.
pub const CU_DEVICE_CPU: CUdevice = -1;
/// "No device" where a device ordinal is answered.
pub const CU_DEVICE_INVALID: CUdevice = -2;
/// Ends the `extra` list of a launch.
pub const CU_LAUNCH_PARAM_END: *mut c_void = core::ptr::null_mut();
/// In the `extra` list of a launch: the next entry points to the packed parameters.
pub const CU_LAUNCH_PARAM_BUFFER_POINTER: *mut c_void = core::ptr::without_provenance_mut(1);
/// In the `extra` list of a launch: the next entry points to the size of the packed parameters.
pub const CU_LAUNCH_PARAM_BUFFER_SIZE: *mut c_void = core::ptr::without_provenance_mut(2);
