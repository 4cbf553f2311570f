//! What the kernels of a context have made and not given back.

use super::Outcome;
use super::error::DeviceError;
use crate::launch::Request;
use crate::lock_order::{Lock, Order};
use crate::module::Function;
use core::ffi::CStr;
use simt::{Caller, Marker};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Launches that may wait for their turn, unless a program asks for more. Cards keep 2048, and their launches take longer.
const PENDING_MIN: usize = 1 << 16;
/// Threads whose last error is kept.
const ERRORS_MAX: usize = 1 << 20;
/// Streams and events that kernels may have.
const HANDLES_MAX: usize = 1 << 20;
/// The first handle: smaller numbers are streams without one.
const HANDLE_FIRST: u64 = 0x1000;

/// The state of a context's device runtime.
pub(crate) struct DeviceState {
    state: Lock<State>,
    /// Launches that may wait for their turn, as the program set it.
    pending_max: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Last errors, by grid, block and thread.
    errors: HashMap<(u64, u64, u32), DeviceError>,
    /// Parameter buffers by address.
    buffers: HashMap<u64, Buffer>,
    /// The grids of streams.
    streams: HashMap<u64, u64>,
    events: HashMap<u64, Event>,
    /// Handles that were ever made.
    handles: u64,
    /// Addresses of texts.
    texts: HashMap<&'static CStr, u64>,
}

/// A buffer for the parameters of a launch.
pub(super) struct Buffer {
    /// The grid that asked for it.
    pub(super) node: u64,
    /// Its size.
    pub(super) bytes: u64,
    /// What is to be launched, where that is known.
    pub(super) launch: Option<(Arc<Function>, Request)>,
}

struct Event {
    node: u64,
    /// Its last record.
    marker: Option<Arc<Marker>>,
}

impl Default for DeviceState {
    fn default() -> Self {
        Self { state: Lock::new(Order::DeviceRuntime, State::default()), pending_max: AtomicUsize::new(2048) }
    }
}

fn thread_of(caller: &Caller<'_>) -> (u64, u64, u32) {
    (caller.node(), caller.block(), caller.thread())
}

impl DeviceState {
    /// The limit that the program sees.
    pub(crate) fn pending_max(&self) -> usize {
        self.pending_max.load(Ordering::Relaxed)
    }

    pub(crate) fn set_pending_max(&self, count: usize) {
        self.pending_max.store(count, Ordering::Relaxed);
    }

    /// Launches that may wait for their turn.
    pub(super) fn pending_limit(&self) -> usize {
        self.pending_max().max(PENDING_MIN)
    }

    /// The last error of a thread.
    pub(super) fn error(&self, caller: &Caller<'_>) -> u64 {
        let code = self.state.lock().errors.get(&thread_of(caller)).copied();
        code.map_or(0, |code| code.number().into())
    }

    /// The last error of a thread, which is forgotten.
    pub(super) fn take_error(&self, caller: &Caller<'_>) -> u64 {
        let code = self.state.lock().errors.remove(&thread_of(caller));
        code.map_or(0, |code| code.number().into())
    }

    pub(super) fn set_error(&self, caller: &Caller<'_>, code: DeviceError) {
        let mut state = self.state.lock();
        if state.errors.len() < ERRORS_MAX {
            state.errors.insert(thread_of(caller), code);
        }
    }

    /// The address of a text, in memory that kernels read.
    pub(super) fn text(&self, caller: &Caller<'_>, text: &'static CStr) -> u64 {
        let mut state = self.state.lock();
        if let Some(address) = state.texts.get(text) {
            return *address;
        }
        let bytes = text.to_bytes_with_nul();
        let address = caller.domain().parameter_buffers().allocate(bytes.len() as u64);
        if address != 0 {
            let place = std::ptr::with_exposed_provenance_mut::<u8>(address as usize);
            // SAFETY: the memory was just allocated with this size.
            unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            state.texts.insert(text, address);
        }
        address
    }

