//! Memory for kernels in C.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr;

use anyhow::Result;
use rustix::mm::{Advice, madvise};

/// Buffers begin where a large page does, so that the kernel can give them large pages.
const ALIGNMENT_BYTES: usize = 2 << 20;

/// Memory that stays where it is until the process ends.
pub struct Memory {
    start: *mut u8,
    size_bytes: usize,
}

impl Memory {
    /// Memory with these contents.
    ///
    /// # Errors
    /// When there are more bytes than a process can have.
    pub fn with(bytes: &[u8]) -> Result<Self> {
        let size_bytes = bytes.len().next_multiple_of(ALIGNMENT_BYTES);
        let layout = Layout::from_size_align(size_bytes, ALIGNMENT_BYTES)?;
        // SAFETY: the size is not 0, as no buffer is empty.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the advice changes no contents, and the memory is ours.
        let advised = unsafe { madvise(start.cast(), size_bytes, Advice::LinuxHugepage) };
        // A kernel without large pages gives small ones.
        let _ = advised;
        let memory = Self { start, size_bytes: bytes.len() };
        memory.write(bytes);
        Ok(memory)
    }

    /// Gives it other contents of the same size.
    pub fn write(&self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.size_bytes);
        // SAFETY: the memory is that long, and nobody else knows it while no kernel runs.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start, bytes.len()) };
    }

    /// Its contents.
    pub fn read(&self) -> Vec<u8> {
        // SAFETY: the memory is that long and initialised, and no kernel runs now.
        unsafe { std::slice::from_raw_parts(self.start, self.size_bytes) }.to_vec()
    }

    /// Where it begins.
    pub fn start(&self) -> *mut u8 {
        self.start
    }
}
