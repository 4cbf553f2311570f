//! What a stream can be told to do.

use super::{Point, Timestamp};
use crate::kernel::Kernel;
use std::sync::Arc;

/// A command in a ring. Parameters of a launch follow the record.
#[derive(Default)]
pub(crate) enum Command {
    /// Fills the end of the ring; not counted.
    Skip,
    /// The command has been carried out; only its completion is left.
    #[default]
    Spent,
    Launch(LaunchRecord),
    /// Runs on the thread for host functions.
    HostFunction(Box<dyn FnOnce() + Send>),
    /// Runs on the thread that has reached it; must be short.
    Operation(Box<dyn FnOnce() + Send>),
    Wait(Point),
    Stamp(Arc<Timestamp>),
}

/// A launch in a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaunchRecord {
    /// Kept alive by the producer's side of the stream until the command is complete.
    pub(crate) kernel: *const Kernel,
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared_bytes: u32,
    pub(crate) stack_bytes: u32,
    pub(crate) cluster: [u8; 3],
    pub(crate) cooperative: bool,
    /// What its times are told under; 0 for nobody.
    pub(crate) tag: u64,
}

// SAFETY: the pointer is to a `Kernel`, which is `Sync`, and who holds the record keeps the kernel alive.
unsafe impl Send for LaunchRecord {}
// SAFETY: as above.
unsafe impl Sync for LaunchRecord {}
