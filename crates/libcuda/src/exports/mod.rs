//! The C functions, made from the table.
//!
//! An exported function is one jump to the address in its slot. All arguments stay where the caller has put them, so that a function
//! needs no declaration to be handed on. Slots are filled by the first call of any function, when the choice is made ([`choice`]):
//!
//! - on the software GPU with [`software`],
//! - in front of NVIDIA's driver with the address of NVIDIA's function; with [`hooked`] where a layer wants to see it, with [`names`] for
//!   look-ups by name, with [`own_table`] for export tables, with [`absent`] for a function that NVIDIA's library lacks.

use crate::choice;
use core::ffi::{c_char, c_void};
use cuda_abi::*;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed, Ordering::Release};

/// An argument of a per-thread function as the plain one takes it.
macro_rules! translate {
    (stream $name:ident) => {
        if $name.is_null() { CU_STREAM_PER_THREAD } else { $name }
    };
    ($role:ident $name:ident) => {
        $name
    };
}

/// What is said of a function, by its group in the table.
macro_rules! kind {
    (narrow) => {
        "of before CUDA 3.2, with 32-bit device pointers."
    };
    (per_thread) => {
        "of the CUDA driver API, on the calling thread's default stream where that is meant."
    };
    (opaque) => {
        "is declared in no public header."
    };
    (debugger) => {
        "is a hook of NVIDIA's debugger."
    };
    ($group:ident) => {
        "of the CUDA driver API."
    };
}

