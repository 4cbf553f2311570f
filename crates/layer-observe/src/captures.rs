//! Which streams are being captured into a graph.

use cuda_abi::{CUresult, CUstream, CUstreamCaptureStatus};
use driver_api::Driver;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Captures that are going on.
#[derive(Default)]
pub(crate) struct Captures {
    /// Streams that a capture began in; others may have joined it. Bounded by the program, which ends each capture or keeps the stream.
    origins: Mutex<HashSet<u64>>,
    count: AtomicUsize,
}

impl Captures {
    /// A capture has begun.
    pub(crate) fn begin(&self, stream: CUstream) {
        self.change(|origins| _ = origins.insert(stream.addr() as u64));
    }

    /// A capture has ended, well or not.
    pub(crate) fn end(&self, stream: CUstream) {
        self.change(|origins| _ = origins.remove(&(stream.addr() as u64)));
    }

    fn change(&self, change: impl FnOnce(&mut HashSet<u64>)) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut origins);
        self.count.store(origins.len(), Ordering::Release);
    }

    /// Whether what goes into a stream becomes a node. The driver is asked only while there is a capture: streams join one by waiting for
    /// an event. The legacy default stream cannot be captured, and asking about it would be an error.
    #[inline(always)]
    pub(crate) fn has(&self, stream: CUstream, driver: &dyn Driver) -> bool {
        self.count.load(Ordering::Relaxed) != 0 && stream.addr() > 1 && {
            let mut status = CUstreamCaptureStatus::default();
            driver.cuStreamIsCapturing(stream, &mut status) == CUresult::CUDA_SUCCESS
                && status == CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_ACTIVE
        }
    }
}
