//! Exact counters of kernels: what a card's performance counters would say of the same program, for each launch and each line.
//!
//! Kernels that are compiled with instrumentation (`simt_ir::instrument`) count the instructions they execute themselves, and tell a
//! [`KernelCounters`] of every memory access, branch and barrier. What an access costs a card is worked out in [`memory`]; a
//! [`Collector`] keeps everything until it is shown, as a table or as JSON. `docs/counters.md` says what each number means.
//!
//! Invariant: the same program gives the same numbers, whatever the number of workers and whichever of them runs a block.
//! Invariant: nothing here knows CUDA handles, or how code is made.

mod collector;
mod counts;
mod json;
mod kernel;
pub mod memory;
mod table;

pub use collector::Collector;
pub use counts::{Access, Counts, Space};
pub use kernel::KernelCounters;
