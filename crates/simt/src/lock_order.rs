//! The order in which locks are taken, and the lock that checks it.
//!
//! A thread that holds a lock may only take locks of a *higher* level; debug builds check it. The levels of this crate's own
//! locks are declared in `EngineRank`, here and nowhere else; a crate that stands on this one declares its own below
//! [`LEVELS_OUTSIDE`], and so takes its locks before the engine's. Machine code never holds one: the runtime functions that it
//! calls release theirs before they return, and cannot fault while they hold them.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A place in the order.
pub trait Rank: Copy + Debug {
    /// Its number, below 64; locks with higher numbers are taken later.
    fn level(self) -> u32;
}

/// Levels below this one belong to the crates that stand on the engine.
pub const LEVELS_OUTSIDE: u32 = 32;

/// Every lock of the engine, from the one taken first to the one taken last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum EngineRank {
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

impl Rank for EngineRank {
    fn level(self) -> u32 {
        LEVELS_OUTSIDE + self as u32
    }
}

/// A mutex with a place in the order.
#[derive(Debug)]
pub struct Lock<T> {
    #[cfg(debug_assertions)]
    level: u32,
    value: Mutex<T>,
}

impl<T> Lock<T> {
    /// A lock around a value.
    pub fn new(rank: impl Rank, value: T) -> Self {
        Self::at(rank.level(), value)
    }

    /// The same, for statics.
    pub(crate) const fn at(level: u32, value: T) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = level;
        Self {
            #[cfg(debug_assertions)]
            level,
            value: Mutex::new(value),
        }
    }

    /// Takes the lock. A panic of an earlier holder is not passed on: who uses this lock leaves its data valid at each
    /// step of a critical section.
    pub fn lock(&self) -> Guard<'_, T> {
        #[cfg(debug_assertions)]
        held::enter(self.level);
        Guard {
            value: self.value.lock().unwrap_or_else(PoisonError::into_inner),
            #[cfg(debug_assertions)]
            level: self.level,
        }
    }
}

/// A lock that is held.
#[derive(Debug)]
pub struct Guard<'a, T> {
    value: MutexGuard<'a, T>,
    #[cfg(debug_assertions)]
    level: u32,
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
        held::leave(self.level);
    }
}

#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    thread_local! {
        /// One bit for each level that this thread holds.
        static HELD: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn enter(level: u32) {
        let bit = 1u64 << level;
        let held = HELD.get();
        assert!(held < bit, "lock order: level {level} taken while levels {held:#b} are held");
        HELD.set(held | bit);
    }

    pub(super) fn leave(level: u32) {
        HELD.set(HELD.get() & !(1u64 << level));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_order_is_accepted() {
        let outer = Lock::new(EngineRank::Producer, 1);
        let inner = Lock::new(EngineRank::Arena, 2);
        let held = outer.lock();
        assert_eq!(*held + *inner.lock(), 3);
        drop(held);
        assert_eq!(*inner.lock(), 2);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock order")]
    fn another_order_is_found_in_debug_builds() {
        let outer = Lock::new(EngineRank::Producer, ());
        let inner = Lock::new(EngineRank::Arena, ());
        let _held = inner.lock();
        let _wrong = outer.lock();
    }
}
