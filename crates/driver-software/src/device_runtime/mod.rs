//! The device runtime: what kernels ask of CUDA, launches of other kernels above all (CUDA C++ guide, dynamic parallelism).
//!
//! A kernel names another one by its address, gets a buffer for its parameters, and launches it into a stream. Streams and events of
//! kernels belong to the grid that makes them; their order is that of the engine's queues ([`simt::Order`]). A launch is
//! checked when its buffer is asked for, and compiled when it begins.
//!
//! Codes are those of the runtime API, which differ from the driver's in places; a thread's last error is kept until it asks.

mod error;
mod launch;
mod order;
mod query;
mod state;
mod transfer;

pub(crate) use state::DeviceState;

use crate::module::Module;
use error::DeviceError;
use simt::{Caller, DeviceRuntime};
use simt_ir::DeviceCall;
use std::sync::{Arc, Weak};

/// What the kernels of a module are answered by.
pub(crate) struct ModuleRuntime {
    /// The module, which has the kernels that refer to this.
    module: Weak<Module>,
    state: Arc<DeviceState>,
}

/// What came of a call.
type Outcome = Result<(), DeviceError>;

impl ModuleRuntime {
    pub(crate) fn new(module: &Arc<Module>) -> Arc<ModuleRuntime> {
        Arc::new(ModuleRuntime { module: Arc::downgrade(module), state: module.group.device_state.clone() })
    }

    /// The module.
    ///
    /// # Errors
    /// When it is gone, which no running kernel of it sees.
    fn module(&self) -> Result<Arc<Module>, DeviceError> {
        self.module.upgrade().ok_or(DeviceError::INVALID_DEVICE_FUNCTION)
    }

    fn dispatch(&self, caller: &Caller<'_>, call: DeviceCall, arguments: &[u64]) -> Outcome {
        match (call, arguments) {
            (DeviceCall::LaunchDevice, _) => self.launch(caller, arguments),
            (DeviceCall::LaunchDeviceV2, &[buffer, stream]) => self.launch_prepared(caller, buffer, stream),
            (DeviceCall::StreamCreateWithFlags, &[place, flags]) => self.create_stream(caller, place, flags as u32),
            (DeviceCall::StreamDestroy, &[stream]) => self.state.destroy_stream(stream),
            (DeviceCall::StreamWaitEvent, &[stream, event, _]) => self.wait_for_event(caller, stream, event),
            (DeviceCall::EventCreateWithFlags, &[place, flags]) => self.create_event(caller, place, flags as u32),
            (DeviceCall::EventRecord, &[event, stream]) | (DeviceCall::EventRecordWithFlags, &[event, stream, _]) => {
                self.record_event(caller, event, stream)
            }
            (DeviceCall::EventDestroy, &[event]) => self.state.destroy_event(event),
            (
                DeviceCall::MemcpyAsync
                | DeviceCall::Memcpy2DAsync
                | DeviceCall::Memcpy3DAsync
                | DeviceCall::MemsetAsync
                | DeviceCall::Memset2DAsync
                | DeviceCall::Memset3DAsync,
                _,
            ) => self.transfer(caller, call, arguments),
            _ => self.query(caller, call, arguments),
        }
    }

    /// Writes a value to where a thread wants it.
    fn put<T: Copy>(caller: &Caller<'_>, place: u64, value: T) -> Outcome {
        if place == 0 || !caller.is_accessible(place, size_of::<T>() as u64) {
            return Err(DeviceError::INVALID_VALUE);
        }
        // SAFETY: the place was just found to be memory that kernels may write to; it need not be aligned.
        unsafe { std::ptr::with_exposed_provenance_mut::<T>(place as usize).write_unaligned(value) };
        Ok(())
    }

    /// Reads a value that a thread refers to.
    fn get<T: Copy>(caller: &Caller<'_>, place: u64) -> Result<T, DeviceError> {
        if place == 0 || !caller.is_accessible(place, size_of::<T>() as u64) {
            return Err(DeviceError::INVALID_VALUE);
        }
        // SAFETY: the place was just found to be memory that kernels may read, and callers ask for plain numbers.
        Ok(unsafe { std::ptr::with_exposed_provenance::<T>(place as usize).read_unaligned() })
    }
}

impl DeviceRuntime for ModuleRuntime {
    fn call(&self, caller: &Caller<'_>, call: DeviceCall, arguments: &[u64]) -> u64 {
        match (call, arguments) {
            (DeviceCall::GetLastError, _) => self.state.take_error(caller),
            (DeviceCall::PeekAtLastError, _) => self.state.error(caller),
            (DeviceCall::GetErrorName, &[code]) => self.state.text(caller, error::name(code as u32)),
            (DeviceCall::GetErrorString, &[code]) => self.state.text(caller, error::description(code as u32)),
            (DeviceCall::GetParameterBuffer | DeviceCall::GetParameterBufferV2, _) => {
                let buffer = match call {
                    DeviceCall::GetParameterBuffer => self.plain_buffer(caller, arguments),
                    _ => self.buffer(caller, arguments),
                };
                buffer.unwrap_or_else(|code| {
                    self.state.set_error(caller, code);
                    0
                })
            }
            _ => match self.dispatch(caller, call, arguments) {
                Ok(()) => 0,
                Err(code) => {
                    self.state.set_error(caller, code);
                    code.number().into()
                }
            },
        }
    }

    fn grid_is_complete(&self, node: u64) {
        let buffers = self.state.forget(node);
        if let Some(module) = self.module.upgrade() {
            let heap = module.group.domain().parameter_buffers();
            buffers.into_iter().for_each(|address| {
                heap.free(address);
            });
        }
    }
}
