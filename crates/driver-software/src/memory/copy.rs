//! Functions of the API that copy.

use super::Sets;
use super::side::{Corner, Expected, Side, row};
use super::table::Place;
use crate::answer::{Answer, answer};
use crate::machine::Machine;
use crate::stream::Stream;
use core::ffi::c_void;
use cuda_abi::*;
use driver_api::Driver;
use simt::transfer::{self, Copy, STORE_BYTES_MAX};
use std::sync::Arc;

/// Copies.
pub(crate) struct Copies;

/// When the call returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// When the host can tell no difference any more.
    Done,
    /// At once, as far as the host's memory allows it.
    Appended,
}

/// Copies `width` bytes of `height` rows of `depth` slices.
fn copy(stream: &Arc<Stream>, destination: Side, source: Side, size: [u64; 3], when: When) -> Answer {
    let machine = Machine::get()?;
    let [width, height, depth] = size;
    if width == 0 || height == 0 || depth == 0 {
        return Ok(());
    }
    let bytes_read = source.span(width, height, depth)?;
    let to = destination.check(machine, destination.span(width, height, depth)?)?;
    let from = source.check(machine, bytes_read)?;
    let copy = Copy {
        destination: destination.address,
        source: source.address,
        width,
        height,
        depth,
        destination_pitch: destination.pitch,
        source_pitch: source.pitch,
        destination_slice: destination.slice,
        source_slice: source.slice,
    };
    stream.order();
    if when == When::Appended && from == Place::Pageable && bytes_read <= STORE_BYTES_MAX as u64 && height * depth == 1
    {
        // SAFETY: the program passes so many bytes that can be read.
        let bytes = unsafe { std::slice::from_raw_parts(source.address as *const u8, width as usize) };
        transfer::store(&stream.queue, destination.address, bytes);
        return Ok(());
    }
    transfer::copy(&stream.queue, &copy);
    let on_device = |place| matches!(place, Place::Device | Place::Managed);
    let waits = match when {
        // Copies within the device do not wait for anything on the host.
        When::Done => !(on_device(from) && on_device(to)),
        // Memory that the driver does not know may change or go away after the call.
        When::Appended => from == Place::Pageable || to == Place::Pageable,
    };
    if waits { stream.synchronize() } else { Ok(()) }
}

/// Copies bytes in one piece.
fn linear(stream: &Arc<Stream>, destination: Side, source: Side, bytes: usize, when: When) -> Answer {
    copy(stream, destination, source, [bytes as u64, 1, 1], when)
}

fn device(address: CUdeviceptr) -> Side {
    Side::linear(address, Expected::Device)
}

fn any(address: CUdeviceptr) -> Side {
    Side::linear(address, Expected::Any)
}

fn host(address: *const c_void) -> Side {
    Side::linear(address.expose_provenance() as u64, Expected::Host)
}

fn copy_2d(stream: &Arc<Stream>, request: &CUDA_MEMCPY2D, when: When) -> Answer {
    let size = [request.WidthInBytes as u64, request.Height as u64, 1];
    if size.contains(&0) {
        return Ok(());
    }
    let source = Corner {
        kind: request.srcMemoryType,
        host: request.srcHost,
        device: request.srcDevice,
        array: request.srcArray,
        x_bytes: request.srcXInBytes,
        y: request.srcY,
        z: 0,
        pitch: request.srcPitch,
        height: 0,
    };
    let destination = Corner {
        kind: request.dstMemoryType,
        host: request.dstHost,
        device: request.dstDevice,
        array: request.dstArray,
        x_bytes: request.dstXInBytes,
        y: request.dstY,
        z: 0,
        pitch: request.dstPitch,
        height: 0,
    };
    copy(stream, destination.side(size)?, source.side(size)?, size, when)
}

/// `CUDA_MEMCPY3D` and `CUDA_MEMCPY3D_PEER` have the same fields, but for the contexts, which say nothing new.
macro_rules! copy_3d {
    ($stream:expr, $request:expr, $when:expr) => {{
        let (stream, request) = ($stream, $request);
        let size = [request.WidthInBytes as u64, request.Height as u64, request.Depth as u64];
        if size.contains(&0) {
            return Ok(());
        }
        let source = Corner {
            kind: request.srcMemoryType,
            host: request.srcHost,
            device: request.srcDevice,
            array: request.srcArray,
            x_bytes: request.srcXInBytes,
            y: request.srcY,
            z: request.srcZ,
            pitch: request.srcPitch,
            height: request.srcHeight,
        };
        let destination = Corner {
            kind: request.dstMemoryType,
            host: request.dstHost,
            device: request.dstDevice,
            array: request.dstArray,
            x_bytes: request.dstXInBytes,
            y: request.dstY,
            z: request.dstZ,
            pitch: request.dstPitch,
            height: request.dstHeight,
        };
        copy(stream, destination.side(size)?, source.side(size)?, size, $when)
    }};
}

/// Checks the contexts of a copy between devices.
fn check_peers(contexts: [CUcontext; 2]) -> Answer {
    let machine = Machine::get()?;
    for context in contexts {
        let found: Option<Arc<crate::context::Context>> = machine.objects.get(context.addr());
        found.ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)?.check()?;
    }
    Ok(())
}

