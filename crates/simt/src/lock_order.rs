//! The order in which locks are taken, and the lock that checks it.
//!
//! A thread that holds a lock may only take locks of a *higher* level; debug builds check it. The levels of this crate's own
//! locks are declared in `EngineRank`, here and nowhere else; a crate that stands on this one declares its own below
//! [`LEVELS_OUTSIDE`], and so takes its locks before the engine's. Machine code never holds one: the runtime functions that it
//! calls release theirs before they return, and cannot fault while they hold them.

use std::cell::UnsafeCell;
use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// The grids that a grid launches.
    Family,
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
    /// Entries of the table of textures.
    Textures,
    /// Allocations and free ranges of the arena.
    Arena,
    /// Variants of a kernel's code.
    Variants,
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

/// A lock for critical sections of a few dozen instructions on the way of a launch. Letting go of it is a plain store, where a mutex
/// takes an atomic exchange, which waits until all earlier stores are done; who finds it taken tries again, and gives way to
/// other threads after a while.
#[derive(Debug)]
pub(crate) struct BriefLock<T> {
    #[cfg(debug_assertions)]
    level: u32,
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `taken` lets one thread at a time to the value.
unsafe impl<T: Send> Sync for BriefLock<T> {}

/// Looks at a taken lock before other threads get the processor.
const LOOKS: u32 = 64;

impl<T> BriefLock<T> {
    /// A lock around a value.
    pub(crate) fn new(rank: impl Rank, value: T) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = rank;
        Self {
            #[cfg(debug_assertions)]
            level: rank.level(),
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock.
    #[inline]
    pub(crate) fn lock(&self) -> BriefGuard<'_, T> {
        #[cfg(debug_assertions)]
        held::enter(self.level);
        if self.taken.swap(true, Ordering::Acquire) {
            self.wait();
        }
        BriefGuard { lock: self }
    }

    #[cold]
    fn wait(&self) {
        let mut looks = 0;
        while self.taken.load(Ordering::Relaxed) || self.taken.swap(true, Ordering::Acquire) {
            looks += 1;
            if looks % LOOKS == 0 {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// A [`BriefLock`] that is held.
#[derive(Debug)]
pub(crate) struct BriefGuard<'a, T> {
    lock: &'a BriefLock<T>,
}

impl<T> Deref for BriefGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the guard stands for the one thread that may use the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for BriefGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for BriefGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.taken.store(false, Ordering::Release);
        #[cfg(debug_assertions)]
        held::leave(self.lock.level);
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
    fn a_brief_lock_lets_one_thread_in_at_a_time() {
        let lock = BriefLock::new(EngineRank::Producer, 0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 40_000);
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
