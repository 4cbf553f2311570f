//! The heap of `malloc` and `free` in kernels.

use crate::arena::{Arena, Purpose, Ranges};
use crate::lock_order::{EngineRank, Lock};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Alignment of what `malloc` returns, and the unit of the heap.
const GRANULE: u64 = 16;

/// A heap of a fixed size. Its memory is taken from the arena at the first `malloc`.
#[derive(Debug)]
pub struct Heap {
    arena: Arc<Arena>,
    /// Bytes that the heap gets, or has.
    bytes: AtomicU64,
    state: Lock<Option<State>>,
}

#[derive(Debug)]
struct State {
    base: u64,
    free: Ranges,
    /// Address → granules.
    live: HashMap<u64, u64>,
}

impl Heap {
    pub(crate) fn new(arena: Arc<Arena>, bytes: u64) -> Heap {
        Heap { arena, bytes: AtomicU64::new(bytes), state: Lock::new(EngineRank::Heap, None) }
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Changes the size. False once the heap is in use.
    pub fn resize(&self, bytes: u64) -> bool {
        let state = self.state.lock();
        if state.is_none() {
            self.bytes.store(bytes, Ordering::Relaxed);
        }
        state.is_none()
    }

    /// Address of `bytes` bytes; 0 when there are none left, and for 0 bytes.
    pub fn allocate(&self, bytes: u64) -> u64 {
        if bytes == 0 || bytes > self.bytes() {
            return 0;
        }
        let mut state = self.state.lock();
        if state.is_none() {
            let total = self.bytes().next_multiple_of(GRANULE);
            let Ok(base) = self.arena.allocate(total, Purpose::Internal, None) else { return 0 };
            *state = Some(State { base, free: Ranges::new(base / GRANULE, total / GRANULE), live: HashMap::new() });
        }
        let Some(state) = state.as_mut() else { return 0 };
        let granules = bytes.div_ceil(GRANULE);
        let Some(start) = state.free.take(granules) else { return 0 };
        state.live.insert(start * GRANULE, granules);
        start * GRANULE
    }

    /// False if `address` is not what [`allocate`](Heap::allocate) returned, or was freed. 0 is always in order.
    pub fn free(&self, address: u64) -> bool {
        if address == 0 {
            return true;
        }
        let mut state = self.state.lock();
        let Some(state) = state.as_mut() else { return false };
        let Some(granules) = state.live.remove(&address) else { return false };
        state.free.give(address / GRANULE, granules);
        true
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        if let Some(state) = self.state.lock().take() {
            self.arena.free(state.base, &[Purpose::Internal]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_knows_what_it_gave() {
        let heap = Heap::new(Arc::new(Arena::new().unwrap()), 4096);
        assert!(heap.resize(64 << 10));
        let first = heap.allocate(30_000);
        let second = heap.allocate(30_000);
        assert!(first.is_multiple_of(16) && second.is_multiple_of(16) && first.abs_diff(second) >= 30_000);
        assert_eq!(heap.allocate(30_000), 0);
        assert!(heap.free(first) && !heap.free(first) && !heap.free(second + 16) && heap.free(0));
        assert_ne!(heap.allocate(30_000), 0);
        assert_eq!((heap.allocate(0), heap.allocate(u64::MAX)), (0, 0));
        assert!(!heap.resize(1 << 20));
    }
}
