//! The order in which this crate takes its locks, declared here and nowhere else.
//!
//! A thread that holds a lock may only take locks of a *higher* [`Rank`]; debug builds check it. Machine code never holds
//! one: the runtime functions that it calls release theirs before they return, and cannot fault while they hold them.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every lock of the crate, from the one taken first to the one taken last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Rank {
    /// Threads of the engine, started on the first command.
    Threads,
    /// The producer's side of a stream's ring.
    Producer,
    /// Streams that wait for another stream.
    Dependents,
    /// Ready streams, running grids, suspended blocks.
    Scheduler,
    /// Functions for the host-function thread.
    HostFunctions,
    /// Memory for blocks, kept for reuse.
    Workspaces,
    /// A domain's device heap.
    Heap,
    /// A domain's buffer for formatted output.
    Output,
    /// The first fault of a domain.
    Fault,
    /// Allocations and free ranges of the arena.
    Arena,
    /// Execution stacks that the signal handler knows.
    Stacks,
}

/// A mutex with a place in the order.
#[derive(Debug)]
pub(crate) struct Lock<T> {
    #[cfg(debug_assertions)]
    rank: Rank,
    value: Mutex<T>,
}

impl<T> Lock<T> {
    pub(crate) const fn new(rank: Rank, value: T) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = rank;
        Self {
            #[cfg(debug_assertions)]
            rank,
            value: Mutex::new(value),
        }
    }

    /// Takes the lock. A panic of an earlier holder is not passed on: every critical section of this crate leaves its
    /// data valid at each step.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        #[cfg(debug_assertions)]
        held::enter(self.rank);
        Guard {
            value: self.value.lock().unwrap_or_else(PoisonError::into_inner),
            #[cfg(debug_assertions)]
            rank: self.rank,
        }
    }
}

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Guard<'a, T> {
    value: MutexGuard<'a, T>,
    #[cfg(debug_assertions)]
    rank: Rank,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(debug_assertions)]
impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        held::leave(self.rank);
    }
}

#[cfg(debug_assertions)]
mod held {
    use super::Rank;
    use std::cell::Cell;

    thread_local! {
        /// One bit for each rank that this thread holds.
        static HELD: Cell<u32> = const { Cell::new(0) };
    }

    pub(super) fn enter(rank: Rank) {
        let bit = 1 << rank as u32;
        let held = HELD.get();
        assert!(held < bit, "lock order: {rank:?} taken while ranks {held:#b} are held");
        HELD.set(held | bit);
    }

    pub(super) fn leave(rank: Rank) {
        HELD.set(HELD.get() & !(1 << rank as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_order_is_accepted() {
        let outer = Lock::new(Rank::Producer, 1);
        let inner = Lock::new(Rank::Arena, 2);
        let held = outer.lock();
        assert_eq!(*held + *inner.lock(), 3);
        drop(held);
        assert_eq!(*inner.lock(), 2);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock order")]
    fn another_order_is_found_in_debug_builds() {
        let outer = Lock::new(Rank::Producer, ());
        let inner = Lock::new(Rank::Arena, ());
        let _held = inner.lock();
        let _wrong = outer.lock();
    }
}
