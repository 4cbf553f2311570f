//! Events: points in streams, with the time when they were reached.

use crate::answer::{Answer, answer};
use crate::context::current;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::stream::{Stream, StreamGroup};
use crate::texture::TextureReferences;
use cuda_abi::*;
use driver_api::Driver;
use simt::{Point, Timestamp};
use std::sync::Arc;

/// What an event recorded last.
struct Record {
    point: Point,
    /// When the point was reached; none for events without timing.
    time: Option<Arc<Timestamp>>,
}

/// An event.
pub(crate) struct Event {
    has_timing: bool,
    /// The streams of the context that it was made in.
    group: Arc<StreamGroup>,
    last: Lock<Option<Record>>,
}

impl Event {
    /// The event of a handle.
    ///
    /// # Errors
    /// When it is none, or its context has failed or is gone.
    pub(crate) fn named(handle: CUevent) -> Answer<Arc<Event>> {
        crate::context::forbid_in_host_function()?;
        let event: Option<Arc<Event>> = Machine::get()?.objects.get(handle.addr());
        let event = event.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        event.group.check()?;
        Ok(event)
    }

    /// Records the point where everything that is in `stream` now is complete.
    ///
    /// # Errors
    /// When the stream belongs to another device.
    pub(crate) fn record_on(&self, stream: &Arc<Stream>) -> Answer {
        if stream.group.context_id() != self.group.context_id() {
            return Err(CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
        stream.order();
        let time = self.has_timing.then(|| Arc::new(Timestamp::default()));
        let point = match &time {
            Some(time) => stream.queue.stamp(time),
            None => stream.queue.position(),
        };
        let record = Record { point, time };
        let replaced = self.last.lock().replace(record);
        drop(replaced);
        Ok(())
    }

    /// The point that was recorded last.
    pub(crate) fn point(&self) -> Option<Point> {
        self.last.lock().as_ref().map(|record| record.point.clone())
    }

    /// When the last point was reached.
    fn time_ns(&self) -> Answer<u64> {
        let last = self.last.lock();
        let record = last.as_ref().ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        let time = record.time.as_ref().ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        match record.point.is_reached() {
            true => time.get_ns().ok_or(CUresult::CUDA_ERROR_NOT_READY),
            false => Err(CUresult::CUDA_ERROR_NOT_READY),
        }
    }
}

/// Events.
pub(crate) struct Events;

impl Driver for Events {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&TextureReferences)
    }

    fn cuEventCreate(&self, event: &mut CUevent, flags: u32) -> CUresult {
        answer(|| {
            let context = current()?;
            let has_timing = flags & CUevent_flags::CU_EVENT_DISABLE_TIMING.0 == 0;
            let is_shared = flags & CUevent_flags::CU_EVENT_INTERPROCESS.0 != 0;
            if flags > 7 || (is_shared && has_timing) {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            let made = Event { has_timing, group: context.streams.clone(), last: Lock::new(Order::Event, None) };
            *event = CUevent::from_addr(Machine::get()?.objects.insert(Arc::new(made))?);
            Ok(())
        })
    }

    fn cuEventDestroy_v2(&self, event: CUevent) -> CUresult {
        answer(|| {
            let removed = Machine::get()?.objects.remove::<Event>(event.addr());
            // It is gone either way; the error of its context is told by this call too.
            removed.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?.group.failed()
        })
    }

    fn cuEventRecord(&self, event: CUevent, stream: CUstream) -> CUresult {
        answer(|| Event::named(event)?.record_on(&Stream::named(stream)?))
    }

    fn cuEventRecordWithFlags(&self, event: CUevent, stream: CUstream, flags: u32) -> CUresult {
        answer(|| {
            let (event, stream) = (Event::named(event)?, Stream::named(stream)?);
            match flags {
                0 => event.record_on(&stream),
                // CU_EVENT_RECORD_EXTERNAL is for captures, and no stream is captured.
                1 => Err(CUresult::CUDA_ERROR_ILLEGAL_STATE),
                _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            }
        })
    }

    fn cuEventQuery(&self, event: CUevent) -> CUresult {
        answer(|| match Event::named(event)?.point() {
            Some(point) if !point.is_reached() => Err(CUresult::CUDA_ERROR_NOT_READY),
            _ => Ok(()),
        })
    }

    fn cuEventSynchronize(&self, event: CUevent) -> CUresult {
        answer(|| {
            let event = Event::named(event)?;
            if let Some(point) = event.point() {
                point.wait();
                event.group.domain().output().flush();
            }
            event.group.check()
        })
    }

    fn cuEventElapsedTime_v2(&self, milliseconds: &mut f32, start: CUevent, end: CUevent) -> CUresult {
        answer(|| {
            let (start, end) = (Event::named(start)?, Event::named(end)?);
            let (start_ns, end_ns) = (start.time_ns()?, end.time_ns()?);
            *milliseconds = ((end_ns as i64 - start_ns as i64) as f64 / 1e6) as f32;
            Ok(())
        })
    }
}
