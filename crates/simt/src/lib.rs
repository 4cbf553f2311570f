//! The software GPU: command rings, GPCs, blocks, warps, memory.
//!
//! An [`Engine`] has cores, each with a worker thread, and an [`arena`] of memory. A [`Stream`] is a ring of commands; a
//! [`Launch`] copies its parameters into the ring and rings a doorbell if somebody sleeps. Whoever is awake carries the
//! commands out, a host thread that waits for them included, so that launching and waiting for a small kernel needs no
//! thread switch. Each core is handed blocks of its part of the grid first; kernels that wait are [suspended](simt_ir::abi::Status), and the core
//! turns to other blocks. Kernels may launch kernels ([`DeviceRuntime`]). What goes wrong in a kernel is a [`Fault`] of the stream's [`Domain`]; the process lives.
//!
//! How a command goes: [`Stream::launch`] → `queue::ring` → `scheduler` → `session` (a thread with a core) → `execute` →
//! `call` (machine code) → `Stream::complete` → who waits, and streams that wait.
//!
//! Invariant: knows no CUDA handle and no error code; streams and domains are values that their owner holds.
//! Invariant: knows nothing of how machine code is made; [`simt_ir::abi`] is all that both sides know.
//! Invariant: a launch runs one piece of machine code from its start to its end, whatever becomes of its kernel's code meanwhile.
//! Invariant: no thread starts before the first command.
//! Invariant: a fault in a kernel ends that kernel and its domain, never the process.

pub mod arena;
mod call;
mod domain;
mod engine;
mod execute;
mod fault;
mod host_functions;
mod kernel;
pub mod lock_order;
mod nested;
mod observe;
mod places;
mod queue;
mod runtime;
mod scheduler;
mod session;
mod sys;
pub mod textures;
mod times;
pub mod transfer;
mod unit_clock;
mod variants;
mod worker;

pub use domain::{Domain, DomainConfig};
pub use engine::{Engine, EngineConfig, WORKERS_MAX};
pub use fault::{BadAccess, Fault, FaultKind};
pub use kernel::{
    BLOCK_THREADS_MAX, CLUSTER_BLOCKS_MAX, InvalidLaunch, Kernel, Launch, PARAMETER_BYTES_MAX, PreparedLaunch, Services,
};
pub use nested::{Caller, Child, ChildLaunch, DeviceRuntime, Job, Marker, Order};
pub use observe::{AccessEvent, KernelObserver, LaunchInfo, MeetingEvent, Place};
pub use queue::{Point, Stream, Timestamp};
pub use runtime::{Formatter, Heap, Output};
pub use times::{LaunchTimer, time_launches};
pub use variants::{Comparison, Outcome, Tuner, VARIANTS_MAX};
pub use worker::block_signals;
