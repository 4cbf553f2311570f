//! Memory pools, and allocation in the order of a stream.
//!
//! Memory of a pool is there as soon as it is asked for, and goes when the stream that freed it comes to that point.

use super::Pointers;
use super::table::Kind;
use crate::answer::{Answer, answer, out_of_memory};
use crate::device::Device;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::stream::Stream;
use core::ffi::c_void;
use cuda_abi::*;
use driver_api::Driver;
use simt::arena::Purpose;
use std::sync::Arc;

/// What a pool counts and keeps.
#[derive(Clone, Copy, Debug)]
struct State {
    used: u64,
    used_high: u64,
    release_threshold: u64,
    /// The three switches of reuse, which change nothing here.
    reuse: [i32; 3],
}

/// A memory pool.
#[derive(Debug)]
pub(crate) struct Pool {
    device: usize,
    /// Most bytes in use; 0 for no limit but the device's.
    bytes_max: u64,
    is_default: bool,
    state: Lock<State>,
}

impl Pool {
    fn new(device: usize, bytes_max: u64, is_default: bool) -> Pool {
        let state = State { used: 0, used_high: 0, release_threshold: 0, reuse: [1; 3] };
        Pool { device, bytes_max, is_default, state: Lock::new(Order::Pool, state) }
    }

