//! Which streams are being captured into a graph.

use crate::usual::Usual;
use cuda_abi::{CUresult, CUstream, CUstreamCaptureStatus};
use driver_api::Driver;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is rarely so and concerns every call, as one number, which is all that most calls look at: how many captures are going on, and whether observing
/// has ended.
#[derive(Default)]
pub(crate) struct Unusual(AtomicU16);

/// The bit above the number of captures.
const BROKEN: u16 = 1 << 15;

impl Unusual {
    /// Whether nothing of it is so.
    #[inline(always)]
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Whether something of ours panicked: nothing is observed any more.
    #[inline(always)]
    pub(crate) fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed) & BROKEN != 0
    }

    /// Something of ours panicked.
    pub(crate) fn break_off(&self, usual: &Usual) {
        self.0.fetch_or(BROKEN, Ordering::AcqRel);
        usual.suspend(true);
    }

    /// So many captures are going on. One thread at a time calls this.
    fn set_captures(&self, count: usize, usual: &Usual) {
        let count = count.min((!BROKEN).into()) as u16;
        // Before what is forgotten: a capture is missed by no call that comes after it.
        self.0.fetch_or(count, Ordering::Release);
        self.0.fetch_and(count | BROKEN, Ordering::Release);
        usual.suspend(!self.is_nothing());
        // It may have been broken off meanwhile.
        if !self.is_nothing() {
            usual.suspend(true);
        }
    }

    /// Whether what goes into a stream becomes a node. The driver is asked only while there is a capture: streams join one by waiting for
    /// an event. The legacy default stream cannot be captured, and asking about it would be an error.
    #[inline(always)]
    pub(crate) fn includes(&self, stream: CUstream, driver: &dyn Driver) -> bool {
        self.0.load(Ordering::Relaxed) & !BROKEN != 0 && stream.addr() > 1 && {
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
    pub(crate) fn begin(&self, stream: CUstream, unusual: &Unusual, usual: &Usual) {
        self.change(unusual, usual, |origins| _ = origins.insert(stream.addr() as u64));
    }

    /// A capture has ended, well or not.
    pub(crate) fn end(&self, stream: CUstream, unusual: &Unusual, usual: &Usual) {
        self.change(unusual, usual, |origins| _ = origins.remove(&(stream.addr() as u64)));
    }

    fn change(&self, unusual: &Unusual, usual: &Usual, change: impl FnOnce(&mut HashSet<u64>)) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut origins);
        unusual.set_captures(origins.len(), usual);
    }
}
