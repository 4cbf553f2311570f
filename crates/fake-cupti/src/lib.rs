//! A stand-in for NVIDIA's `libcupti.so`, for tests on machines without a card: activity records of what the stand-in for the driver does.
//!
//! As with the real one there is one user at a time: who registers callbacks last gets the buffers. A call of the driver that is enabled is noted, with
//! the calling thread's external ids before it; kernels and copies are, if their kind is enabled. What is asked for is done at once, and takes a time
//! that tells it: a kernel as many microseconds as its grid has blocks, a copy as many nanoseconds as it has bytes.
//!
//! In a forked child a flush aborts: the real library's locks may be held for ever there.
//!
//! Records are written by the offsets of the public headers, which `device-times` reads them by: a mistake there is found by the test
//! that compares both with the headers.
//!
//! Invariant: answers for itself. Nothing here is used outside of tests.

mod activity;

use activity::{Activity, activity};
use core::ffi::c_void;

const SUCCESS: u32 = 0;
const MAX_LIMIT_REACHED: u32 = 12;
const QUEUE_EMPTY: u32 = 18;

/// # Safety
/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuptiGetVersion(version: *mut u32) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { version.write(130_000) };
    SUCCESS
}

/// # Safety
/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuptiGetTimestamp(timestamp: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { timestamp.write(activity::now_ns()) };
    SUCCESS
}

/// The second registration takes the buffers away from the first, as with the real one.
#[unsafe(no_mangle)]
pub extern "C" fn cuptiActivityRegisterCallbacks(request: activity::Request, complete: activity::Complete) -> u32 {
    activity::listen();
    activity(|activity| activity.callbacks = Some((request, complete)));
    SUCCESS
}

/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub extern "C" fn cuptiActivityEnable(kind: u32) -> u32 {
    activity(|activity| _ = activity.kinds.insert(kind));
    SUCCESS
}

/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub extern "C" fn cuptiActivityEnableDriverApi(function: u32, enable: u8) -> u32 {
    activity(|activity| match enable {
        0 => _ = activity.off.insert(function),
        _ => _ = activity.off.remove(&function),
    });
    SUCCESS
}

/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub extern "C" fn cuptiActivityFlushAll(_flags: u32) -> u32 {
    activity::stand_in_one_process();
    activity::give_buffer();
    SUCCESS
}

/// # Safety
/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuptiActivityGetNextRecord(buffer: *mut u8, valid: usize, record: *mut *mut u8) -> u32 {
    // SAFETY: the caller's promise; records are as `activity` has written them.
    unsafe {
        let next = if (*record).is_null() { buffer } else { (*record).add(activity::size_of_record(*record)) };
        if next.addr() >= buffer.addr() + valid {
            return MAX_LIMIT_REACHED;
        }
        *record = next;
    }
    SUCCESS
}

/// # Safety
/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuptiActivityGetNumDroppedRecords(
    _context: *mut c_void,
    _stream: u32,
    dropped: *mut usize,
) -> u32 {
    let count = activity(|activity| std::mem::take(&mut activity.dropped));
    // SAFETY: the caller's promise.
    unsafe { dropped.write(count) };
    SUCCESS
}

/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub extern "C" fn cuptiActivityPushExternalCorrelationId(kind: u32, id: u64) -> u32 {
    activity::IDS.with_borrow_mut(|ids| ids.push((kind, id)));
    SUCCESS
}

/// # Safety
/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuptiActivityPopExternalCorrelationId(kind: u32, last: *mut u64) -> u32 {
    let taken = activity::IDS.with_borrow_mut(|ids| {
        let place = ids.iter().rposition(|(other, _)| *other == kind)?;
        Some(ids.remove(place))
    });
    let Some((_, id)) = taken else { return QUEUE_EMPTY };
    if !last.is_null() {
        // SAFETY: the caller's promise.
        unsafe { last.write(id) };
    }
    SUCCESS
}

/// As CUPTI documents it.
#[unsafe(no_mangle)]
pub extern "C" fn cuptiActivityEnableRuntimeApi(_function: u32, _enable: u8) -> u32 {
    SUCCESS
}

/// For tests: calls of the calling thread from here on are those that a runtime makes within its own. They end, and are noted, with
/// [`fake_cupti_end_runtime_call`].
#[unsafe(no_mangle)]
pub extern "C" fn fake_cupti_begin_runtime_call() {
    activity::begin_runtime_call();
}

/// For tests: the runtime's call ends.
#[unsafe(no_mangle)]
pub extern "C" fn fake_cupti_end_runtime_call() {
    activity::end_runtime_call();
}

/// For tests: how many records of kinds and ids there were, ever.
#[unsafe(no_mangle)]
pub extern "C" fn fake_cupti_records() -> usize {
    activity(|activity: &mut Activity| activity.records)
}
