//! Launches by kernels.

use super::error::DeviceError;
use super::state::Buffer;
use super::{ModuleRuntime, Outcome};
use crate::launch::Request;
use crate::module::Function;
use simt::{Caller, Child, ChildLaunch, FaultKind, PARAMETER_BYTES_MAX};
use std::sync::Arc;

/// The three numbers of a size, as they are passed: two in 64 bits, then one.
fn size(low: u64, high: u64) -> [u32; 3] {
    [low as u32, (low >> 32) as u32, high as u32]
}

impl ModuleRuntime {
    /// The kernel with an address.
    fn kernel(&self, address: u64) -> Result<Arc<Function>, DeviceError> {
        self.module()?.child(address).map_err(|_| DeviceError::INVALID_DEVICE_FUNCTION)
    }

    /// The kernel of an address, as a query names it.
    pub(super) fn function(&self, address: u64) -> Result<Arc<Function>, DeviceError> {
        self.kernel(address)
    }

    /// `cudaGetParameterBufferV2(function, grid, block, shared memory)`: checks the launch and makes room for its parameters.
    pub(super) fn buffer(&self, caller: &Caller<'_>, arguments: &[u64]) -> Result<u64, DeviceError> {
        let &[function, grid, grid_z, block, block_z, shared] = arguments else {
            return Err(DeviceError::INVALID_VALUE);
        };
        let function = self.kernel(function)?;
        let request = self.checked(caller, &function, size(grid, grid_z), size(block, block_z), shared as u32)?;
        let bytes = function.info.parameter_bytes.into();
        self.state.add_buffer(caller, Buffer { node: caller.node(), bytes, launch: Some((function, request)) })
    }

    /// `cudaGetParameterBuffer(alignment, size)`: room for parameters of a launch that is described later.
    pub(super) fn plain_buffer(&self, caller: &Caller<'_>, arguments: &[u64]) -> Result<u64, DeviceError> {
        match arguments {
            &[_, bytes] if bytes <= PARAMETER_BYTES_MAX as u64 => {
                self.state.add_buffer(caller, Buffer { node: caller.node(), bytes, launch: None })
            }
            _ => Err(DeviceError::INVALID_VALUE),
        }
    }

    /// `cudaLaunchDeviceV2(buffer, stream)`.
    pub(super) fn launch_prepared(&self, caller: &Caller<'_>, buffer: u64, stream: u64) -> Outcome {
        let (buffer, parameters) = self.state.take_buffer(caller, buffer).ok_or(DeviceError::INVALID_VALUE)?;
        let (function, request) = buffer.launch.ok_or(DeviceError::INVALID_VALUE)?;
        self.append(caller, function, request, parameters, stream)
    }

    /// `cudaLaunchDevice(function, buffer, grid, block, shared memory, stream)`.
    pub(super) fn launch(&self, caller: &Caller<'_>, arguments: &[u64]) -> Outcome {
        let &[function, buffer, grid, grid_z, block, block_z, shared, stream] = arguments else {
            return Err(DeviceError::INVALID_VALUE);
        };
        let taken = self.state.take_buffer(caller, buffer);
        let function = self.kernel(function)?;
        let request = self.checked(caller, &function, size(grid, grid_z), size(block, block_z), shared as u32)?;
        let needed = function.info.parameter_bytes as usize;
        let mut parameters = match (taken, needed) {
            (Some((_, contents)), _) => contents,
            // A kernel without parameters needs no buffer.
            (None, 0) if buffer == 0 => Vec::new(),
            (None, _) => return Err(DeviceError::INVALID_VALUE),
        };
        parameters.resize(needed, 0);
        self.append(caller, function, request, parameters, stream)
    }

    /// Checks the shape of a launch, and that there is room for one more.
    fn checked(
        &self,
        caller: &Caller<'_>,
        function: &Function,
        grid: [u32; 3],
        block: [u32; 3],
        dynamic_shared: u32,
    ) -> Result<Request, DeviceError> {
        let request = Request { grid, block, dynamic_shared, cooperative: false, cluster: None };
        request.check(function).map_err(|_| DeviceError::INVALID_CONFIGURATION)?;
        if !caller.wait_for_room(self.state.pending_limit()) {
            return Err(DeviceError::LAUNCH_PENDING_COUNT_EXCEEDED);
        }
        Ok(request)
    }

    fn append(
        &self,
        caller: &Caller<'_>,
        function: Arc<Function>,
        request: Request,
        parameters: Vec<u8>,
        stream: u64,
    ) -> Outcome {
        let order = self.order_of(caller, stream)?;
        let domain = caller.domain().clone();
        // Compiling may take long, and would keep the grid that launches from going on.
        let job = move || {
            let group = &function.module.group;
            let host_memory = group.machine().arena().wants_every_address_tested();
            match request.approve(&function, host_memory) {
                Ok(launch) => Some(ChildLaunch { launch, stack_bytes: group.stack_bytes(), parameters }),
                Err(code) => {
                    let text = format!("a kernel launched it, and it cannot run: {}", code.name().unwrap_or("?"));
                    domain.fail(FaultKind::Internal, &function.info.name, text);
                    None
                }
            }
        };
        caller.add(order, Child::Job(Box::new(job)));
        Ok(())
    }
}
