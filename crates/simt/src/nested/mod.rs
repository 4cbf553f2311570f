//! Kernels that launch kernels.
//!
//! A grid that the host launches and all that is launched by it, directly or not, are a *family*. Machine code calls
//! [`DeviceRuntime`], which hands children to the family through a [`Caller`]; the family keeps their order ([`tree`]) and runs
//! them on streams of its own, as many at a time as it has. A child may begin while its parent runs. A grid is complete when it
//! has ended and all its children are complete; the stream of the grid that the host launched goes on only then.
//!
//! Nobody waits for a child within machine code, so that no core is held by a grid whose children need one.

mod caller;
mod family;
mod tree;

pub use caller::Caller;
pub(crate) use family::Family;

use crate::kernel::PreparedLaunch;
use simt_ir::DeviceCall;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Answers what kernels ask of the system.
pub trait DeviceRuntime: Send + Sync {
    /// Carries out a call of one thread, and returns its result.
    fn call(&self, caller: &Caller<'_>, call: DeviceCall, arguments: &[u64]) -> u64;

    /// A grid that has called is complete, with its children. Nothing more is heard of it.
    fn grid_is_complete(&self, node: u64);
}

/// What a child runs after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// After what its parent put into the same queue before.
    Queue(u64),
    /// After nothing.
    Free,
    /// After its parent and all other children are complete, and after what its parent put here before.
    Tail,
}

/// Something that a grid hands to its family.
pub enum Child {
    /// Something to do. It runs on a thread of the engine, and may ask for a launch that is then a grid of the family.
    Job(Job),
    /// Is set when what stands before it in its queue is complete.
    Mark(Arc<Marker>),
    /// Keeps what stands behind it in its queue until the marker is set.
    Wait(Arc<Marker>),
}

/// What a child does, before its grid.
pub type Job = Box<dyn FnOnce() -> Option<ChildLaunch> + Send>;

/// A grid that a kernel launches.
#[derive(Debug)]
pub struct ChildLaunch {
    /// What to run.
    pub launch: PreparedLaunch,
    /// Bytes of stack for each thread of a kernel that needs one.
    pub stack_bytes: u32,
    /// The parameter buffer.
    pub parameters: Vec<u8>,
}

/// A point in a queue that other queues may wait for.
#[derive(Debug, Default)]
pub struct Marker(AtomicBool);

impl Marker {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
