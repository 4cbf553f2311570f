//! What kernels print, on its way to the program's standard output.
//!
//! The text goes through the C library's `stdout`, as it does with CUDA: what the program itself has printed before, and
//! still sits in that buffer, comes out first.

use crate::lock_order::{EngineRank, Lock};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

unsafe extern "C" {
    /// The C library's standard output stream.
    static stdout: *mut libc::FILE;
}

/// A buffer that is written out when the host synchronises, and when it is full.
#[derive(Debug)]
pub struct Output {
    /// Size from which on the buffer counts as full.
    limit: AtomicU64,
    has_text: AtomicBool,
    text: Lock<Vec<u8>>,
}

impl Output {
    pub(crate) fn new(limit: u64) -> Output {
        Output {
            limit: AtomicU64::new(limit),
            has_text: AtomicBool::new(false),
            text: Lock::new(EngineRank::Output, Vec::new()),
        }
    }

    /// Bytes that the buffer holds.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes how many bytes the buffer holds.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Writes what there is to the C library's `stdout`.
    pub fn flush(&self) {
        if self.has_text.load(Ordering::Acquire) {
            let mut text = self.text.lock();
            self.has_text.store(false, Ordering::Release);
            write_out(&mut text);
        }
    }

    /// Appends text. A full buffer is written out at once: unlike on a GPU nothing is ever overwritten.
    pub(crate) fn append(&self, bytes: &[u8]) {
        let mut text = self.text.lock();
        text.extend_from_slice(bytes);
        self.has_text.store(true, Ordering::Release);
        if text.len() as u64 >= self.limit() {
            write_out(&mut text);
            self.has_text.store(false, Ordering::Release);
        }
    }
}

fn write_out(text: &mut Vec<u8>) {
    // SAFETY: `stdout` is the C library's, which locks it itself; the buffer is valid for its length.
    unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), stdout) };
    text.clear();
}
