//! `263e8860`: questions about a context whose answer is always that nothing is the matter.

use super::placeholder::unknown_slots;
use super::{Slot, Table, id};
use core::ffi::c_void;
use cuda_abi::{CUcontext, CUresult};

pub(super) const TABLE: Table = Table { id: id(0x263e8860_7cd2_6143_92f6_bbd5006dfa7e), slots: &SLOTS };

static SLOTS: [Slot; 15] = {
    let mut slots = unknown_slots!(0x263e8860: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    slots[0] = Slot::size(15);
    slots[2] = Slot::function(check_context as *const ());
    slots[3] = Slot::function(check as *const ());
    slots
};

/// Slot 2.
///
/// # Safety
/// `state` is null or writable.
unsafe extern "C" fn check_context(_: CUcontext, state: *mut u32, _: *mut *const c_void) -> CUresult {
    // SAFETY: the caller's promise.
    match unsafe { state.as_mut() } {
        Some(state) => {
            *state = 0;
            CUresult::CUDA_SUCCESS
        }
        None => CUresult::CUDA_ERROR_INVALID_VALUE,
    }
}

/// Slot 3.
extern "C" fn check() -> u32 {
    0
}
