//! Streams and events of kernels.

use super::error::DeviceError;
use super::{ModuleRuntime, Outcome};
use simt::{Caller, Child, Marker, Order};
use std::sync::Arc;

/// `cudaStreamNonBlocking`, the only flag.
const STREAM_FLAGS: u32 = 1;
/// `cudaEventDisableTiming`, which every event must have.
const EVENT_DISABLE_TIMING: u32 = 2;

/// Most threads of a block.
const BLOCK_THREADS_MAX: u64 = 1024;

impl ModuleRuntime {
    /// Where in the order of a grid's children something in a stream stands. A block has a stream of its own, which is the null
    /// stream; so has a thread.
    ///
    /// # Errors
    /// When there is no such stream.
    pub(super) fn order_of(&self, caller: &Caller<'_>, stream: u64) -> Result<Order, DeviceError> {
        Ok(match stream {
            0 | 1 => Order::Queue(caller.block() * 4),
            2 => Order::Queue((caller.block() * BLOCK_THREADS_MAX + u64::from(caller.thread())) * 4 + 1),
            3 => Order::Tail,
            4 => Order::Free,
            handle if self.state.has_stream(handle) => Order::Queue(handle * 4 + 2),
            _ => return Err(DeviceError::INVALID_VALUE),
        })
    }

    /// The queue of a stream that has an order.
    fn queue_of(&self, caller: &Caller<'_>, stream: u64) -> Result<Order, DeviceError> {
        match self.order_of(caller, stream)? {
            Order::Free | Order::Tail => Err(DeviceError::INVALID_VALUE),
            queue => Ok(queue),
        }
    }

    pub(super) fn create_stream(&self, caller: &Caller<'_>, place: u64, flags: u32) -> Outcome {
        if flags & !STREAM_FLAGS != 0 {
            return Err(DeviceError::INVALID_VALUE);
        }
        Self::put(caller, place, self.state.add_stream(caller.node())?)
    }

    pub(super) fn create_event(&self, caller: &Caller<'_>, place: u64, flags: u32) -> Outcome {
        if flags != EVENT_DISABLE_TIMING {
            return Err(DeviceError::INVALID_VALUE);
        }
        Self::put(caller, place, self.state.add_event(caller.node())?)
    }

    pub(super) fn record_event(&self, caller: &Caller<'_>, event: u64, stream: u64) -> Outcome {
        let queue = self.queue_of(caller, stream)?;
        let marker = Arc::new(Marker::default());
        self.state.set_marker(event, marker.clone())?;
        caller.add(queue, Child::Mark(marker));
        Ok(())
    }

    /// Makes what follows in a stream wait for the last record of an event; an event without one is nothing to wait for.
    pub(super) fn wait_for_event(&self, caller: &Caller<'_>, stream: u64, event: u64) -> Outcome {
        let queue = self.queue_of(caller, stream)?;
        if let Some(marker) = self.state.marker(event)? {
            caller.add(queue, Child::Wait(marker));
        }
        Ok(())
    }
}
