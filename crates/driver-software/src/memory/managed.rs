//! Functions of the API about ranges of managed memory: advice and prefetches. The memory is where host and device see it
//! at any time; what the program advises is kept, so that it can be read back.

use super::Pools;
use super::table::{Info, Kind};
use crate::answer::{Answer, answer};
use crate::context::current;
use crate::machine::Machine;
use crate::stream::Stream;
use core::ffi::c_void;
use core::ptr;
use cuda_abi::*;
use driver_api::Driver;

/// Ranges of managed memory.
pub(crate) struct ManagedRanges;

/// Changes what is known of a range of managed memory.
fn change_range<T>(pointer: CUdeviceptr, bytes: usize, change: impl FnOnce(&mut Info) -> T) -> Answer<T> {
    let machine = Machine::get()?;
    let changed = machine.allocations.change(pointer, |info| {
        (info.kind == Kind::Managed && bytes > 0 && info.contains(pointer, bytes as u64)).then(|| change(info))
    });
    changed.flatten().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
}

/// The device that a location means, -1 for the host.
fn device_of(location: CUmemLocation) -> Answer<i32> {
    match location.type_ {
        CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE => Machine::get()?.device(location.id).map(|_| location.id),
        CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST
        | CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST_NUMA
        | CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT => Ok(CU_DEVICE_CPU),
        _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
}

/// Writes an attribute of a range into the program's buffer of `bytes` bytes.
///
/// # Safety
/// `data` is null or has so many bytes.
unsafe fn put_attribute(data: *mut c_void, bytes: usize, attribute: CUmem_range_attribute, info: &Info) -> Answer {
    let advice = &info.advice;
    let location_type = |device: i32| match device {
        CU_DEVICE_CPU => CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST.0 as i32,
        CU_DEVICE_INVALID => CUmemLocationType::CU_MEM_LOCATION_TYPE_INVALID.0 as i32,
        _ => CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE.0 as i32,
    };
    let value = match attribute {
        CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY => i32::from(advice.read_mostly),
        CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION
        | CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_ID => advice.preferred,
        CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION
        | CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_ID => advice.last_prefetch,
        CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_TYPE => location_type(advice.preferred),
        CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_TYPE => {
            location_type(advice.last_prefetch)
        }
        CUmem_range_attribute::CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY => {
            if data.is_null() || bytes == 0 || !bytes.is_multiple_of(4) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            let devices = advice.accessed_by.iter().copied().chain(std::iter::repeat(CU_DEVICE_INVALID));
            for (index, device) in devices.take(bytes / 4).enumerate() {
                // SAFETY: within the caller's buffer.
                unsafe { data.cast::<i32>().add(index).write_unaligned(device) };
            }
            return Ok(());
        }
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    };
    if data.is_null() || bytes != 4 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller's buffer has four bytes.
    unsafe { data.cast::<i32>().write_unaligned(value) };
    Ok(())
}

impl Driver for ManagedRanges {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Pools)
    }

    fn cuMemAdvise_v2(
        &self,
        pointer: CUdeviceptr,
        count: usize,
        advice: CUmem_advise,
        location: CUmemLocation,
    ) -> CUresult {
        answer(|| {
            current()?;
            let needs_location = !matches!(
                advice,
                CUmem_advise::CU_MEM_ADVISE_SET_READ_MOSTLY
                    | CUmem_advise::CU_MEM_ADVISE_UNSET_READ_MOSTLY
                    | CUmem_advise::CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION
            );
            let device = if needs_location { device_of(location)? } else { CU_DEVICE_INVALID };
            change_range(pointer, count, |info| {
                let kept = &mut info.advice;
                match advice {
                    CUmem_advise::CU_MEM_ADVISE_SET_READ_MOSTLY => kept.read_mostly = true,
                    CUmem_advise::CU_MEM_ADVISE_UNSET_READ_MOSTLY => kept.read_mostly = false,
                    CUmem_advise::CU_MEM_ADVISE_SET_PREFERRED_LOCATION
                    | CUmem_advise::CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION => kept.preferred = device,
                    CUmem_advise::CU_MEM_ADVISE_SET_ACCESSED_BY => {
                        kept.accessed_by.insert(device);
                    }
                    CUmem_advise::CU_MEM_ADVISE_UNSET_ACCESSED_BY => {
                        kept.accessed_by.remove(&device);
                    }
                    _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
                }
                Ok(())
            })?
        })
    }

    fn cuMemPrefetchAsync_v2(
        &self,
        pointer: CUdeviceptr,
        count: usize,
        location: CUmemLocation,
        flags: u32,
        stream: CUstream,
    ) -> CUresult {
        answer(|| {
            Stream::named(stream)?;
            let device = device_of(location)?;
            if flags != 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            change_range(pointer, count, |info| info.advice.last_prefetch = device)
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemRangeGetAttribute(
        &self,
        data: *mut c_void,
        data_size: usize,
        attribute: CUmem_range_attribute,
        pointer: CUdeviceptr,
        count: usize,
    ) -> CUresult {
        answer(|| {
            current()?;
            let info = change_range(pointer, count, |info| info.clone())?;
            // SAFETY: the caller's promise.
            unsafe { put_attribute(data, data_size, attribute, &info) }
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemRangeGetAttributes(
        &self,
        data: *mut *mut c_void,
        data_sizes: *mut usize,
        attributes: *mut CUmem_range_attribute,
        attribute_count: usize,
        pointer: CUdeviceptr,
        count: usize,
    ) -> CUresult {
        answer(|| {
            current()?;
            if attribute_count == 0 || data.is_null() || data_sizes.is_null() || attributes.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            let info = change_range(pointer, count, |info| info.clone())?;
            for index in 0..attribute_count {
                // SAFETY: the caller's arrays have so many entries.
                unsafe {
                    let (place, bytes) = (ptr::read(data.add(index)), ptr::read(data_sizes.add(index)));
                    put_attribute(place, bytes, ptr::read(attributes.add(index)), &info)?;
                }
            }
            Ok(())
        })
    }
}