/// An exported function: the row in a register that belongs to nobody at a function's entry, and the jump.
macro_rules! exported {
    ($group:ident $symbol:ident $params:tt) => {
        exported!([] $group $symbol $params);
    };
    ([$(#[$attribute:meta])*] $group:ident $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        #[doc = concat!("`", stringify!($symbol), "` ", kind!($group))]
        ///
        /// # Safety
        /// The arguments are as the driver API documents them for this function.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        $(#[$attribute])*
        pub unsafe extern "C" fn $symbol($(_: c_type!($role $ty)),*) -> CUresult {
            core::arch::naked_asm!(
                "mov r11d, {row}",
                "jmp qword ptr [rip + {slots} + {offset}]",
                row = const Row::$symbol as usize,
                offset = const $crate::exports::slot_at(Row::$symbol as usize),
                slots = sym $crate::exports::SLOTS,
            )
        }
    };
}

pub mod absent;
mod admitted;
pub mod context_changes;
pub mod hooked;
mod launch;
pub mod names;
mod older;
pub mod own_table;
pub mod plain;
mod plain_copies;
pub mod software;

/// The address of a C function.
#[derive(Clone, Copy)]
pub struct Address(pub *const c_void);

// SAFETY: the address of code, which is never written.
unsafe impl Sync for Address {}

/// Functions whose slots lie beside what launches look at.
const NEAR: [Row; 5] = [
    Row::cuLaunchKernel,
    Row::cuLaunchKernelEx,
    Row::cuMemsetD8Async,
    Row::cuMemcpyDtoDAsync_v2,
    Row::cuMemcpyHtoDAsync_v2,
];

/// Where each exported function jumps to.
#[repr(C, align(64))]
struct Slots {
    launches: plain::Launches,
    near: [AtomicPtr<c_void>; NEAR.len()],
    layer: plain::Place,
    copies: plain_copies::Next,
    /// By [`Row`].
    all: [AtomicPtr<c_void>; SYMBOLS.len()],
}

static SLOTS: Slots = Slots {
    launches: plain::Launches::off(),
    near: [const { AtomicPtr::new(first_call as *mut c_void) }; NEAR.len()],
    layer: plain::Place::empty(),
    copies: plain_copies::none(),
    all: [const { AtomicPtr::new(first_call as *mut c_void) }; SYMBOLS.len()],
};

/// Where the slot of a function is, in bytes from the beginning.
const fn slot_at(row: usize) -> usize {
    let mut index = 0;
    while index < NEAR.len() {
        if NEAR[index] as usize == row {
            return core::mem::offset_of!(Slots, near) + index * size_of::<AtomicPtr<c_void>>();
        }
        index += 1;
    }
    core::mem::offset_of!(Slots, all) + row * size_of::<AtomicPtr<c_void>>()
}

/// Fills the slots. Threads that come here at once write the same.
pub fn fill_slots(target: impl Fn(usize) -> *const c_void) {
    for (row, slot) in SLOTS.all.iter().enumerate() {
        slot.store(target(row).cast_mut(), Release);
    }
    for (row, slot) in NEAR.iter().zip(&SLOTS.near) {
        slot.store(target(*row as usize).cast_mut(), Release);
    }
}

/// Has one of the functions whose slots are [`NEAR`] jump elsewhere, if it jumps to `from`.
fn redirect(row: Row, from: *const c_void, to: *const c_void) {
    for (_, slot) in NEAR.iter().zip(&SLOTS.near).filter(|(near, _)| **near as usize == row as usize) {
        // If it does not, it has been told to go past the layers, and is to go on so.
        let _ = slot.compare_exchange(from.cast_mut(), to.cast_mut(), Release, Relaxed);
    }
}

/// All of them; some where the code of their calls is.
macro_rules! exports {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        $(exports!(@one $group $symbol $params);)*

        /// The address of each function, by [`Row`].
        pub static ADDRESSES: &[Address] = &[$(Address($symbol as *const c_void),)*];
    };
    (@one $group:ident cuLaunchKernel $params:tt) => {
        pub use launch::cuLaunchKernel;
    };
    (@one $group:ident cuLaunchKernelEx $params:tt) => {
        pub use plain::cuLaunchKernelEx;
    };
    (@one $group:ident cuMemsetD8Async $params:tt) => {
        pub use plain_copies::cuMemsetD8Async;
    };
    (@one $group:ident cuMemcpyDtoDAsync_v2 $params:tt) => {
        pub use plain_copies::cuMemcpyDtoDAsync_v2;
    };
    (@one $group:ident $symbol:ident $params:tt) => {
        exported!($group $symbol $params);
    };
}

for_each_driver_symbol!(exports);

/// What every slot holds at first: asks where the call goes, and goes there. The registers that may hold arguments stay as they are, `al` (the
/// number of vectors, for functions with variable arguments) and `r10` among them; the stack is the caller's again.
///
/// # Safety
/// Reached by a jump from an exported function, with the row in `r11`.
#[unsafe(naked)]
unsafe extern "C" fn first_call() {
    core::arch::naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 192",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "mov [rsp + 48], rax",
        "mov [rsp + 56], r10",
        "movups [rsp + 64], xmm0",
        "movups [rsp + 80], xmm1",
        "movups [rsp + 96], xmm2",
        "movups [rsp + 112], xmm3",
        "movups [rsp + 128], xmm4",
        "movups [rsp + 144], xmm5",
        "movups [rsp + 160], xmm6",
        "movups [rsp + 176], xmm7",
        "mov edi, r11d",
        "call {target}",
        "mov r11, rax",
        "mov rdi, [rsp]",
        "mov rsi, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov rcx, [rsp + 24]",
        "mov r8, [rsp + 32]",
        "mov r9, [rsp + 40]",
        "mov rax, [rsp + 48]",
        "mov r10, [rsp + 56]",
        "movups xmm0, [rsp + 64]",
        "movups xmm1, [rsp + 80]",
        "movups xmm2, [rsp + 96]",
        "movups xmm3, [rsp + 112]",
        "movups xmm4, [rsp + 128]",
        "movups xmm5, [rsp + 144]",
        "movups xmm6, [rsp + 160]",
        "movups xmm7, [rsp + 176]",
        "leave",
        "jmp r11",
        target = sym choice::first_call_target,
    )
}

#[cfg(test)]
mod hooked_tests;
#[cfg(test)]
mod tests;
