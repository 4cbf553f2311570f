//! Contexts, devices, events.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use crate::stack::stack;
use cuda_abi::*;

pub fn cuCtxCreate(pctx: &mut CUcontext, flags: u32, dev: CUdevice) -> CUresult {
    cuCtxCreate_v2(pctx, flags, dev)
}

pub fn cuCtxCreate_v2(pctx: &mut CUcontext, flags: u32, dev: CUdevice) -> CUresult {
    // SAFETY: no parameters, no pointers.
    unsafe { stack().cuCtxCreate_v4(pctx, None, flags, dev) }
}

/// # Safety
/// `affinities` points to `count` elements, or is null.
pub unsafe fn cuCtxCreate_v3(
    pctx: &mut CUcontext,
    affinities: *mut CUexecAffinityParam,
    count: i32,
    flags: u32,
    dev: CUdevice,
) -> CUresult {
    let parameters = CUctxCreateParams {
        execAffinityParams: affinities,
        numExecAffinityParams: count,
        cigParams: core::ptr::null_mut(),
    };
    let parameters = if count == 0 { None } else { Some(&parameters) };
    // SAFETY: the caller's promise about the array.
    unsafe { stack().cuCtxCreate_v4(pctx, parameters, flags, dev) }
}

pub fn cuCtxDestroy(ctx: CUcontext) -> CUresult {
    stack().cuCtxDestroy_v2(ctx)
}

pub fn cuCtxGetDevice(device: &mut CUdevice) -> CUresult {
    stack().cuCtxGetDevice_v2(device, CUcontext::NULL)
}

pub fn cuCtxPopCurrent(pctx: Option<&mut CUcontext>) -> CUresult {
    stack().cuCtxPopCurrent_v2(pctx)
}

pub fn cuCtxPushCurrent(ctx: CUcontext) -> CUresult {
    stack().cuCtxPushCurrent_v2(ctx)
}

pub fn cuCtxSynchronize() -> CUresult {
    stack().cuCtxSynchronize_v2(CUcontext::NULL)
}

pub fn cuDeviceGetUuid(uuid: &mut CUuuid, dev: CUdevice) -> CUresult {
    stack().cuDeviceGetUuid_v2(uuid, dev)
}

pub fn cuDevicePrimaryCtxRelease(dev: CUdevice) -> CUresult {
    stack().cuDevicePrimaryCtxRelease_v2(dev)
}

pub fn cuDevicePrimaryCtxReset(dev: CUdevice) -> CUresult {
    stack().cuDevicePrimaryCtxReset_v2(dev)
}

pub fn cuDevicePrimaryCtxSetFlags(dev: CUdevice, flags: u32) -> CUresult {
    stack().cuDevicePrimaryCtxSetFlags_v2(dev, flags)
}

/// What does not fit into 32 bits is answered with the largest number that does, as driver 580 does.
pub fn cuDeviceTotalMem(bytes: &mut u32, dev: CUdevice) -> CUresult {
    let mut wide = 0;
    let result = stack().cuDeviceTotalMem_v2(&mut wide, dev);
    if result == CUresult::CUDA_SUCCESS {
        *bytes = u32::try_from(wide).unwrap_or(u32::MAX);
    }
    result
}

pub fn cuEventDestroy(event: CUevent) -> CUresult {
    stack().cuEventDestroy_v2(event)
}

pub fn cuEventElapsedTime(milliseconds: &mut f32, start: CUevent, end: CUevent) -> CUresult {
    stack().cuEventElapsedTime_v2(milliseconds, start, end)
}

pub fn cuGLCtxCreate(pctx: &mut CUcontext, flags: u32, device: CUdevice) -> CUresult {
    stack().cuGLCtxCreate_v2(pctx, flags, device)
}

/// # Safety
/// `devices` points to `capacity` elements.
pub unsafe fn cuGLGetDevices(count: &mut u32, devices: *mut CUdevice, capacity: u32, list: CUGLDeviceList) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuGLGetDevices_v2(count, devices, capacity, list) }
}

/// # Safety
/// As the newest version.
pub unsafe fn cuVDPAUCtxCreate(
    pctx: &mut CUcontext,
    flags: u32,
    device: CUdevice,
    vdp_device: VdpDevice,
    vdp_get_proc_address: VdpGetProcAddress,
) -> CUresult {
    // SAFETY: the caller's promise is the same.
    unsafe { stack().cuVDPAUCtxCreate_v2(pctx, flags, device, vdp_device, vdp_get_proc_address) }
}
