//! How a program learns why its code was refused: in the log that it wants, or on stderr.

use std::ffi::c_void;

use cuda_abi::{CUjit_option, CUresult};
use driver_api::{LogBuffers, env};

use crate::image::Refusal;

/// The answer of a call that has no log.
pub(crate) fn answer(refusal: &Refusal) -> CUresult {
    complain(&refusal.reason);
    refusal.code
}

/// The answer of a call with options: the reason is in the program's log, as a compiler's errors are, or on stderr if it has none.
///
/// # Safety
/// The arrays have `count` entries, or are null; what they say of buffers is true.
pub(crate) unsafe fn logged(
    refusal: &Refusal,
    count: u32,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { log(refusal, &LogBuffers::read(count, options, values)) }
}

/// The same with the buffers of a log.
///
/// # Safety
/// They are still there.
pub(crate) unsafe fn log(refusal: &Refusal, buffers: &LogBuffers) -> CUresult {
    // SAFETY: the caller's promise.
    let is_logged = unsafe {
        buffers.remarks.write("");
        buffers.errors.write(&refusal.reason)
    };
    if is_logged { refusal.code } else { answer(refusal) }
}

/// Says something on stderr.
pub(crate) fn complain(reason: &str) {
    if !env::is_quiet() {
        eprintln!("apex: {reason}");
    }
}
