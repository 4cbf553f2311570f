//! Execution stacks: one for each core, with a guard below and the call's state on top.

use super::CallFrame;
use super::signal::{Region, register_region, unregister_region};
use crate::sys::{HUGE_PAGE, Mapping};
use std::io;
use std::mem::size_of;

/// Address range of a stack. Memory is used as far down as a kernel goes.
pub(super) const STACK_BYTES: u64 = 64 << 20;
/// Inaccessible part at the low end; larger than any frame of machine code, so that it cannot be jumped over.
pub(super) const GUARD_BYTES: u64 = 1 << 20;

/// The stacks of an engine.
#[derive(Debug)]
pub(crate) struct ExecutionStacks {
    mapping: Mapping,
    region: usize,
}

impl ExecutionStacks {
    /// Makes `count` stacks and tells the signal handler of them.
    pub(crate) fn new(count: usize) -> io::Result<ExecutionStacks> {
        let mapping = Mapping::reserve(STACK_BYTES * count as u64, HUGE_PAGE)?;
        for index in 0..count as u64 {
            let base = mapping.base() + index * STACK_BYTES;
            mapping.commit(base + GUARD_BYTES, STACK_BYTES - GUARD_BYTES)?;
            let frame = frame_of(base);
            // SAFETY: the top of the stack was committed above and is aligned to a page.
            unsafe { frame.write(CallFrame::new(frame as u64)) };
        }
        let region = register_region(Region { base: mapping.base(), bytes: mapping.bytes() })?;
        Ok(ExecutionStacks { mapping, region })
    }

    /// The frame of stack `index`. It lives as long as `self`.
    pub(crate) fn frame(&self, index: usize) -> *mut CallFrame {
        let base = self.mapping.base() + index as u64 * STACK_BYTES;
        assert!(base < self.mapping.base() + self.mapping.bytes(), "no such stack");
        frame_of(base)
    }
}

impl Drop for ExecutionStacks {
    fn drop(&mut self) {
        unregister_region(self.region);
    }
}

/// Where the frame of the stack at `base` is. The stack begins right below it.
pub(super) fn frame_of(base: u64) -> *mut CallFrame {
    (base + STACK_BYTES - size_of::<CallFrame>() as u64) as *mut CallFrame
}
