//! What kernels ask about devices, limits and functions, and their allocations.

use super::error::DeviceError;
use super::{ModuleRuntime, Outcome};
use crate::machine::Machine;
use crate::module::Function;
use simt::Caller;
use simt_ir::DeviceCall;

/// What the device runtime says of its version; its interface is that of CUDA 6 still, and an H100 answers the same.
const VERSION: i32 = 6000;
/// `cudaSharedMemBankSizeFourByte`.
const SHARED_CONFIG: u32 = 1;

/// `cudaFuncAttributes`.
#[repr(C)]
#[derive(Clone, Copy)]
struct FunctionAttributes {
    shared_bytes: u64,
    constant_bytes: u64,
    local_bytes: u64,
    threads_max: i32,
    registers: i32,
    ptx_version: i32,
    binary_version: i32,
    cache_mode: i32,
    dynamic_shared_max: i32,
    carveout: i32,
    cluster: [i32; 4],
    scheduling_policy: i32,
    non_portable_cluster: i32,
    reserved: [i32; 16],
}

impl ModuleRuntime {
    pub(super) fn query(&self, caller: &Caller<'_>, call: DeviceCall, arguments: &[u64]) -> Outcome {
        let module = self.module()?;
        let device = module.group.device;
        match (call, arguments) {
            (DeviceCall::GetDevice, &[place]) => Self::put(caller, place, device.ordinal as i32),
            (DeviceCall::GetDeviceCount, &[place]) => Self::put(caller, place, device_count() as i32),
            (DeviceCall::RuntimeGetVersion, &[place]) => Self::put(caller, place, VERSION),
            (DeviceCall::DeviceGetCacheConfig, &[place]) => Self::put(caller, place, 0u32),
            (DeviceCall::DeviceGetSharedMemConfig, &[place]) => Self::put(caller, place, SHARED_CONFIG),
            (DeviceCall::DeviceGetAttribute, &[place, attribute, ordinal]) => {
                let devices = Machine::get().map(|machine| machine.devices.as_slice()).unwrap_or_default();
                let device = devices.get(ordinal as u32 as usize).ok_or(DeviceError::INVALID_DEVICE)?;
                let value = device.model.attribute(attribute as u32).ok_or(DeviceError::INVALID_VALUE)?;
                Self::put(caller, place, value)
            }
            (DeviceCall::DeviceGetLimit, &[place, limit]) => {
                let value = match limit as u32 {
                    0 => u64::from(module.group.stack_bytes()),
                    1 => caller.domain().output().limit(),
                    2 => caller.domain().heap().bytes(),
                    3 => return Err(DeviceError::UNSUPPORTED_LIMIT),
                    4 => self.state.pending_max() as u64,
                    5 => 64,
                    _ => return Err(DeviceError::INVALID_VALUE),
                };
                Self::put(caller, place, value)
            }
            (DeviceCall::Malloc, &[place, bytes]) => {
                let address = caller.domain().heap().allocate(bytes);
                Self::put(caller, place, address)?;
                if address == 0 && bytes != 0 { Err(DeviceError::MEMORY_ALLOCATION) } else { Ok(()) }
            }
            (DeviceCall::Free, &[address]) => match caller.domain().heap().free(address) {
                true => Ok(()),
                false => Err(DeviceError::INVALID_VALUE),
            },
            (DeviceCall::FuncGetAttributes, &[place, function]) => {
                Self::put(caller, place, attributes_of(&*self.function(function)?)?)
            }
            (
                DeviceCall::OccupancyMaxActiveBlocksPerMultiprocessor
                | DeviceCall::OccupancyMaxActiveBlocksPerMultiprocessorWithFlags,
                &[place, function, threads, shared, ..],
            ) => {
                let function = self.function(function)?;
                let resources = function.occupancy_resources().map_err(|_| DeviceError::INVALID_DEVICE_FUNCTION)?;
                let occupancy = device.limits().occupancy(&resources, threads as u32, shared);
                Self::put(caller, place, occupancy.active_blocks as i32)
            }
            _ => Err(DeviceError::NOT_SUPPORTED),
        }
    }
}

fn device_count() -> usize {
    Machine::get().map_or(0, |machine| machine.devices.len())
}

fn attributes_of(function: &Function) -> Result<FunctionAttributes, DeviceError> {
    let known = |value: crate::answer::Answer<i32>| value.map_err(|_| DeviceError::INVALID_DEVICE_FUNCTION);
    use cuda_abi::CUfunction_attribute as Attribute;
    let attribute = |attribute| known(function.attribute(attribute));
    Ok(FunctionAttributes {
        shared_bytes: attribute(Attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)? as u64,
        constant_bytes: attribute(Attribute::CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES)? as u64,
        local_bytes: attribute(Attribute::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES)? as u64,
        threads_max: attribute(Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
        registers: attribute(Attribute::CU_FUNC_ATTRIBUTE_NUM_REGS)?,
        ptx_version: attribute(Attribute::CU_FUNC_ATTRIBUTE_PTX_VERSION)?,
        binary_version: attribute(Attribute::CU_FUNC_ATTRIBUTE_BINARY_VERSION)?,
        cache_mode: 0,
        dynamic_shared_max: attribute(Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)?,
        carveout: attribute(Attribute::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT)?,
        cluster: [
            attribute(Attribute::CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET)?,
            attribute(Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH)?,
            attribute(Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT)?,
            attribute(Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH)?,
        ],
        scheduling_policy: attribute(Attribute::CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE)?,
        non_portable_cluster: attribute(Attribute::CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED)?,
        reserved: [0; 16],
    })
}
