//! Which ring is the calling thread's, found without the loader's help.
//!
//! A thread-local variable of a shared library needs that help (`__tls_get_addr`). It is cheap while all that it looks at is in the
//! processor's caches, and a good part of what a recorded launch costs while it is not. So threads are told apart by the address of their control
//! block, which on x86-64 stands at the beginning of it (System V ABI, x86-64 supplement to thread-local storage).

use crate::ring::Ring;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Places that a thread may have: from its own on.
const PROBES: usize = 4;
/// A power of two. A thread that finds no place among them is found by its thread-local variable.
const PLACES: usize = 2048;

/// Rings by thread. Each thread looks for itself alone.
pub(super) struct Owners(&'static [Place]);

#[repr(align(16))]
struct Place {
    /// The thread; 0 where the place is free.
    thread: AtomicUsize,
    ring: AtomicPtr<Ring>,
}

impl Owners {
    pub(super) fn new() -> Owners {
        Owners(stdx::near::leak_slice(PLACES, || Place { thread: AtomicUsize::new(0), ring: AtomicPtr::default() }))
    }

    /// The places that a thread may have.
    fn places(&self, thread: usize) -> impl Iterator<Item = &Place> {
        (0..PROBES).map(move |probe| self.place(thread, probe))
    }

    #[inline(always)]
    fn place(&self, thread: usize, probe: usize) -> &Place {
        // The golden ratio spreads addresses, whose low bits are alike.
        let first = (thread as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &self.0[(first as usize + probe) & (PLACES - 1)]
    }

    /// The calling thread's ring, if it has a place of its own.
    #[inline(always)]
    pub(super) fn ring(&self) -> Option<&'static Ring> {
        let thread = this_thread()?;
        let place = self.place(thread, 0);
        if place.thread.load(Ordering::Relaxed) == thread { known(place) } else { self.ring_further(thread) }
    }

    #[cold]
    #[inline(never)]
    fn ring_further(&self, thread: usize) -> Option<&'static Ring> {
        self.places(thread).find(|place| place.thread.load(Ordering::Relaxed) == thread).and_then(known)
    }

    /// Gives the calling thread a place, if there is one. Only one thread at a time calls this.
    pub(super) fn add(&self, ring: &'static Ring) {
        let Some(thread) = this_thread() else { return };
        if let Some(place) = self.places(thread).find(|place| place.thread.load(Ordering::Acquire) == 0) {
            place.ring.store(std::ptr::from_ref(ring).cast_mut(), Ordering::Relaxed);
            place.thread.store(thread, Ordering::Release);
        }
    }

    /// Takes the calling thread's place away, before its ring may go.
    pub(super) fn remove(&self) {
        let Some(thread) = this_thread() else { return };
        for place in self.places(thread).filter(|place| place.thread.load(Ordering::Relaxed) == thread) {
            place.thread.store(0, Ordering::Release);
        }
    }
}

/// The ring of the calling thread's place.
#[inline(always)]
fn known(place: &Place) -> Option<&'static Ring> {
    // SAFETY: `add` has stored it on this thread, which takes its place away before the ring may go.
    unsafe { place.ring.load(Ordering::Relaxed).as_ref() }
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

    #[test]
    fn each_thread_finds_its_own() {
        let owners = Owners::new();
        let rings: &'static [Ring] = Vec::leak((0..50).map(|thread| Ring::new(thread, 4)).collect());
        let adding = std::sync::Mutex::new(());
        std::thread::scope(|scope| {
            for ring in rings {
                let (owners, adding) = (&owners, &adding);
                scope.spawn(move || {
                    for _ in 0..100 {
                        assert!(owners.ring().is_none());
                        let guard = adding.lock().unwrap();
                        owners.add(ring);
                        drop(guard);
                        assert!(owners.ring().is_none_or(|found| std::ptr::eq(found, ring)));
                        assert!(owners.ring().is_some() || cfg!(not(target_arch = "x86_64")));
                        owners.remove();
                    }
                });
            }
        });
        assert!(owners.0.iter().all(|place| place.thread.load(Ordering::Relaxed) == 0));
    }
}
