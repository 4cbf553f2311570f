//! What the device does, for a stand-in of CUPTI: it is told of all work, on the thread that asks for it, within the call.

use core::ffi::c_char;
use cuda_abi::Row;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

/// A launch.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// The function's handle.
    pub function: usize,
    /// The kernel's name.
    pub name: *const c_char,
    /// Blocks by dimension.
    pub grid: [u32; 3],
    /// Threads of a block by dimension.
    pub block: [u32; 3],
    /// Dynamic shared memory.
    pub dynamic_shared: u32,
}

// SAFETY: the name lives for ever and is never changed.
unsafe impl Send for Launch {}

/// Work that a call asks for.
#[repr(C)]
pub struct Work {
    /// The [`Row`] of the call.
    pub row: u32,
    /// Whether it is what a graph does.
    pub is_of_graph: bool,
    /// Bytes copied; 0 for launches.
    pub bytes: u64,
    /// Launches.
    pub launches: *const Launch,
    /// How many.
    pub launch_count: usize,
}

/// Who is told.
pub type Listener = extern "C" fn(&Work);

static LISTENER: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Has this told of all work from here on.
#[unsafe(no_mangle)]
pub extern "C" fn fake_tell_work_to(listener: Listener) {
    LISTENER.store(listener as *mut (), SeqCst);
}

fn tell(work: &Work) {
    let listener = LISTENER.load(SeqCst);
    if !listener.is_null() {
        // SAFETY: a listener was stored.
        let listener = unsafe { core::mem::transmute::<*mut (), Listener>(listener) };
        listener(work);
    }
}

/// Kernels run.
pub(crate) fn launched(row: Row, launches: &[Launch], is_of_graph: bool) {
    let (launches, launch_count) = (launches.as_ptr(), launches.len());
    tell(&Work { row: row as u32, is_of_graph, bytes: 0, launches, launch_count });
}

/// Bytes are copied.
pub(crate) fn copied(row: Row, bytes: usize) {
    let (launches, launch_count) = (core::ptr::null(), 0);
    tell(&Work { row: row as u32, is_of_graph: false, bytes: bytes as u64, launches, launch_count });
}
