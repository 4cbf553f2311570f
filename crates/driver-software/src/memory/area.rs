//! Functions of the API that allocate and free.

use super::{Info, Kind, ManagedRanges};
use crate::answer::{Answer, answer};
use crate::context::{Context, current};
use crate::machine::Machine;
use core::ffi::c_void;
use core::ptr;
use cuda_abi::*;
use driver_api::Driver;
use std::sync::Arc;

/// Allocations.
pub(crate) struct Memories;

/// Rows of pitched memory begin at multiples of this.
const PITCH: usize = 512;

/// Allocates in the current context.
fn allocate(bytes: usize, kind: Kind) -> Answer<u64> {
    let (machine, context) = (Machine::get()?, current()?);
    if bytes == 0 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    let owner = (context.id, context.handle());
    machine.allocations.allocate(machine, context.device, owner, bytes as u64, kind)
}

/// Frees an allocation that `wanted` says is of the right kind. Waits for the work of its context first, as CUDA does.
fn free(base: u64, wanted: impl FnOnce(&Info) -> bool) -> Answer {
    let (machine, context) = (Machine::get()?, current()?);
    let info = machine.allocations.take(base, wanted).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
    let owner: Arc<Context> = match info.context_id == context.id {
        true => context,
        false => machine.objects.get(info.context_handle).unwrap_or(context),
    };
    if !owner.streams.is_idle() {
        owner.streams.synchronize();
    }
    machine.allocations.release(machine, &info);
    owner.check()
}

/// Whether the program has a page at each address of a range.
fn is_mapped(address: u64, bytes: u64) -> bool {
    const PAGE: u64 = 4096;
    const PAGES_AT_A_TIME: u64 = 1 << 16;
    let (mut page, Some(end)) = (address & !(PAGE - 1), address.checked_add(bytes)) else { return false };
    let mut residency = vec![0u8; PAGES_AT_A_TIME.min(bytes / PAGE + 2) as usize];
    while page < end {
        let count = (end - page).div_ceil(PAGE).min(residency.len() as u64);
        // SAFETY: only asks; the vector has a byte for each page.
        let status = unsafe { libc::mincore(page as *mut c_void, (count * PAGE) as usize, residency.as_mut_ptr()) };
        if status != 0 {
            return false;
        }
        page += count * PAGE;
    }
    true
}

fn host_info(pointer: *mut c_void) -> Answer<Info> {
    current()?;
    let info = Machine::get()?.allocations.find(pointer.addr() as u64);
    info.filter(|info| info.kind.is_host()).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
}