impl Driver for Copies {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Sets)
    }

    fn cuMemcpy(&self, dst: CUdeviceptr, src: CUdeviceptr, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, any(dst), any(src), bytes, When::Done))
    }

    fn cuMemcpyAsync(&self, dst: CUdeviceptr, src: CUdeviceptr, bytes: usize, stream: CUstream) -> CUresult {
        answer(|| linear(&Stream::named(stream)?, any(dst), any(src), bytes, When::Appended))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyHtoD_v2(&self, dst: CUdeviceptr, src: *const c_void, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, device(dst), host(src), bytes, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyHtoDAsync_v2(
        &self,
        dst: CUdeviceptr,
        src: *const c_void,
        bytes: usize,
        stream: CUstream,
    ) -> CUresult {
        answer(|| linear(&Stream::named(stream)?, device(dst), host(src), bytes, When::Appended))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyDtoH_v2(&self, dst: *mut c_void, src: CUdeviceptr, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, host(dst), device(src), bytes, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyDtoHAsync_v2(
        &self,
        dst: *mut c_void,
        src: CUdeviceptr,
        bytes: usize,
        stream: CUstream,
    ) -> CUresult {
        answer(|| linear(&Stream::named(stream)?, host(dst), device(src), bytes, When::Appended))
    }

    fn cuMemcpyAtoD_v2(&self, dst: CUdeviceptr, src: CUarray, offset: usize, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, device(dst), row(src, offset, bytes)?, bytes, When::Done))
    }

    fn cuMemcpyDtoA_v2(&self, dst: CUarray, offset: usize, src: CUdeviceptr, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, row(dst, offset, bytes)?, device(src), bytes, When::Done))
    }

    fn cuMemcpyAtoA_v2(
        &self,
        dst: CUarray,
        dst_offset: usize,
        src: CUarray,
        src_offset: usize,
        bytes: usize,
    ) -> CUresult {
        answer(|| {
            let stream = Stream::implied()?;
            linear(&stream, row(dst, dst_offset, bytes)?, row(src, src_offset, bytes)?, bytes, When::Done)
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyHtoA_v2(&self, dst: CUarray, offset: usize, src: *const c_void, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, row(dst, offset, bytes)?, host(src), bytes, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyHtoAAsync_v2(
        &self,
        dst: CUarray,
        offset: usize,
        src: *const c_void,
        bytes: usize,
        stream: CUstream,
    ) -> CUresult {
        answer(|| linear(&Stream::named(stream)?, row(dst, offset, bytes)?, host(src), bytes, When::Appended))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyAtoH_v2(&self, dst: *mut c_void, src: CUarray, offset: usize, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, host(dst), row(src, offset, bytes)?, bytes, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpyAtoHAsync_v2(
        &self,
        dst: *mut c_void,
        src: CUarray,
        offset: usize,
        bytes: usize,
        stream: CUstream,
    ) -> CUresult {
        answer(|| linear(&Stream::named(stream)?, host(dst), row(src, offset, bytes)?, bytes, When::Appended))
    }

    fn cuMemcpyDtoD_v2(&self, dst: CUdeviceptr, src: CUdeviceptr, bytes: usize) -> CUresult {
        answer(|| linear(&Stream::implied()?, device(dst), device(src), bytes, When::Done))
    }

    fn cuMemcpyDtoDAsync_v2(&self, dst: CUdeviceptr, src: CUdeviceptr, bytes: usize, stream: CUstream) -> CUresult {
        answer(|| linear(&Stream::named(stream)?, device(dst), device(src), bytes, When::Appended))
    }

    fn cuMemcpyPeer(
        &self,
        dst: CUdeviceptr,
        dst_context: CUcontext,
        src: CUdeviceptr,
        src_context: CUcontext,
        bytes: usize,
    ) -> CUresult {
        answer(|| {
            let stream = Stream::implied()?;
            check_peers([dst_context, src_context])?;
            linear(&stream, device(dst), device(src), bytes, When::Done)
        })
    }

    fn cuMemcpyPeerAsync(
        &self,
        dst: CUdeviceptr,
        dst_context: CUcontext,
        src: CUdeviceptr,
        src_context: CUcontext,
        bytes: usize,
        stream: CUstream,
    ) -> CUresult {
        answer(|| {
            let stream = Stream::named(stream)?;
            check_peers([dst_context, src_context])?;
            linear(&stream, device(dst), device(src), bytes, When::Appended)
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy2D_v2(&self, request: &CUDA_MEMCPY2D) -> CUresult {
        answer(|| copy_2d(&Stream::implied()?, request, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy2DUnaligned_v2(&self, request: &CUDA_MEMCPY2D) -> CUresult {
        answer(|| copy_2d(&Stream::implied()?, request, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy2DAsync_v2(&self, request: &CUDA_MEMCPY2D, stream: CUstream) -> CUresult {
        answer(|| copy_2d(&Stream::named(stream)?, request, When::Appended))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy3D_v2(&self, request: &CUDA_MEMCPY3D) -> CUresult {
        answer(|| copy_3d!(&Stream::implied()?, request, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy3DAsync_v2(&self, request: &CUDA_MEMCPY3D, stream: CUstream) -> CUresult {
        answer(|| copy_3d!(&Stream::named(stream)?, request, When::Appended))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy3DPeer(&self, request: &CUDA_MEMCPY3D_PEER) -> CUresult {
        answer(|| copy_3d!(&Stream::implied()?, request, When::Done))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuMemcpy3DPeerAsync(&self, request: &CUDA_MEMCPY3D_PEER, stream: CUstream) -> CUresult {
        answer(|| copy_3d!(&Stream::named(stream)?, request, When::Appended))
    }
}
