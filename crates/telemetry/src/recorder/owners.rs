//! Which ring is the calling thread's, found without the loader's help.
//!
//! A thread-local variable of a shared library needs that help (`__tls_get_addr`). It is cheap while all that it looks at is in the
//! processor's caches, and a good part of what a recorded launch costs while it is not. So threads are told apart by the address of their control
//! block, which on x86-64 stands at the beginning of it (System V ABI, x86-64 supplement to thread-local storage).

use crate::ring::Producer;
use std::sync::atomic::Ordering;

/// Places that a thread may have: from its own on.
const PROBES: usize = 4;
/// A power of two. A thread that finds no place among them is found by its thread-local variable.
pub(super) const PLACES: usize = 1024;

/// The producers' ends of rings by thread. Each thread looks for itself alone.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(super) struct Owners(&'static [Producer; PLACES]);

impl Owners {
    pub(super) fn new() -> Owners {
        let places = stdx::near::leak_slice(PLACES, Producer::default);
        Owners(places.try_into().expect("as many as were asked for"))
    }

    /// The places that a thread may have.
    fn places(self, thread: usize) -> impl Iterator<Item = &'static Producer> {
        (0..PROBES).map(move |probe| self.place(thread, probe))
    }

    #[inline(always)]
    fn place(self, thread: usize, probe: usize) -> &'static Producer {
        &self.0[(stdx::hash::place(thread as u64, PLACES) + probe) & (PLACES - 1)]
    }

    /// The calling thread's end, if it is where it belongs.
    #[inline(always)]
    pub(super) fn nearest(self) -> Option<&'static Producer> {
        let thread = this_thread()?;
        let place = self.place(thread, 0);
        (place.thread.load(Ordering::Relaxed) == thread).then_some(place)
    }

    /// The calling thread's end, if it has a place.
    #[inline(always)]
    pub(super) fn producer(self) -> Option<&'static Producer> {
        self.nearest().or_else(|| self.producer_further())
    }

    #[cold]
    #[inline(never)]
    fn producer_further(self) -> Option<&'static Producer> {
        let thread = this_thread()?;
        self.places(thread).find(|place| place.thread.load(Ordering::Relaxed) == thread)
    }

    /// A place for the calling thread's next ring, if there is one. Only one thread at a time calls this, up to [`add`](Owners::add).
    pub(super) fn free_place(self) -> Option<&'static Producer> {
        self.places(this_thread()?).find(|place| place.is_free())
    }

    /// The place has the calling thread's ring.
    pub(super) fn add(place: &'static Producer) {
        place.thread.store(this_thread().unwrap_or(0), Ordering::Relaxed);
    }

    /// The calling thread does not find its place any more: its ring may go.
    pub(super) fn remove(self) {
        let Some(thread) = this_thread() else { return };
        for place in self.places(thread).filter(|place| place.thread.load(Ordering::Relaxed) == thread) {
            place.thread.store(0, Ordering::Relaxed);
        }
    }

    /// No thread finds its place any more.
    pub(super) fn remove_all(self) {
        // In a forked child what is not written stays the parent's memory.
        for place in self.0.iter().filter(|place| place.thread.load(Ordering::Relaxed) != 0) {
            place.thread.store(0, Ordering::Relaxed);
        }
    }
}

/// The address of the calling thread's control block, where that can be had without help.
#[inline(always)]
fn this_thread() -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    {
        let thread: usize;
        // SAFETY: reads the first word of the control block, which the ABI says is its address.
        unsafe { core::arch::asm!("mov {}, fs:0", out(reg) thread, options(nostack, preserves_flags, readonly, pure)) };
        Some(thread)
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::Ring;
    use crate::slots::Slots;

    #[test]
    fn each_thread_finds_its_own() {
        let owners = Owners::new();
        let adding = std::sync::Mutex::new(());
        std::thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| {
                    for turn in 0..100 {
                        assert!(owners.producer().is_none());
                        let guard = adding.lock().unwrap();
                        let place = owners.free_place();
                        let ring = Ring::new(turn, Slots::of_its_own(4), place, false, true);
                        place.inspect(|place| Owners::add(place));
                        drop(guard);
                        let found = owners.producer();
                        assert_eq!(found.is_some(), place.is_some());
                        assert!(found.is_none_or(|found| std::ptr::eq(found, ring.producer())));
                        assert!(found.is_some() || cfg!(not(target_arch = "x86_64")));
                        owners.remove();
                        ring.give_up();
                    }
                });
            }
        });
        assert!(owners.0.iter().all(|place| place.is_free() && place.thread.load(Ordering::Relaxed) == 0));
    }
}
