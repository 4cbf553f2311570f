//! A stand-in for NVIDIA's `libcuda.so.1`, for tests on machines without a card.
//!
//! It exports every name of the table. A call is counted and, if asked for, noted with all registers and stack words that may hold
//! arguments; then one of three things happens:
//!
//! - a fault that was asked for ([`control`]): an error code, a delay, a call back into the program's `libcuda`;
//! - what the driver does, for the few functions in [`functions`], which keep contexts, modules and memory (of the host);
//! - `CUDA_SUCCESS`, or `CUDA_ERROR_NOT_INITIALIZED` before `cuInit`.
//!
//! Names can be taken away from a copy of the file: a test changes them in its string table.
//!
//! Invariant: answers for itself. Nothing here knows of APEX, or is used by it outside of tests.

pub mod control;
mod events;
mod functions;
mod graphs;
mod look_up;
mod state;
pub mod work;

use core::ffi::c_void;
use cuda_abi::*;

/// Words of the caller's stack that are noted: more than any function takes there.
pub const STACK_WORDS: usize = 12;

/// What registers and stack held when a function was called.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// `rdi`, `rsi`, `rdx`, `rcx`, `r8`, `r9`.
    pub integers: [u64; 6],
    /// `rax`: its lowest byte is the number of vector registers, for functions with variable arguments.
    pub rax: u64,
    /// Which function was called, by [`Row`]; in memory where `r10` would be.
    pub row: u64,
    /// `xmm0` to `xmm7`, whole.
    pub vectors: [[u64; 2]; 8],
    /// The caller's frame pointer and the return address.
    links: [u64; 2],
    /// The caller's stack, from the first argument that is passed there on.
    pub stack: [u64; STACK_WORDS],
}

impl Frame {
    /// Where the call returns to.
    pub fn return_address(&self) -> u64 {
        self.links[1]
    }
}

/// Where a call goes on: a function, or null for the code itself.
#[repr(C)]
struct Way {
    function: *const c_void,
    code: u64,
}

/// Notes the call and finds out what comes of it.
extern "C" fn arrive(frame: &Frame) -> Way {
    let row = frame.row as usize;
    match control::arrive(row, frame) {
        Some(code) => Way { function: core::ptr::null(), code: code.into() },
        None => Way { function: functions::address(row), code: state::default_answer().0.into() },
    }
}

/// Keeps all arguments, asks [`arrive`], and goes there with all of them in place.
///
/// # Safety
/// Reached by a jump from an exported function, with the row in `r11`.
#[unsafe(naked)]
unsafe extern "C" fn enter() {
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
        "mov [rsp + 56], r11",
        "movups [rsp + 64], xmm0",
        "movups [rsp + 80], xmm1",
        "movups [rsp + 96], xmm2",
        "movups [rsp + 112], xmm3",
        "movups [rsp + 128], xmm4",
        "movups [rsp + 144], xmm5",
        "movups [rsp + 160], xmm6",
        "movups [rsp + 176], xmm7",
        "mov rdi, rsp",
        "call {arrive}",
        "mov r11, rax",
        "mov rax, rdx",
        "test r11, r11",
        "jz 2f",
        "mov rdi, [rsp]",
        "mov rsi, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov rcx, [rsp + 24]",
        "mov r8, [rsp + 32]",
        "mov r9, [rsp + 40]",
        "leave",
        "jmp r11",
        "2:",
        "leave",
        "ret",
        arrive = sym arrive,
    )
}

macro_rules! exports {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        $(exports!(@export $symbol);)*

        /// The address of each exported function, by [`Row`].
        static ADDRESSES: &[control::Address] = &[$(control::Address($symbol as *const c_void),)*];
    };
    (@export $symbol:ident) => {
        #[doc = concat!("The stand-in for `", stringify!($symbol), "`.")]
        ///
        /// # Safety
        /// As the function's documentation asks.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!("mov r11d, {row}", "jmp {enter}", row = const Row::$symbol as usize, enter = sym enter)
        }
    };
}

for_each_driver_symbol!(exports);
