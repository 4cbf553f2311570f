//! `a094798c`: buffers that profiling tools share with the runtime library. There are no tools; the buffers stay zero.

use super::placeholder::unknown_slots;
use super::{Slot, Table, id};
use core::ffi::c_void;
use std::sync::atomic::AtomicU32;

pub(super) const TABLE: Table = Table { id: id(0xa094798c_2e74_2e74_93f2_0800200c0a66), slots: &SLOTS };

static SLOTS: [Slot; 7] = {
    let mut slots = unknown_slots!(0xa094798c: 0 1 2 3 4 5 6);
    slots[0] = Slot::size(7);
    slots[2] = Slot::function(large_buffer as *const ());
    slots[6] = Slot::function(small_buffer as *const ());
    slots
};

/// Sizes that the runtime library has been seen to be content with.
const LARGE: usize = 1024;
const SMALL: usize = 14;

static LARGE_BUFFER: [AtomicU32; LARGE] = [const { AtomicU32::new(0) }; LARGE];
static SMALL_BUFFER: [AtomicU32; SMALL] = [const { AtomicU32::new(0) }; SMALL];

/// Slot 2.
///
/// # Safety
/// Both pointers are writable.
unsafe extern "C" fn large_buffer(buffer: *mut *const c_void, size: *mut usize) {
    // SAFETY: the caller's promise is the same.
    unsafe { answer(&LARGE_BUFFER, buffer, size) }
}

/// Slot 6.
///
/// # Safety
/// Both pointers are writable.
unsafe extern "C" fn small_buffer(buffer: *mut *const c_void, size: *mut usize) {
    // SAFETY: the caller's promise is the same.
    unsafe { answer(&SMALL_BUFFER, buffer, size) }
}

/// # Safety
/// Both pointers are writable.
unsafe fn answer(words: &'static [AtomicU32], buffer: *mut *const c_void, size: *mut usize) {
    // SAFETY: the caller's promise.
    unsafe {
        buffer.write(words.as_ptr().cast());
        size.write(words.len());
    }
}
