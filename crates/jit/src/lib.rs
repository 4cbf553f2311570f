//! From a module's PTX to machine code of its kernels.
//!
//! A [`Module`] is parsed when it is loaded, as far as its signatures go; a kernel's body is parsed, lowered and compiled when the kernel is
//! first launched with a block of some size, and kept in memory and in a cache on disk ([`Cache`]).
//!
//! Invariant: nothing here knows CUDA handles, streams or memory; addresses of symbols are the caller's.
//! Invariant: what is on disk is only ever a copy: an unreadable, foreign or damaged file is compiled over, never an error.

mod cache;
mod choice;
mod dump;
mod linker;
mod module;
mod record;
mod report;
mod resources;
mod times;
mod tuned;

pub use cache::{Cache, CacheConfig};
pub use choice::{Choice, CodeShape};
pub use dump::Stage;
pub use linker::Linker;
pub use module::{Compiled, Config, Error, KernelInfo, Module};
pub use ptx::link::LinkError;
pub use ptx::lowering::{GlobalSymbol, KernelParameter, Relocation, RelocationTarget};
pub use report::{json as report_json, text as report_text};
pub use resources::KernelResources;
pub use simt_ir::AddressSpace;
pub use simt_ir::instrument::Instrumentation;
pub use simt_llvm::{CpuLevel, Options, Stages, Step, StepClock};