    /// Makes a buffer for parameters; its address.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn add_buffer(&self, caller: &Caller<'_>, buffer: Buffer) -> Result<u64, DeviceError> {
        let address = caller.domain().parameter_buffers().allocate(buffer.bytes.max(1));
        if address == 0 {
            return Err(DeviceError::LAUNCH_OUT_OF_RESOURCES);
        }
        self.state.lock().buffers.insert(address, buffer);
        Ok(address)
    }

    /// Takes a buffer away: what it was for, and its contents.
    pub(super) fn take_buffer(&self, caller: &Caller<'_>, address: u64) -> Option<(Buffer, Vec<u8>)> {
        let buffer = self.state.lock().buffers.remove(&address)?;
        let start = std::ptr::with_exposed_provenance::<u8>(address as usize);
        // SAFETY: the buffer has so many bytes, and lives until it is freed below.
        let contents = unsafe { std::slice::from_raw_parts(start, buffer.bytes as usize) }.to_vec();
        caller.domain().parameter_buffers().free(address);
        Some((buffer, contents))
    }

    /// Makes a stream of a grid.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add_stream(&self, node: u64) -> Result<u64, DeviceError> {
        let mut state = self.state.lock();
        let handle = state.new_handle()?;
        state.streams.insert(handle, node);
        Ok(handle)
    }

    /// Whether a handle is that of a stream.
    pub(super) fn has_stream(&self, handle: u64) -> bool {
        self.state.lock().streams.contains_key(&handle)
    }

    pub(super) fn destroy_stream(&self, handle: u64) -> Outcome {
        self.state.lock().streams.remove(&handle).map(|_| ()).ok_or(DeviceError::INVALID_VALUE)
    }

    /// Makes an event of a grid.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add_event(&self, node: u64) -> Result<u64, DeviceError> {
        let mut state = self.state.lock();
        let handle = state.new_handle()?;
        state.events.insert(handle, Event { node, marker: None });
        Ok(handle)
    }

    /// The last record of an event, if it has one.
    pub(super) fn marker(&self, event: u64) -> Result<Option<Arc<Marker>>, DeviceError> {
        let state = self.state.lock();
        state.events.get(&event).map(|event| event.marker.clone()).ok_or(DeviceError::INVALID_VALUE)
    }

    pub(super) fn set_marker(&self, event: u64, marker: Arc<Marker>) -> Outcome {
        let mut state = self.state.lock();
        state.events.get_mut(&event).ok_or(DeviceError::INVALID_VALUE)?.marker = Some(marker);
        Ok(())
    }

    pub(super) fn destroy_event(&self, handle: u64) -> Outcome {
        self.state.lock().events.remove(&handle).map(|_| ()).ok_or(DeviceError::INVALID_VALUE)
    }

    /// Forgets what belonged to a grid; the buffers that it asked for and did not launch.
    pub(super) fn forget(&self, node: u64) -> Vec<u64> {
        let mut state = self.state.lock();
        // Most grids leave nothing, and there may be many.
        if !state.errors.is_empty() {
            state.errors.retain(|(of, _, _), _| *of != node);
        }
        if !state.streams.is_empty() {
            state.streams.retain(|_, of| *of != node);
        }
        if !state.events.is_empty() {
            state.events.retain(|_, event| event.node != node);
        }
        if state.buffers.is_empty() {
            return Vec::new();
        }
        state.buffers.extract_if(|_, buffer| buffer.node == node).map(|(address, _)| address).collect()
    }
}

impl State {
    fn new_handle(&mut self) -> Result<u64, DeviceError> {
        if self.streams.len() + self.events.len() >= HANDLES_MAX {
            return Err(DeviceError::MEMORY_ALLOCATION);
        }
        self.handles += 1;
        Ok(HANDLE_FIRST + self.handles)
    }
}
