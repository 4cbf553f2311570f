//! What the writing side of a stream keeps, under its lock.

use crate::kernel::Kernel;
use std::sync::Arc;

/// Kernels that a stream remembers. A stream that alternates between more pays a reference count for each launch.
const RECENT_MAX: usize = 8;

/// State of the writing side.
#[derive(Debug, Default)]
pub(super) struct Producer {
    /// Commands ever written.
    pub(super) written: u64,
    kernels: Retained,
}

impl Producer {
    /// Keeps `kernel` alive at least until the command with number `sequence` is complete.
    pub(super) fn retain(&mut self, kernel: &Arc<Kernel>, sequence: u64, completed: impl Fn() -> u64) {
        self.kernels.retain(kernel, sequence, completed);
    }

    /// Lets go of kernels that no command in the ring uses.
    pub(super) fn trim(&mut self, completed: u64) {
        self.kernels.trim(completed);
    }
}

/// Keeps kernels alive while commands use them. A launch that counted references would make the launching thread and the
/// one that runs it fight for the counter's cache line; here only the launching side writes, and only for a kernel that it has
/// not launched lately.
#[derive(Debug, Default)]
struct Retained {
    /// Kernels and the number of the last command that uses each.
    recent: Vec<(Arc<Kernel>, u64)>,
    /// Kernels that fell out of `recent` while commands used them.
    leaving: Vec<(Arc<Kernel>, u64)>,
    /// Where the next kernel goes when `recent` is full.
    next: usize,
    /// Where the last kernel is.
    last: usize,
}

impl Retained {
    #[inline]
    fn retain(&mut self, kernel: &Arc<Kernel>, sequence: u64, completed: impl Fn() -> u64) {
        match self.recent.get_mut(self.last) {
            Some((known, last_use)) if Arc::ptr_eq(known, kernel) => *last_use = sequence,
            _ => self.retain_other(kernel, sequence, completed),
        }
    }

    #[inline(never)]
    fn retain_other(&mut self, kernel: &Arc<Kernel>, sequence: u64, completed: impl Fn() -> u64) {
        if let Some(index) = self.recent.iter().position(|(known, _)| Arc::ptr_eq(known, kernel)) {
            self.recent[index].1 = sequence;
            self.last = index;
            return;
        }
        let entry = (kernel.clone(), sequence);
        if self.recent.len() < RECENT_MAX {
            self.last = self.recent.len();
            self.recent.push(entry);
            return;
        }
        self.last = self.next;
        let evicted = std::mem::replace(&mut self.recent[self.next], entry);
        self.next = (self.next + 1) % RECENT_MAX;
        let completed = completed();
        self.leaving.retain(|&(_, last_use)| last_use > completed);
        if evicted.1 > completed {
            self.leaving.push(evicted);
        }
    }

    fn trim(&mut self, completed: u64) {
        self.recent.retain(|&(_, last_use)| last_use > completed);
        self.leaving.retain(|&(_, last_use)| last_use > completed);
        self.next = 0;
    }
}
