//! Functions of the API about devices.

use super::{BLOCK_MAX, GRID_MAX};
use crate::answer::{Answer, answer};
use crate::machine::Machine;
use core::ffi::{CStr, c_char};
use cuda_abi::*;
use device_model::PciAddress;
use driver_api::Driver;

/// Devices: the lowest area.
pub(crate) struct Devices;

/// Bytes of `.const` memory.
const CONSTANT_BYTES: i32 = 64 << 10;
/// Alignment of textures in bytes.
const TEXTURE_ALIGN: i32 = 512;

/// Copies text into a buffer of `length` bytes, cut off if need be, always with its end.
///
/// # Safety
/// `buffer` is null or has `length` bytes.
unsafe fn put_text(text: &str, buffer: *mut c_char, length: i32) -> Answer {
    let capacity = usize::try_from(length).unwrap_or(0);
    if buffer.is_null() || capacity == 0 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    let bytes = &text.as_bytes()[..text.len().min(capacity - 1)];
    // SAFETY: the caller's buffer has room for the bytes and a zero.
    unsafe {
        buffer.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len());
        buffer.add(bytes.len()).write(0);
    }
    Ok(())
}

impl Driver for Devices {
    fn next(&self) -> Option<&dyn Driver> {
        None
    }

    fn cuInit(&self, flags: u32) -> CUresult {
        answer(|| match flags {
            0 => Machine::initialise().map(|_| ()),
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuDeviceGetCount(&self, count: &mut i32) -> CUresult {
        answer(|| {
            *count = Machine::get()?.devices.len() as i32;
            Ok(())
        })
    }

    fn cuDeviceGet(&self, device: &mut CUdevice, ordinal: i32) -> CUresult {
        answer(|| {
            Machine::get()?.device(ordinal)?;
            *device = ordinal;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuDeviceGetName(&self, name: *mut c_char, len: i32, dev: CUdevice) -> CUresult {
        // SAFETY: the caller's promise.
        answer(|| unsafe { put_text(&Machine::get()?.device(dev)?.profile().name, name, len) })
    }

    fn cuDeviceGetUuid_v2(&self, uuid: &mut CUuuid, dev: CUdevice) -> CUresult {
        answer(|| {
            uuid.bytes = Machine::get()?.device(dev)?.model.uuid().0.map(|byte| byte as c_char);
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuDeviceGetLuid(&self, _luid: *mut c_char, _mask: &mut u32, dev: CUdevice) -> CUresult {
        // There are LUIDs on Windows only.
        answer(|| Machine::get()?.device(dev).and(Err(CUresult::CUDA_ERROR_NOT_SUPPORTED)))
    }

    fn cuDeviceTotalMem_v2(&self, bytes: &mut usize, dev: CUdevice) -> CUresult {
        answer(|| {
            *bytes = Machine::get()?.device(dev)?.budget.capacity() as usize;
            Ok(())
        })
    }

    fn cuDeviceGetAttribute(&self, value: &mut i32, attribute: CUdevice_attribute, dev: CUdevice) -> CUresult {
        answer(|| {
            let device = Machine::get()?.device(dev)?;
            let known = attribute.0 < CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX.0;
            let found = if known { device.model.attribute(attribute.0) } else { None };
            *value = found.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            Ok(())
        })
    }

    fn cuDeviceComputeCapability(&self, major: &mut i32, minor: &mut i32, dev: CUdevice) -> CUresult {
        answer(|| {
            let capability = Machine::get()?.device(dev)?.capability();
            (*major, *minor) = (capability.major as i32, capability.minor as i32);
            Ok(())
        })
    }

    fn cuDeviceGetProperties(&self, properties: &mut CUdevprop, dev: CUdevice) -> CUresult {
        answer(|| {
            let device = Machine::get()?.device(dev)?;
            let limits = device.limits();
            *properties = CUdevprop {
                maxThreadsPerBlock: limits.threads_per_block as i32,
                maxThreadsDim: BLOCK_MAX.map(|size| size as i32),
                maxGridSize: GRID_MAX.map(|size| size as i32),
                sharedMemPerBlock: limits.shared_per_block as i32,
                totalConstantMemory: CONSTANT_BYTES,
                SIMDWidth: limits.warp_threads as i32,
                memPitch: i32::MAX,
                regsPerBlock: limits.registers_per_block as i32,
                clockRate: device.profile().clock_khz as i32,
                textureAlign: TEXTURE_ALIGN,
            };
            Ok(())
        })
    }

    fn cuDeviceGetByPCIBusId(&self, dev: &mut CUdevice, address: &CStr) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            let wanted = address.to_str().ok().and_then(PciAddress::parse).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            let found = machine.devices.iter().position(|device| device.model.pci_address() == wanted);
            *dev = found.ok_or(CUresult::CUDA_ERROR_INVALID_DEVICE)? as CUdevice;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuDeviceGetPCIBusId(&self, address: *mut c_char, len: i32, dev: CUdevice) -> CUresult {
        // SAFETY: the caller's promise.
        answer(|| unsafe { put_text(&Machine::get()?.device(dev)?.model.pci_address().to_string(), address, len) })
    }

    fn cuDeviceCanAccessPeer(&self, can_access: &mut i32, dev: CUdevice, peer: CUdevice) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            let (device, peer) = (machine.device(dev)?, machine.device(peer)?);
            *can_access = i32::from(device.ordinal != peer.ordinal);
            Ok(())
        })
    }

    fn cuDeviceGetP2PAttribute(
        &self,
        value: &mut i32,
        attribute: CUdevice_P2PAttribute,
        source: CUdevice,
        destination: CUdevice,
    ) -> CUresult {
        answer(|| {
            let machine = Machine::get()?;
            if machine.device(source)?.ordinal == machine.device(destination)?.ordinal {
                return Err(CUresult::CUDA_ERROR_INVALID_DEVICE);
            }
            *value = match attribute {
                CUdevice_P2PAttribute::CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK => 0,
                CUdevice_P2PAttribute::CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED
                | CUdevice_P2PAttribute::CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED => 1,
                attribute if attribute.name().is_some() => 0,
                _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            };
            Ok(())
        })
    }

    fn cuDeviceGetExecAffinitySupport(&self, value: &mut i32, kind: CUexecAffinityType, dev: CUdevice) -> CUresult {
        answer(|| {
            Machine::get()?.device(dev)?;
            if kind.name().is_none() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            *value = 0;
            Ok(())
        })
    }

    fn cuDeviceGetTexture1DLinearMaxWidth(
        &self,
        width: &mut usize,
        format: CUarray_format,
        channels: u32,
        dev: CUdevice,
    ) -> CUresult {
        answer(|| {
            Machine::get()?.device(dev)?;
            if format.name().is_none() || !matches!(channels, 1 | 2 | 4) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            *width = 268_435_456;
            Ok(())
        })
    }

    fn cuProfilerStart(&self) -> CUresult {
        CUresult::CUDA_SUCCESS
    }

    fn cuProfilerStop(&self) -> CUresult {
        CUresult::CUDA_SUCCESS
    }
}