impl Driver for Memories {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&ManagedRanges)
    }

    fn cuMemAlloc_v2(&self, pointer: &mut CUdeviceptr, bytes: usize) -> CUresult {
        answer(|| {
            // Also when there is an error: the runtime library takes an allocation of nothing for a null pointer.
            *pointer = 0;
            *pointer = allocate(bytes, Kind::Device)?;
            Ok(())
        })
    }

    fn cuMemAllocPitch_v2(
        &self,
        pointer: &mut CUdeviceptr,
        pitch: &mut usize,
        width: usize,
        height: usize,
        element: u32,
    ) -> CUresult {
        answer(|| {
            if width == 0 || height == 0 || !matches!(element, 4 | 8 | 16) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            let row = width.checked_next_multiple_of(PITCH).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            let bytes = row.checked_mul(height).ok_or(CUresult::CUDA_ERROR_OUT_OF_MEMORY)?;
            *pointer = allocate(bytes, Kind::Device)?;
            *pitch = row;
            Ok(())
        })
    }

    fn cuMemAllocManaged(&self, pointer: &mut CUdeviceptr, bytes: usize, flags: u32) -> CUresult {
        answer(|| {
            if !matches!(flags, 1 | 2) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            *pointer = allocate(bytes, Kind::Managed)?;
            Ok(())
        })
    }

    fn cuMemFree_v2(&self, pointer: CUdeviceptr) -> CUresult {
        answer(|| {
            if pointer == 0 {
                return Ok(());
            }
            free(pointer, |info| matches!(info.kind, Kind::Device | Kind::Managed | Kind::Pooled(_)))
        })
    }

    fn cuMemGetInfo_v2(&self, free: Option<&mut usize>, total: Option<&mut usize>) -> CUresult {
        answer(|| {
            let context = current()?;
            if let Some(free) = free {
                *free = context.device.budget.free_bytes() as usize;
            }
            if let Some(total) = total {
                *total = context.device.budget.capacity() as usize;
            }
            Ok(())
        })
    }

    fn cuMemGetAddressRange_v2(
        &self,
        base: Option<&mut CUdeviceptr>,
        size: Option<&mut usize>,
        pointer: CUdeviceptr,
    ) -> CUresult {
        answer(|| {
            current()?;
            let info = Machine::get()?.allocations.find(pointer).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
            if let Some(base) = base {
                *base = info.base;
            }
            if let Some(size) = size {
                *size = info.bytes as usize;
            }
            Ok(())
        })
    }

    fn cuMemAllocHost_v2(&self, pointer: &mut *mut c_void, bytes: usize) -> CUresult {
        self.cuMemHostAlloc(pointer, bytes, 0)
    }

    fn cuMemHostAlloc(&self, pointer: &mut *mut c_void, bytes: usize, flags: u32) -> CUresult {
        answer(|| {
            let known = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
            if flags & !known != 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            if bytes == 0 {
                *pointer = ptr::null_mut();
                return current().map(|_| ());
            }
            // With a unified address space all of it is mapped and portable.
            let flags = flags | CU_MEMHOSTALLOC_DEVICEMAP;
            *pointer = ptr::with_exposed_provenance_mut(allocate(bytes, Kind::Host(flags))? as usize);
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemFreeHost(&self, pointer: *mut c_void) -> CUresult {
        answer(|| match pointer.is_null() {
            true => Ok(()),
            false => free(pointer.addr() as u64, |info| matches!(info.kind, Kind::Host(_))),
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemHostGetDevicePointer_v2(
        &self,
        device_pointer: &mut CUdeviceptr,
        pointer: *mut c_void,
        flags: u32,
    ) -> CUresult {
        answer(|| {
            host_info(pointer)?;
            if flags != 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            *device_pointer = pointer.expose_provenance() as CUdeviceptr;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemHostGetFlags(&self, flags: &mut u32, pointer: *mut c_void) -> CUresult {
        answer(|| match host_info(pointer)?.kind {
            Kind::Host(set) | Kind::Registered(set) => {
                *flags = set | CU_MEMHOSTALLOC_DEVICEMAP;
                Ok(())
            }
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemHostRegister_v2(&self, pointer: *mut c_void, bytes: usize, flags: u32) -> CUresult {
        answer(|| {
            let (machine, context) = (Machine::get()?, current()?);
            let known = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP | CU_MEMHOSTREGISTER_READ_ONLY;
            let (address, bytes) = (pointer.expose_provenance() as u64, bytes as u64);
            if flags & CU_MEMHOSTREGISTER_IOMEMORY != 0 {
                return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
            }
            if address == 0 || bytes == 0 || flags & !known != 0 || !is_mapped(address, bytes) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            if !machine.arena().register_host(address, bytes) {
                return Err(CUresult::CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
            }
            let owner = (context.id, context.handle());
            machine.allocations.add(address, bytes, Kind::Registered(flags), owner, context.device.ordinal);
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemHostUnregister(&self, pointer: *mut c_void) -> CUresult {
        answer(|| {
            let address = pointer.addr() as u64;
            let info = Machine::get()?.allocations.find(address);
            if address == 0 || info.as_ref().is_some_and(|info| info.base != address) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            match info.map(|info| info.kind) {
                Some(Kind::Registered(_)) => free(address, |info| matches!(info.kind, Kind::Registered(_))),
                _ => current().and(Err(CUresult::CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED)),
            }
        })
    }
}
