//! Functions of the API that say what a pointer is.

use super::table::{Info, Kind};
use crate::answer::{Answer, answer};
use crate::context::current;
use crate::machine::Machine;
use crate::module::Functions;
use core::ffi::c_void;
use cuda_abi::{CUpointer_attribute as Attribute, *};
use driver_api::Driver;

/// Pointers.
pub(crate) struct Pointers;

/// The value of an attribute.
enum Value {
    Word(u32),
    Long(u64),
}

/// A truth value, which the API passes as an unsigned int.
fn flag(is_set: bool) -> Value {
    Value::Word(u32::from(is_set))
}

/// The attribute of a pointer into an allocation.
fn value_of(pointer: CUdeviceptr, attribute: Attribute, info: &Info) -> Answer<Value> {
    let is_host = info.kind.is_host();
    let memory_type = if is_host { CUmemorytype::CU_MEMORYTYPE_HOST } else { CUmemorytype::CU_MEMORYTYPE_DEVICE };
    Ok(match attribute {
        Attribute::CU_POINTER_ATTRIBUTE_CONTEXT if matches!(info.kind, Kind::Pooled(_)) => Value::Long(0),
        Attribute::CU_POINTER_ATTRIBUTE_CONTEXT => Value::Long(info.context_handle as u64),
        Attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE => Value::Word(memory_type.0),
        Attribute::CU_POINTER_ATTRIBUTE_DEVICE_POINTER => Value::Long(pointer),
        Attribute::CU_POINTER_ATTRIBUTE_HOST_POINTER if is_host || info.kind == Kind::Managed => Value::Long(pointer),
        // There is no other process's driver that a token could be shown to.
        Attribute::CU_POINTER_ATTRIBUTE_P2P_TOKENS => Value::Long(0),
        Attribute::CU_POINTER_ATTRIBUTE_SYNC_MEMOPS => flag(info.sync_memops),
        Attribute::CU_POINTER_ATTRIBUTE_BUFFER_ID => Value::Long(info.id),
        Attribute::CU_POINTER_ATTRIBUTE_IS_MANAGED => flag(info.kind == Kind::Managed),
        Attribute::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL => Value::Word(info.device as u32),
        Attribute::CU_POINTER_ATTRIBUTE_RANGE_START_ADDR | Attribute::CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR => {
            Value::Long(info.base)
        }
        Attribute::CU_POINTER_ATTRIBUTE_RANGE_SIZE | Attribute::CU_POINTER_ATTRIBUTE_MAPPING_SIZE => {
            Value::Long(info.bytes)
        }
        Attribute::CU_POINTER_ATTRIBUTE_MAPPED => flag(true),
        Attribute::CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES => Value::Long(0),
        Attribute::CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE
        | Attribute::CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE
        | Attribute::CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE => flag(false),
        // Readable and writable.
        Attribute::CU_POINTER_ATTRIBUTE_ACCESS_FLAGS => Value::Word(3),
        Attribute::CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE => Value::Long(match info.kind {
            Kind::Pooled(pool) => pool as u64,
            _ => 0,
        }),
        Attribute::CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID => Value::Long(info.id),
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    })
}

/// What the attribute is for a pointer that the driver knows nothing of, as driver 580 has it. `None` where the program's
/// value stays as it is.
fn absent(pointer: CUdeviceptr, attribute: Attribute) -> Answer<Option<Value>> {
    Ok(Some(match attribute {
        Attribute::CU_POINTER_ATTRIBUTE_RANGE_START_ADDR | Attribute::CU_POINTER_ATTRIBUTE_RANGE_SIZE => {
            return Ok(None);
        }
        Attribute::CU_POINTER_ATTRIBUTE_HOST_POINTER => Value::Long(pointer),
        Attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE | Attribute::CU_POINTER_ATTRIBUTE_ACCESS_FLAGS => Value::Word(0),
        Attribute::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL => Value::Word(CU_DEVICE_INVALID as u32),
        Attribute::CU_POINTER_ATTRIBUTE_SYNC_MEMOPS
        | Attribute::CU_POINTER_ATTRIBUTE_IS_MANAGED
        | Attribute::CU_POINTER_ATTRIBUTE_MAPPED
        | Attribute::CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE
        | Attribute::CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE
        | Attribute::CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE => flag(false),
        Attribute::CU_POINTER_ATTRIBUTE_P2P_TOKENS => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        attribute if attribute.name().is_some() => Value::Long(0),
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }))
}

/// Writes a value where the program wants it.
///
/// # Safety
/// `place` is null or has room for the attribute.
unsafe fn put(place: *mut c_void, value: &Value) -> Answer {
    if place.is_null() {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller's promise.
    unsafe {
        match value {
            Value::Word(word) => place.cast::<u32>().write_unaligned(*word),
            Value::Long(long) => place.cast::<u64>().write_unaligned(*long),
        }
    }
    Ok(())
}

impl Driver for Pointers {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Functions)
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuPointerGetAttribute(&self, data: *mut c_void, attribute: Attribute, pointer: CUdeviceptr) -> CUresult {
        answer(|| {
            let info = Machine::get()?.allocations.find(pointer).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            let value = value_of(pointer, attribute, &info);
            if value.is_err() && attribute == Attribute::CU_POINTER_ATTRIBUTE_HOST_POINTER {
                // SAFETY: the caller's promise.
                unsafe { put(data, &Value::Long(0))? };
            }
            // SAFETY: the caller's promise.
            unsafe { put(data, &value?) }
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuPointerGetAttributes(
        &self,
        count: u32,
        attributes: *mut Attribute,
        data: *mut *mut c_void,
        pointer: CUdeviceptr,
    ) -> CUresult {
        answer(|| {
            let info = Machine::get()?.allocations.find(pointer);
            if count == 0 || attributes.is_null() || data.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            for index in 0..count as usize {
                // SAFETY: the caller's arrays have so many entries.
                let (attribute, place) = unsafe { (*attributes.add(index), *data.add(index)) };
                let value = match info.as_ref().map(|info| value_of(pointer, attribute, info)) {
                    Some(Ok(value)) => Some(value),
                    // What an allocation does not have is null.
                    Some(Err(_)) if attribute == Attribute::CU_POINTER_ATTRIBUTE_HOST_POINTER => Some(Value::Long(0)),
                    _ => absent(pointer, attribute)?,
                };
                if let Some(value) = value {
                    // SAFETY: the caller's promise.
                    unsafe { put(place, &value)? };
                }
            }
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuPointerSetAttribute(
        &self,
        value: *const c_void,
        attribute: Attribute,
        pointer: CUdeviceptr,
    ) -> CUresult {
        answer(|| {
            current()?;
            if attribute != Attribute::CU_POINTER_ATTRIBUTE_SYNC_MEMOPS || value.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the caller passes an unsigned int.
            let wanted = unsafe { value.cast::<u32>().read_unaligned() } != 0;
            let changed = Machine::get()?.allocations.change(pointer, |info| info.sync_memops = wanted);
            changed.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
        })
    }
}
