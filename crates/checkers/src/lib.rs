//! Checkers of kernels: what a program does wrong although nothing faults, or before something does.
//!
//! Kernels that are compiled with instrumentation (`simt_ir::instrument`) tell a [`KernelChecker`] of every memory access, barrier and
//! operation of lanes that a mask names. A [`Checker`] holds what all kernels of a process share: which memory belongs to whom, who accessed what last,
//! and the findings. `docs/checkers.md` says what is found, and the rules by which threads count as ordered.
//!
//! Invariant: what is kept of a kernel's accesses is bounded; where the bound is met something may be missed, and nothing is accused wrongly.
//! Invariant: nothing here knows CUDA handles, or how code is made.

mod access;
mod block;
mod checks;
mod clock;
mod copies;
mod finding;
mod global;
mod kernel;
mod locate;
mod memory;
mod poison;
mod reports;
mod shadow;
mod source;
mod sync;

pub use checks::Checks;
pub use kernel::{Checker, KernelChecker, Variable};
pub use reports::Reports;
