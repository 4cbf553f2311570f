//! Which streams are being captured into a graph.

use cuda_abi::{CUresult, CUstream, CUstreamCaptureStatus};
use driver_api::Driver;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many captures are going on: all that most calls look at.
#[derive(Default)]
pub(crate) struct CaptureCount(AtomicU16);

impl CaptureCount {
    /// Whether nothing is being captured.
    #[inline(always)]
    pub(crate) fn is_zero(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Whether what goes into a stream becomes a node. The driver is asked only while there is a capture: streams join one by waiting for
    /// an event. The legacy default stream cannot be captured, and asking about it would be an error.
    #[inline(always)]
    pub(crate) fn includes(&self, stream: CUstream, driver: &dyn Driver) -> bool {
        !self.is_zero() && stream.addr() > 1 && {
            let mut status = CUstreamCaptureStatus::default();
            driver.cuStreamIsCapturing(stream, &mut status) == CUresult::CUDA_SUCCESS
                && status == CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_ACTIVE
        }
    }
}

/// Captures that are going on.
#[derive(Default)]
pub(crate) struct Captures {
    /// Streams that a capture began in; others may have joined it. Bounded by the program, which ends each capture or keeps the stream.
    origins: Mutex<HashSet<u64>>,
}

impl Captures {
    /// A capture has begun.
    pub(crate) fn begin(&self, stream: CUstream, count: &CaptureCount) {
        self.change(count, |origins| _ = origins.insert(stream.addr() as u64));
    }

    /// A capture has ended, well or not.
    pub(crate) fn end(&self, stream: CUstream, count: &CaptureCount) {
        self.change(count, |origins| _ = origins.remove(&(stream.addr() as u64)));
    }

    fn change(&self, count: &CaptureCount, change: impl FnOnce(&mut HashSet<u64>)) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut origins);
        count.0.store(u16::try_from(origins.len()).unwrap_or(u16::MAX), Ordering::Release);
    }
}
