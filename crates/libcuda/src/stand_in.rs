//! A device that does nothing, until the software driver exists.
#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use core::ffi::{CStr, c_char, c_void};
use cuda_abi::*;
use driver_api::Driver;

pub struct StandIn;
const OK: CUresult = CUresult::CUDA_SUCCESS;
const CTX: CUcontext = CUcontext::from_addr(0x1000);
thread_local! { static CURRENT: std::cell::Cell<CUcontext> = const { std::cell::Cell::new(CUcontext::NULL) }; }
static ACTIVE: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);
use std::sync::atomic::Ordering::SeqCst;

impl Driver for StandIn {
    fn next(&self) -> Option<&dyn Driver> {
        None
    }
    fn cuInit(&self, flags: u32) -> CUresult {
        if flags == 0 { OK } else { CUresult::CUDA_ERROR_INVALID_VALUE }
    }
    fn cuDeviceGetCount(&self, count: &mut i32) -> CUresult {
        *count = 1;
        OK
    }
    fn cuDeviceGet(&self, device: &mut CUdevice, ordinal: i32) -> CUresult {
        if ordinal != 0 {
            return CUresult::CUDA_ERROR_INVALID_DEVICE;
        }
        *device = 0;
        OK
    }
    /// # Safety
    /// As in the trait.
    unsafe fn cuDeviceGetName(&self, name: *mut c_char, len: i32, _dev: CUdevice) -> CUresult {
        if name.is_null() || len < 9 {
            return CUresult::CUDA_ERROR_INVALID_VALUE;
        }
        // SAFETY: the caller's promise, and memory of `malloc`.
        unsafe { name.copy_from(c"stand-in".as_ptr(), 9) };
        OK
    }
    fn cuDeviceGetUuid_v2(&self, uuid: &mut CUuuid, _dev: CUdevice) -> CUresult {
        uuid.bytes = [7; 16];
        OK
    }
    fn cuDeviceTotalMem_v2(&self, bytes: &mut usize, _dev: CUdevice) -> CUresult {
        *bytes = 1 << 30;
        OK
    }
    fn cuDeviceGetAttribute(&self, value: &mut i32, attribute: CUdevice_attribute, _dev: CUdevice) -> CUresult {
        *value = match attribute {
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => 12,
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => 0,
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID => 0,
            _ => 1,
        };
        OK
    }
    fn cuDevicePrimaryCtxGetState(&self, _dev: CUdevice, flags: &mut u32, active: &mut i32) -> CUresult {
        *flags = 0;
        *active = (ACTIVE.load(SeqCst) > 0) as i32;
        OK
    }
    fn cuDevicePrimaryCtxRetain(&self, ctx: &mut CUcontext, _dev: CUdevice) -> CUresult {
        ACTIVE.fetch_add(1, SeqCst);
        *ctx = CTX;
        OK
    }
    fn cuDevicePrimaryCtxRelease_v2(&self, _dev: CUdevice) -> CUresult {
        ACTIVE.fetch_sub(1, SeqCst);
        OK
    }
    fn cuDevicePrimaryCtxReset_v2(&self, _dev: CUdevice) -> CUresult {
        ACTIVE.store(0, SeqCst);
        OK
    }
    fn cuDevicePrimaryCtxSetFlags_v2(&self, _dev: CUdevice, _flags: u32) -> CUresult {
        OK
    }
    fn cuCtxGetCurrent(&self, ctx: &mut CUcontext) -> CUresult {
        *ctx = CURRENT.get();
        OK
    }
    fn cuCtxSetCurrent(&self, ctx: CUcontext) -> CUresult {
        CURRENT.set(ctx);
        OK
    }
    fn cuCtxGetDevice_v2(&self, dev: &mut CUdevice, _ctx: CUcontext) -> CUresult {
        *dev = 0;
        OK
    }
    fn cuCtxGetApiVersion(&self, _ctx: CUcontext, version: &mut u32) -> CUresult {
        *version = 3020;
        OK
    }
    fn cuCtxSynchronize_v2(&self, _ctx: CUcontext) -> CUresult {
        OK
    }
    fn cuMemAlloc_v2(&self, pointer: &mut CUdeviceptr, size: usize) -> CUresult {
        // SAFETY: the caller's promise, and memory of `malloc`.
        *pointer = unsafe { libc::malloc(size) } as u64;
        OK
    }
    fn cuMemFree_v2(&self, pointer: CUdeviceptr) -> CUresult {
        // SAFETY: the caller's promise, and memory of `malloc`.
        unsafe { libc::free(pointer as *mut c_void) };
        OK
    }
    /// # Safety
    /// As in the trait.
    unsafe fn cuMemcpyHtoD_v2(&self, to: CUdeviceptr, from: *const c_void, size: usize) -> CUresult {
        // SAFETY: the caller's promise, and memory of `malloc`.
        unsafe { (to as *mut u8).copy_from(from.cast(), size) };
        OK
    }
    /// # Safety
    /// As in the trait.
    unsafe fn cuMemcpyDtoH_v2(&self, to: *mut c_void, from: CUdeviceptr, size: usize) -> CUresult {
        // SAFETY: the caller's promise, and memory of `malloc`.
        unsafe { to.cast::<u8>().copy_from(from as *const u8, size) };
        OK
    }
    /// # Safety
    /// As in the trait.
    unsafe fn cuModuleLoadData(&self, module: &mut CUmodule, _image: *const c_void) -> CUresult {
        *module = CUmodule::from_addr(0x2000);
        OK
    }
    fn cuModuleGetFunction(&self, function: &mut CUfunction, _module: CUmodule, _name: &CStr) -> CUresult {
        *function = CUfunction::from_addr(0x3000);
        OK
    }
    fn cuModuleGetLoadingMode(&self, mode: &mut CUmoduleLoadingMode) -> CUresult {
        *mode = CUmoduleLoadingMode::CU_MODULE_LAZY_LOADING;
        OK
    }
    /// # Safety
    /// As in the trait.
    unsafe fn cuDeviceGetPCIBusId(&self, id: *mut c_char, len: i32, _dev: CUdevice) -> CUresult {
        if id.is_null() || len < 13 {
            return CUresult::CUDA_ERROR_INVALID_VALUE;
        }
        // SAFETY: the caller's promise, and memory of `malloc`.
        unsafe { id.copy_from(c"0000:01:01.0".as_ptr(), 13) };
        OK
    }
    /// # Safety
    /// As in the trait.
    unsafe fn cuDeviceGetLuid(&self, _l: *mut c_char, mask: &mut u32, _dev: CUdevice) -> CUresult {
        *mask = 0;
        CUresult::CUDA_ERROR_NOT_SUPPORTED
    }
    fn cuMemGetInfo_v2(&self, free: Option<&mut usize>, total: Option<&mut usize>) -> CUresult {
        if let Some(x) = free {
            *x = 1 << 29;
        }
        if let Some(x) = total {
            *x = 1 << 30;
        }
        OK
    }
    fn cuMemcpy(&self, to: CUdeviceptr, from: CUdeviceptr, size: usize) -> CUresult {
        // SAFETY: the caller's promise, and memory of `malloc`.
        unsafe { (to as *mut u8).copy_from(from as *const u8, size) };
        OK
    }
}
