//! Who tells when the device did what a program asked for, where the driver does not.

use crate::op::{Definition, Op};
use cuda_abi::CUresult;

/// When a device did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceTime {
    /// The tag of the op, or of one that the same thread made shortly before; 0 where nobody knows which it was.
    pub tag: u64,
    /// Of a launch of a graph: the index of the node in its [`Definition`] plus 1; `u32::MAX` where that is not known. Otherwise 0.
    pub node: u32,
    /// The device's ordinal.
    pub device: u32,
    /// What it did.
    pub work: DeviceWork,
    /// When it began, in ns of `CLOCK_MONOTONIC`.
    pub start_ns: u64,
    /// When it was done.
    pub end_ns: u64,
}

/// What a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceWork {
    /// Executes a kernel.
    Kernel,
    /// Copies so many bytes.
    Copy(u64),
    /// Sets so many bytes.
    Set(u64),
}

/// Who wants to know.
pub trait DeviceTimeSink: Send + Sync {
    /// The device did this. Called on any thread but the program's while it launches.
    fn ran(&self, times: &[DeviceTime]);

    /// So many times are missing.
    fn lost(&self, count: u64);

    /// How times are found out from here on.
    fn method(&self, name: &str);
}

/// Finds out when the device does what ops ask for. Called as an observer is: it can change nothing, and should take little time.
pub trait DeviceTimer: Send + Sync {
    /// Sees something that later ops refer to.
    fn define(&self, definition: &Definition<'_>);

    /// An op is about to be done, and its times are to be told under this tag, which is not 0.
    fn before(&self, tag: u64, op: &Op);

    /// It was. The thread's next op will have the tag `next`.
    fn after(&self, next: u64, op: &Op, result: CUresult);

    /// Contexts are about to be destroyed.
    fn contexts_go(&self);

    /// Tells the sink what the device has done since. Called on a thread that the program knows nothing of; for the last time, when the
    /// process exits, on whichever thread exits.
    fn collect(&self, is_last: bool);
}
