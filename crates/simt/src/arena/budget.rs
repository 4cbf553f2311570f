//! How much memory a device has.

use super::OutOfMemory;
use std::sync::atomic::{AtomicU64, Ordering};

/// A limit on the bytes that are allocated, and how many are.
#[derive(Debug)]
pub struct Budget {
    capacity: u64,
    used: AtomicU64,
}

impl Budget {
    /// Nothing is used of `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        Self { capacity, used: AtomicU64::new(0) }
    }

    /// All bytes.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Bytes that are left.
    pub fn free_bytes(&self) -> u64 {
        self.capacity - self.used.load(Ordering::Relaxed).min(self.capacity)
    }

    /// Takes `bytes`.
    ///
    /// # Errors
    /// When fewer are left.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), OutOfMemory> {
        let take = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.capacity);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(()),
            Err(_) => Err(OutOfMemory { bytes }),
        }
    }

    /// Gives back what was charged.
    pub(crate) fn refund(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
