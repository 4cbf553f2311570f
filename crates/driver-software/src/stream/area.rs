//! Functions of the API about streams.

use super::{PRIORITY_GREATEST, PRIORITY_LEAST, Role, Stream};
use crate::answer::{Answer, answer};
use crate::context::{current, in_host_function};
use crate::event::{Event, Events};
use crate::machine::Machine;
use core::ffi::c_void;
use cuda_abi::*;
use driver_api::{Driver, PerThreadScope};
use std::cell::Cell;

/// Streams.
pub(crate) struct Streams;

thread_local! {
    /// What `cuThreadExchangeStreamCaptureMode` exchanges.
    static CAPTURE_MODE: Cell<CUstreamCaptureMode> =
        const { Cell::new(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_GLOBAL) };
}

fn create(flags: u32, priority: i32) -> Answer<CUstream> {
    let context = current()?;
    let is_blocking = match CUstream_flags(flags) {
        CUstream_flags::CU_STREAM_DEFAULT => true,
        CUstream_flags::CU_STREAM_NON_BLOCKING => false,
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    };
    let priority = priority.clamp(PRIORITY_GREATEST, PRIORITY_LEAST);
    Ok(CUstream::from_addr(context.streams.create(is_blocking, priority)?))
}

/// A pointer of the program that a function of the program gets back.
struct UserData(*mut c_void);

// SAFETY: the driver only hands the pointer on, as the program asked.
unsafe impl Send for UserData {}

