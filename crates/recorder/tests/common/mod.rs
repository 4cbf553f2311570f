//! A driver that launches nothing, for what the layer and the recorder do alone.

use core::ffi::c_void;
use cuda_abi::*;
use driver_api::Driver;

/// A driver that launches nothing.
pub struct Nothing;

#[allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]
impl Driver for Nothing {
    fn next(&self) -> Option<&dyn Driver> {
        None
    }

    fn cuCtxGetCurrent(&self, context: &mut CUcontext) -> CUresult {
        *context = CUcontext::from_addr(0xc0);
        CUresult::CUDA_SUCCESS
    }

    fn cuCtxGetDevice_v2(&self, device: &mut CUdevice, _context: CUcontext) -> CUresult {
        *device = 0;
        CUresult::CUDA_SUCCESS
    }

    fn cuFuncGetAttribute(&self, value: &mut i32, _attribute: CUfunction_attribute, _f: CUfunction) -> CUresult {
        *value = 1;
        CUresult::CUDA_SUCCESS
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuLaunchKernel(
        &self,
        _f: CUfunction,
        _gx: u32,
        _gy: u32,
        _gz: u32,
        _bx: u32,
        _by: u32,
        _bz: u32,
        _shared: u32,
        _stream: CUstream,
        _parameters: *mut *mut c_void,
        _extra: *mut *mut c_void,
    ) -> CUresult {
        CUresult::CUDA_SUCCESS
    }
}