    fn named(handle: CUmemoryPool) -> Answer<Arc<Pool>> {
        Machine::get()?.objects.get(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
    }

    fn charge(&self, bytes: u64) -> Answer {
        let mut state = self.state.lock();
        let used = state.used + bytes;
        if self.bytes_max != 0 && used > self.bytes_max {
            return Err(CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        }
        state.used = used;
        state.used_high = state.used_high.max(used);
        Ok(())
    }

    fn refund(&self, bytes: u64) {
        self.state.lock().used -= bytes;
    }
}

/// Memory pools.
pub(crate) struct Pools;

/// The pool that a device came with, and its handle.
fn default_pool(device: &'static Device) -> Answer<(usize, Arc<Pool>)> {
    if let Some((handle, pool)) = device.default_pool.get() {
        return Ok((*handle, pool.clone()));
    }
    let pool = Arc::new(Pool::new(device.ordinal, 0, true));
    let handle = Machine::get()?.objects.insert(pool.clone())?;
    // Two threads may come here at the same time; the handle of the second is never given out.
    let (handle, pool) = device.default_pool.get_or_init(|| (handle, pool));
    Ok((*handle, pool.clone()))
}

/// The pool that `cuMemAllocAsync` takes from, and its handle.
fn current_pool(device: &'static Device) -> Answer<(usize, Arc<Pool>)> {
    let chosen = *device.current_pool.lock();
    match chosen.and_then(|handle| Machine::get().ok()?.objects.get(handle).map(|pool| (handle, pool))) {
        Some(pool) => Ok(pool),
        None => default_pool(device),
    }
}

/// The device of a location.
fn device_at(location: &CUmemLocation) -> Answer<&'static Device> {
    match location.type_ {
        CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE => Machine::get()?.device(location.id),
        CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST
        | CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST_NUMA
        | CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT => Err(CUresult::CUDA_ERROR_NOT_SUPPORTED),
        _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
}

fn check_type(kind: CUmemAllocationType) -> Answer {
    match kind {
        CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED => Ok(()),
        CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_MANAGED => Err(CUresult::CUDA_ERROR_NOT_SUPPORTED),
        _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
}

/// Allocates from a pool for a stream.
fn allocate(bytes: usize, pool: &(usize, Arc<Pool>), stream: &Stream) -> Answer<CUdeviceptr> {
    let machine = Machine::get()?;
    let ((handle, pool), size) = (pool, bytes as u64);
    if bytes == 0 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    pool.charge(size)?;
    let device = machine.device(pool.device as CUdevice)?;
    let base = machine.arena().allocate(size, Purpose::Device, Some(&device.budget)).map_err(|error| {
        pool.refund(size);
        out_of_memory(error)
    })?;
    let owner = (stream.group.context_id(), stream.group.context_handle());
    machine.allocations.add(base, size, Kind::Pooled(*handle), owner, pool.device);
    Ok(base)
}

/// Writes an attribute of a pool.
///
/// # Safety
/// `value` has room for it.
unsafe fn get_attribute(pool: &Pool, attribute: CUmemPool_attribute, value: *mut c_void) -> Answer {
    let state = *pool.state.lock();
    let long = match attribute {
        CUmemPool_attribute::CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES
        | CUmemPool_attribute::CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC
        | CUmemPool_attribute::CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES => {
            // SAFETY: the caller passes an int.
            unsafe { value.cast::<i32>().write_unaligned(state.reuse[attribute.0 as usize - 1]) };
            return Ok(());
        }
        CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD => state.release_threshold,
        CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT
        | CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT => state.used,
        CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH | CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH => {
            state.used_high
        }
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    };
    // SAFETY: the caller passes a 64-bit number.
    unsafe { value.cast::<u64>().write_unaligned(long) };
    Ok(())
}

/// Sets an attribute of a pool.
///
/// # Safety
/// `value` holds it.
unsafe fn set_attribute(pool: &Pool, attribute: CUmemPool_attribute, value: *const c_void) -> Answer {
    let mut state = pool.state.lock();
    match attribute {
        CUmemPool_attribute::CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES
        | CUmemPool_attribute::CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC
        | CUmemPool_attribute::CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES => {
            // SAFETY: the caller passes an int.
            state.reuse[attribute.0 as usize - 1] = unsafe { value.cast::<i32>().read_unaligned() };
        }
        CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD => {
            // SAFETY: the caller passes a 64-bit number.
            state.release_threshold = unsafe { value.cast::<u64>().read_unaligned() };
        }
        CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH | CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH => {
            // SAFETY: the caller passes a 64-bit number. Only zero, for a new start, is allowed.
            if unsafe { value.cast::<u64>().read_unaligned() } != 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            state.used_high = state.used;
        }
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
    Ok(())
}

impl Driver for Pools {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Pointers)
    }

    fn cuMemAllocAsync(&self, pointer: &mut CUdeviceptr, bytes: usize, stream: CUstream) -> CUresult {
        answer(|| {
            let stream = Stream::named(stream)?;
            *pointer = allocate(bytes, &current_pool(stream.group.device)?, &stream)?;
            Ok(())
        })
    }

    fn cuMemAllocFromPoolAsync(
        &self,
        pointer: &mut CUdeviceptr,
        bytes: usize,
        pool: CUmemoryPool,
        stream: CUstream,
    ) -> CUresult {
        answer(|| {
            let stream = Stream::named(stream)?;
            *pointer = allocate(bytes, &(pool.addr(), Pool::named(pool)?), &stream)?;
            Ok(())
        })
    }

    fn cuMemFreeAsync(&self, pointer: CUdeviceptr, stream: CUstream) -> CUresult {
        answer(|| {
            let (machine, stream) = (Machine::get()?, Stream::named(stream)?);
            if pointer == 0 {
                return Ok(());
            }
            let wanted = |kind| matches!(kind, Kind::Device | Kind::Pooled(_));
            let taken = machine.allocations.take(pointer, |info| wanted(info.kind));
            let info = taken.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            let pool: Option<Arc<Pool>> = match info.kind {
                Kind::Pooled(handle) => machine.objects.get(handle),
                _ => None,
            };
            stream.order();
            stream.queue.operation(move || {
                machine.allocations.release(machine, &info);
                if let Some(pool) = pool {
                    pool.refund(info.bytes);
                }
            });
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemPoolCreate(&self, pool: &mut CUmemoryPool, properties: &CUmemPoolProps) -> CUresult {
        answer(|| {
            check_type(properties.allocType)?;
            let device = device_at(&properties.location)?;
            if properties.handleTypes != CUmemAllocationHandleType::CU_MEM_HANDLE_TYPE_NONE {
                return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
            }
            let made = Pool::new(device.ordinal, properties.maxSize as u64, false);
            *pool = CUmemoryPool::from_addr(Machine::get()?.objects.insert(Arc::new(made))?);
            Ok(())
        })
    }

    fn cuMemPoolDestroy(&self, pool: CUmemoryPool) -> CUresult {
        answer(|| {
            if Pool::named(pool)?.is_default {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // What was allocated from it stays until it is freed.
            Machine::get()?.objects.remove::<Pool>(pool.addr());
            Ok(())
        })
    }

    fn cuMemPoolTrimTo(&self, pool: CUmemoryPool, _bytes_to_keep: usize) -> CUresult {
        // Nothing is kept for a pool that is not in use.
        answer(|| Pool::named(pool).map(|_| ()))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemPoolGetAttribute(
        &self,
        pool: CUmemoryPool,
        attribute: CUmemPool_attribute,
        value: *mut c_void,
    ) -> CUresult {
        answer(|| {
            let pool = Pool::named(pool)?;
            if value.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the caller's promise.
            unsafe { get_attribute(&pool, attribute, value) }
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemPoolSetAttribute(
        &self,
        pool: CUmemoryPool,
        attribute: CUmemPool_attribute,
        value: *mut c_void,
    ) -> CUresult {
        answer(|| {
            let pool = Pool::named(pool)?;
            if value.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the caller's promise.
            unsafe { set_attribute(&pool, attribute, value) }
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemPoolSetAccess(
        &self,
        pool: CUmemoryPool,
        accesses: *const CUmemAccessDesc,
        count: usize,
    ) -> CUresult {
        answer(|| {
            let pool = Pool::named(pool)?;
            if accesses.is_null() || count == 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the caller's array has so many entries.
            for access in unsafe { std::slice::from_raw_parts(accesses, count) } {
                let device = device_at(&access.location)?;
                // All devices reach all memory; a device's access to its own cannot be taken away.
                if device.ordinal == pool.device && access.flags.0 != 3 {
                    return Err(CUresult::CUDA_ERROR_INVALID_DEVICE);
                }
            }
            Ok(())
        })
    }

    fn cuMemPoolGetAccess(
        &self,
        flags: &mut CUmemAccess_flags,
        pool: CUmemoryPool,
        location: &CUmemLocation,
    ) -> CUresult {
        answer(|| {
            Pool::named(pool)?;
            device_at(location)?;
            *flags = CUmemAccess_flags::CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
            Ok(())
        })
    }

    fn cuDeviceGetDefaultMemPool(&self, pool: &mut CUmemoryPool, device: CUdevice) -> CUresult {
        answer(|| {
            *pool = CUmemoryPool::from_addr(default_pool(Machine::get()?.device(device)?)?.0);
            Ok(())
        })
    }

    fn cuDeviceGetMemPool(&self, pool: &mut CUmemoryPool, device: CUdevice) -> CUresult {
        answer(|| {
            *pool = CUmemoryPool::from_addr(current_pool(Machine::get()?.device(device)?)?.0);
            Ok(())
        })
    }

    fn cuDeviceSetMemPool(&self, device: CUdevice, pool: CUmemoryPool) -> CUresult {
        answer(|| {
            let device = Machine::get()?.device(device)?;
            if Pool::named(pool)?.device != device.ordinal {
                return Err(CUresult::CUDA_ERROR_INVALID_DEVICE);
            }
            *device.current_pool.lock() = Some(pool.addr());
            Ok(())
        })
    }

    fn cuMemGetDefaultMemPool(
        &self,
        pool: &mut CUmemoryPool,
        location: &CUmemLocation,
        kind: CUmemAllocationType,
    ) -> CUresult {
        answer(|| {
            check_type(kind)?;
            *pool = CUmemoryPool::from_addr(default_pool(device_at(location)?)?.0);
            Ok(())
        })
    }

    fn cuMemGetMemPool(
        &self,
        pool: &mut CUmemoryPool,
        location: &CUmemLocation,
        kind: CUmemAllocationType,
    ) -> CUresult {
        answer(|| {
            check_type(kind)?;
            *pool = CUmemoryPool::from_addr(current_pool(device_at(location)?)?.0);
            Ok(())
        })
    }

    fn cuMemSetMemPool(&self, location: &CUmemLocation, kind: CUmemAllocationType, pool: CUmemoryPool) -> CUresult {
        answer(|| {
            check_type(kind)?;
            device_at(location)?;
            self.cuDeviceSetMemPool(location.id, pool).ok()
        })
    }
}
