//! Functions of the API that launch.

use super::cache::LaunchCache;
use super::{Attributes, Request, parameters};
use crate::answer::{Answer, answer};
use crate::context::forbid_in_host_function;
use crate::event::Event;
use crate::stream::Streams;
use core::ffi::c_void;
use core::ptr;
use cuda_abi::*;
use driver_api::{Driver, default_stream_is_per_thread};

/// Launches: the highest area, because they are called most.
pub(crate) struct Launches;

/// Appends a launch to a stream.
///
/// # Safety
/// The parameters are as `cuLaunchKernel` documents them.
unsafe fn launch(
    function: CUfunction,
    request: &Request,
    stream: CUstream,
    kernel_parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer {
    forbid_in_host_function()?;
    LaunchCache::with(|cache| {
        let (function, stream, approved, buffer) = cache.look_up(function, stream)?;
        // SAFETY: the caller's promise.
        unsafe { parameters::gather(buffer, &function.info, kernel_parameters, extra)? };
        request.append(function, stream, approved, buffer)
    })
}

impl Driver for Launches {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Streams)
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLaunchKernel(
        &self,
        function: CUfunction,
        grid_x: u32,
        grid_y: u32,
        grid_z: u32,
        block_x: u32,
        block_y: u32,
        block_z: u32,
        dynamic_shared: u32,
        stream: CUstream,
        kernel_parameters: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> CUresult {
        let request = Request {
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            dynamic_shared,
            cooperative: false,
            cluster: None,
        };
        // SAFETY: the caller's promise.
        answer(|| unsafe { launch(function, &request, stream, kernel_parameters, extra) })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLaunchKernelEx(
        &self,
        config: &CUlaunchConfig,
        function: CUfunction,
        kernel_parameters: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> CUresult {
        answer(|| {
            // SAFETY: the caller's promise.
            let attributes = unsafe { Attributes::read(config)? };
            let request = Request {
                grid: [config.gridDimX, config.gridDimY, config.gridDimZ],
                block: [config.blockDimX, config.blockDimY, config.blockDimZ],
                dynamic_shared: config.sharedMemBytes,
                cooperative: attributes.cooperative,
                cluster: attributes.cluster,
            };
            // A null stream in a structure is not spelt out by the rim.
            let per_thread = config.hStream.is_null() && default_stream_is_per_thread();
            let stream = if per_thread { CU_STREAM_PER_THREAD } else { config.hStream };
            // SAFETY: the caller's promise.
            unsafe { launch(function, &request, stream, kernel_parameters, extra)? };
            match attributes.event {
                Some(event) => Event::named(event)?.record_on(&crate::stream::Stream::named(stream)?),
                None => Ok(()),
            }
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLaunchCooperativeKernel(
        &self,
        function: CUfunction,
        grid_x: u32,
        grid_y: u32,
        grid_z: u32,
        block_x: u32,
        block_y: u32,
        block_z: u32,
        dynamic_shared: u32,
        stream: CUstream,
        kernel_parameters: *mut *mut c_void,
    ) -> CUresult {
        let request = Request {
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            dynamic_shared,
            cooperative: true,
            cluster: None,
        };
        // SAFETY: the caller's promise.
        answer(|| unsafe { launch(function, &request, stream, kernel_parameters, ptr::null_mut()) })
    }
}
