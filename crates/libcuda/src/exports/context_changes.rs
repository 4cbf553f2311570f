//! Functions that make another context current, where launches are recorded: the layer need not ask for the current context before each launch if it
//! knows when that may have changed.
//!
//! They are noted, and go on to NVIDIA's function with all arguments where the caller has put them, old versions as well as new ones. What changes a
//! context beside (destroying it, say) the layer hooks.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use super::plain::Recorded;
use super::{Address, SLOTS, Slots};
use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::null_mut;
use cuda_abi::Row;
use driver_nvidia::Library;
use std::sync::atomic::{AtomicPtr, Ordering::Release};

macro_rules! noted {
    ($($symbol:ident)*) => {
        #[allow(non_camel_case_types, reason = "C's names")]
        #[derive(Clone, Copy)]
        enum Noted {
            $($symbol,)*
        }

        const ROWS: &[Row] = &[$(Row::$symbol,)*];
        static FUNCTIONS: &[Address] = &[$(Address($symbol as *const c_void),)*];
        /// NVIDIA's functions.
        static NEXT: [AtomicPtr<c_void>; ROWS.len()] = [const { AtomicPtr::new(null_mut()) }; ROWS.len()];

        $(
            /// Notes, and goes on. The note is made before the call: until that has returned, its thread launches nothing.
            ///
            /// # Safety
            /// Reached by a jump from the exported function.
            #[unsafe(naked)]
            unsafe extern "C" fn $symbol() {
                core::arch::naked_asm!(
                    "lock inc dword ptr [rip + {slots} + {changes}]",
                    "jmp qword ptr [rip + {next} + {offset}]",
                    slots = sym SLOTS,
                    changes = const offset_of!(Slots, layer) + Recorded::CONTEXT_CHANGES_AT,
                    next = sym NEXT,
                    offset = const Noted::$symbol as usize * size_of::<AtomicPtr<c_void>>(),
                )
            }
        )*
    };
}

noted! {
    cuCtxAttach
    cuCtxCreate
    cuCtxCreate_v2
    cuCtxCreate_v3
    cuCtxCreate_v4
    cuCtxPopCurrent
    cuCtxPopCurrent_v2
    cuCtxPushCurrent
    cuCtxPushCurrent_v2
    cuCtxSetCurrent
    cuGLCtxCreate
    cuGLCtxCreate_v2
    cuVDPAUCtxCreate
    cuVDPAUCtxCreate_v2
}

/// The function that notes a call and goes on to the library's; `None` for one that need not be noted.
pub fn address(row: usize, library: &Library) -> Option<Address> {
    let index = ROWS.iter().position(|noted| *noted as usize == row)?;
    NEXT[index].store(library.address(row).cast_mut(), Release);
    Some(FUNCTIONS[index])
}
