//! Static data of the C++ inside (LLVM) is never taken apart.
//!
//! A thread may be compiling while the process exits. LLVM makes much of its static data when it is first needed and has the C library take it apart at
//! exit, before any function that was registered earlier could stop that thread. Nothing is lost if nothing is taken apart: in what compiles in the background (the
//! driver's library, which is never unloaded, and the tests of the software driver) the linker gives the calls of `__cxa_atexit` to the function here (`--wrap`, in their build.rs), which registers
//! nothing. What the project itself has to do at exit goes through `stdx::at_exit`, which is not concerned.

use core::arch::global_asm;

// Hidden, which Rust cannot say of a function: a library exports the driver's names only.
global_asm!(
    ".text",
    ".globl __wrap___cxa_atexit",
    ".hidden __wrap___cxa_atexit",
    ".type __wrap___cxa_atexit, @function",
    "__wrap___cxa_atexit:",
    "xor eax, eax",
    "ret",
    ".size __wrap___cxa_atexit, . - __wrap___cxa_atexit",
);
