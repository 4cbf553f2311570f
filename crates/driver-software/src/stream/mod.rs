//! Streams: rings of the engine with CUDA's rules of implicit order.

mod area;
mod group;

pub(crate) use area::Streams;
pub(crate) use group::StreamGroup;

use crate::answer::Answer;
use crate::context::current;
use crate::machine::Machine;
use cuda_abi::{CU_STREAM_LEGACY, CU_STREAM_PER_THREAD, CUresult, CUstream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The least urgent priority.
pub(crate) const PRIORITY_LEAST: i32 = 0;
/// The most urgent priority.
pub(crate) const PRIORITY_GREATEST: i32 = -5;

/// Which stream of a context it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The default stream that waits for blocking streams, and that they wait for.
    Legacy,
    /// The default stream of a thread.
    Thread,
    /// Made by the program.
    Created,
}

/// A stream.
pub(crate) struct Stream {
    pub(crate) queue: Arc<simt::Stream>,
    pub(crate) group: Arc<StreamGroup>,
    pub(crate) role: Role,
    /// Whether it keeps the order with the legacy stream.
    pub(crate) is_blocking: bool,
    /// Unique in the process.
    pub(crate) id: u64,
    handle: OnceLock<usize>,
    /// Whether the program, or the thread, is done with it.
    is_released: AtomicBool,
    /// So many commands of the legacy stream this one waits for already.
    after_legacy: AtomicU64,
    /// For so many commands of this stream the legacy stream waits already.
    before_legacy: AtomicU64,
}

impl Stream {
    /// The stream of a handle: null and 1 are the legacy default stream of the current context, 2 is that of the thread.
    ///
    /// # Errors
    /// When the handle is no stream, there is no current context to have a default stream, or the stream's context has
    /// failed or is gone.
    pub(crate) fn named(handle: CUstream) -> Answer<Arc<Stream>> {
        if handle.is_null() || handle == CU_STREAM_LEGACY {
            return current()?.default_stream(false);
        }
        if handle == CU_STREAM_PER_THREAD {
            return current()?.default_stream(true);
        }
        crate::context::forbid_in_host_function()?;
        let stream: Option<Arc<Stream>> = Machine::get()?.objects.get(handle.addr());
        let stream = stream.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        stream.group.check()?;
        Ok(stream)
    }

    /// The stream of calls that take none: the default one of the calling thread's entry point.
    pub(crate) fn implied() -> Answer<Arc<Stream>> {
        current()?.default_stream(driver_api::default_stream_is_per_thread())
    }

    /// Makes the command that is appended next wait for what CUDA orders before it implicitly: in the legacy stream for
    /// all blocking streams of the context, in a blocking stream for the legacy stream.
    #[inline]
    pub(crate) fn order(&self) {
        match self.role {
            Role::Legacy => self.group.order_legacy(self),
            _ if self.is_blocking => {
                let legacy = &self.group.legacy_queue;
                if !legacy.is_idle() {
                    self.wait_once(legacy, &self.after_legacy);
                }
            }
            _ => {}
        }
    }

    /// Waits for another queue, unless a command for that is in the ring already.
    #[cold]
    fn wait_once(&self, other: &Arc<simt::Stream>, already: &AtomicU64) {
        let point = other.position();
        if already.fetch_max(point.sequence(), Ordering::Relaxed) < point.sequence() {
            self.queue.wait_for(&point);
        }
    }

    /// Waits until everything in the stream is complete, and writes out what kernels have printed.
    ///
    /// # Errors
    /// If a kernel of the context has faulted.
    pub(crate) fn synchronize(&self) -> Answer {
        if self.role == Role::Legacy {
            // Its next command would wait for the blocking streams, so it stands for them, too.
            self.group.synchronize_blocking();
        }
        self.queue.synchronize();
        self.group.domain().output().flush();
        self.group.check()
    }

    /// Whether everything in the stream is complete.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_idle() && (self.role != Role::Legacy || self.group.is_blocking_idle())
    }

    fn is_released(&self) -> bool {
        self.is_released.load(Ordering::Acquire)
    }
}
