//! What stands in slots whose function is not known.

use super::Slot;
use cuda_abi::CUresult;
use driver_api::env;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Most lines that unknown slots write to stderr in a process.
const LINES_MAX: u32 = 16;

static LINES: AtomicU32 = AtomicU32::new(0);

/// The function in slot `SLOT` of the table whose identifier begins with `TABLE`.
///
/// Its arguments are not known; it takes none, which the C calling convention allows.
extern "C" fn unknown<const TABLE: u32, const SLOT: usize>() -> CUresult {
    if !env::is_quiet() && LINES.fetch_add(1, Relaxed) < LINES_MAX {
        eprintln!("apex: slot {SLOT} of the export table {TABLE:08x} is not known");
    }
    CUresult::CUDA_ERROR_NOT_SUPPORTED
}

/// The slot with the function that stands in for an unknown one.
pub(super) const fn slot<const TABLE: u32, const SLOT: usize>() -> Slot {
    Slot::function(unknown::<TABLE, SLOT> as *const ())
}

/// An array of slots, all of them unknown: `unknown_slots!(0x21318c60, [0 1 2 ...])`.
macro_rules! unknown_slots {
    ($table:literal: $($slot:literal)*) => {
        [$($crate::export_tables::placeholder::slot::<$table, $slot>()),*]
    };
}
pub(super) use unknown_slots;
