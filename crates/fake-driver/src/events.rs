//! Events: the time at which they are recorded, as all work is done at once.

use crate::functions::put;
use crate::state::{default_answer, new_handle, state};
use cuda_abi::CUresult;

fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn create(event: *mut usize, _flags: u32) -> CUresult {
    let handle = new_handle();
    state().get().events.insert(handle, 0);
    // SAFETY: the caller's promise.
    unsafe { put(event, handle) }
}

pub(crate) extern "C" fn record(event: usize, _stream: usize) -> CUresult {
    match state().get().events.get_mut(&event) {
        Some(time) => {
            *time = now_ns();
            default_answer()
        }
        None => CUresult::CUDA_ERROR_INVALID_HANDLE,
    }
}

/// # Safety
/// As the driver API documents the function of this row.
pub(crate) unsafe extern "C" fn elapsed(milliseconds: *mut f32, start: usize, end: usize) -> CUresult {
    let time = |event| state().get().events.get(&event).copied().filter(|time| *time != 0);
    let (Some(start), Some(end)) = (time(start), time(end)) else { return CUresult::CUDA_ERROR_INVALID_HANDLE };
    // SAFETY: the caller's promise.
    unsafe { put(milliseconds, (end as i64 - start as i64) as f32 / 1e6) }
}