impl UserData {
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

impl Driver for Streams {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Events)
    }

    fn cuStreamCreate(&self, stream: &mut CUstream, flags: u32) -> CUresult {
        answer(|| {
            *stream = create(flags, PRIORITY_LEAST)?;
            Ok(())
        })
    }

    fn cuStreamCreateWithPriority(&self, stream: &mut CUstream, flags: u32, priority: i32) -> CUresult {
        answer(|| {
            *stream = create(flags, priority)?;
            Ok(())
        })
    }

    fn cuStreamDestroy_v2(&self, stream: CUstream) -> CUresult {
        answer(|| {
            let removed = Machine::get()?.objects.remove::<Stream>(stream.addr());
            let removed = removed.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
            removed.group.release(&removed);
            // It is gone either way; the error of its context is told by this call too.
            removed.group.failed()
        })
    }

    fn cuStreamSynchronize(&self, stream: CUstream) -> CUresult {
        answer(|| Stream::named(stream)?.synchronize())
    }

    fn cuStreamQuery(&self, stream: CUstream) -> CUresult {
        answer(|| {
            let stream = Stream::named(stream)?;
            if stream.is_idle() { stream.group.check() } else { Err(CUresult::CUDA_ERROR_NOT_READY) }
        })
    }

    fn cuStreamWaitEvent(&self, stream: CUstream, event: CUevent, flags: u32) -> CUresult {
        answer(|| {
            let (stream, event) = (Stream::named(stream)?, Event::named(event)?);
            // CU_EVENT_WAIT_EXTERNAL is for captures.
            if flags > 1 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            if let Some(point) = event.point() {
                stream.order();
                stream.queue.wait_for(&point);
            }
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuStreamAddCallback(
        &self,
        stream: CUstream,
        callback: CUstreamCallback,
        user_data: *mut c_void,
        flags: u32,
    ) -> CUresult {
        answer(|| {
            let (target, handle) = (Stream::named(stream)?, stream);
            let callback = callback.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            if flags != 0 {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            let (user_data, group) = (UserData(user_data), target.group.clone());
            target.order();
            target.queue.host_function(move || {
                let result = CUresult::from(group.check());
                let _scope = PerThreadScope::suspend();
                // SAFETY: the program asked for this call with this pointer.
                in_host_function(|| unsafe { callback(handle, result, user_data.pointer()) });
            });
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLaunchHostFunc(&self, stream: CUstream, function: CUhostFn, user_data: *mut c_void) -> CUresult {
        answer(|| {
            let target = Stream::named(stream)?;
            let function = function.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            let (user_data, group) = (UserData(user_data), target.group.clone());
            target.order();
            target.queue.host_function(move || {
                // Unlike a callback it is not called after an error.
                if group.check().is_ok() {
                    let _scope = PerThreadScope::suspend();
                    // SAFETY: the program asked for this call with this pointer.
                    in_host_function(|| unsafe { function(user_data.pointer()) });
                }
            });
            Ok(())
        })
    }

    fn cuStreamGetPriority(&self, stream: CUstream, priority: &mut i32) -> CUresult {
        answer(|| {
            *priority = Stream::named(stream)?.queue.priority();
            Ok(())
        })
    }

    fn cuStreamGetFlags(&self, stream: CUstream, flags: &mut u32) -> CUresult {
        answer(|| {
            let stream = Stream::named(stream)?;
            *flags = if stream.role == Role::Created && !stream.is_blocking { 1 } else { 0 };
            Ok(())
        })
    }

    fn cuStreamGetId(&self, stream: CUstream, id: &mut u64) -> CUresult {
        answer(|| {
            *id = Stream::named(stream)?.id;
            Ok(())
        })
    }

    fn cuStreamGetDevice(&self, stream: CUstream, device: &mut CUdevice) -> CUresult {
        answer(|| {
            *device = Stream::named(stream)?.group.device.ordinal as CUdevice;
            Ok(())
        })
    }

    fn cuStreamGetCtx_v2(
        &self,
        stream: CUstream,
        context: &mut CUcontext,
        green_context: Option<&mut CUgreenCtx>,
    ) -> CUresult {
        answer(|| {
            *context = CUcontext::from_addr(Stream::named(stream)?.group.context_handle());
            if let Some(green_context) = green_context {
                *green_context = CUgreenCtx::NULL;
            }
            Ok(())
        })
    }

    fn cuStreamGetGreenCtx(&self, stream: CUstream, green_context: &mut CUgreenCtx) -> CUresult {
        answer(|| {
            Stream::named(stream)?;
            *green_context = CUgreenCtx::NULL;
            Ok(())
        })
    }

    fn cuStreamIsCapturing(&self, stream: CUstream, status: &mut CUstreamCaptureStatus) -> CUresult {
        answer(|| {
            Stream::named(stream)?;
            *status = CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE;
            Ok(())
        })
    }

    fn cuStreamGetCaptureInfo_v3(
        &self,
        stream: CUstream,
        status: &mut CUstreamCaptureStatus,
        _id: Option<&mut u64>,
        _graph: Option<&mut CUgraph>,
        _dependencies: Option<&mut *const CUgraphNode>,
        _edges: Option<&mut *const CUgraphEdgeData>,
        _count: Option<&mut usize>,
    ) -> CUresult {
        // The outputs are not written unless the stream is being captured.
        self.cuStreamIsCapturing(stream, status)
    }

    fn cuThreadExchangeStreamCaptureMode(&self, mode: &mut CUstreamCaptureMode) -> CUresult {
        answer(|| {
            mode.name().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            *mode = CAPTURE_MODE.replace(*mode);
            Ok(())
        })
    }

    fn cuStreamAttachMemAsync(&self, stream: CUstream, pointer: CUdeviceptr, _length: usize, flags: u32) -> CUresult {
        answer(|| {
            Stream::named(stream)?;
            // Managed memory is where host and device see it at any time: there is nothing to attach.
            let is_managed = Machine::get()?.allocations.is_managed(pointer);
            if matches!(flags, 1 | 2 | 4) && is_managed { Ok(()) } else { Err(CUresult::CUDA_ERROR_INVALID_VALUE) }
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuStreamGetAttribute(
        &self,
        stream: CUstream,
        attribute: CUlaunchAttributeID,
        value: &mut CUlaunchAttributeValue,
    ) -> CUresult {
        answer(|| {
            let stream = Stream::named(stream)?;
            *value = CUlaunchAttributeValue::default();
            match attribute {
                CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PRIORITY => value.priority = stream.queue.priority(),
                CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY => {
                    value.syncPolicy = CUsynchronizationPolicy::CU_SYNC_POLICY_AUTO;
                }
                // Hints for caches and ordering of memory, which have no meaning here: the default is what holds.
                CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW
                | CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN
                | CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP => {}
                _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            }
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuStreamSetAttribute(
        &self,
        stream: CUstream,
        attribute: CUlaunchAttributeID,
        _value: &CUlaunchAttributeValue,
    ) -> CUresult {
        answer(|| {
            Stream::named(stream)?;
            match attribute {
                CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW
                | CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY
                | CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN
                | CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP => Ok(()),
                _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            }
        })
    }

    fn cuStreamCopyAttributes(&self, destination: CUstream, source: CUstream) -> CUresult {
        answer(|| Stream::named(destination).and(Stream::named(source)).map(|_| ()))
    }
}
