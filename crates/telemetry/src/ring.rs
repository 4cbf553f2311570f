//! A bounded queue from the one thread that puts events in to the one that takes them out.
//!
//! Written here and not taken from a crate because the thread that puts in may die, or the process fork, at any point, and because full
//! rings have to count by kind what they drop.

use crate::event::Slot;
use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What one thread writes does not share a cache line with what the other does.
#[repr(align(128))]
struct Apart<T>(T);

/// How many events ahead a slot is fetched: their launches take longer than that.
const AHEAD: u64 = 4;

/// The queue.
pub(crate) struct Ring {
    producer: Apart<Producer>,
    /// Events taken out, ever.
    taken: Apart<AtomicU64>,
}

/// All that putting an event in looks at, in one cache line.
struct Producer {
    /// A power of two.
    slots: Box<[UnsafeCell<MaybeUninit<Slot>>]>,
    /// Number of the thread in the recording.
    thread: u32,
    /// The thread is gone: nothing comes any more.
    closed: AtomicBool,
    /// Events put in, ever.
    put: AtomicU64,
    /// `taken` as the producer saw it last.
    taken_seen: Cell<u64>,
    /// Number of the next event of the thread, those too that find the ring full.
    next: Cell<u64>,
    dropped_launches: AtomicU64,
    dropped_others: AtomicU64,
}

// SAFETY: the cells of `Producer` are for the thread that owns the ring alone (`put` asks for that), slots between `taken` and `put` for the
// consumer alone, the others for the producer alone; both counters are published with release and read with acquire.
unsafe impl Sync for Ring {}
// SAFETY: as above; nothing is tied to a thread otherwise.
unsafe impl Send for Ring {}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is in.
    In,
    /// It is in, and another half of the ring is full: the consumer should come.
    HalfFull,
    /// There was no room; it is counted.
    Dropped,
}

impl Ring {
    /// An empty ring for a power of two of events. Memory is taken from the system when it is first used.
    pub(crate) fn new(thread: u32, events: usize) -> Ring {
        assert!(events.is_power_of_two(), "a ring of {events} events");
        let slots = Box::<[UnsafeCell<MaybeUninit<Slot>>]>::new_uninit_slice(events);
        Ring {
            producer: Apart(Producer {
                // SAFETY: uninitialised slots are what the type says they may be.
                slots: unsafe { slots.assume_init() },
                thread,
                closed: AtomicBool::new(false),
                put: AtomicU64::new(0),
                taken_seen: Cell::new(0),
                next: Cell::new(0),
                dropped_launches: AtomicU64::new(0),
                dropped_others: AtomicU64::new(0),
            }),
            taken: Apart(AtomicU64::new(0)),
        }
    }

    /// The number of an event: unlike those of all other events of all rings.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn number(&self) -> u64 {
        let next = self.producer.0.next.get();
        self.producer.0.next.set(next + 1);
        u64::from(self.producer.0.thread) << 40 | next
    }

    /// The number that the next event will have.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn next_number(&self) -> u64 {
        u64::from(self.producer.0.thread) << 40 | self.producer.0.next.get()
    }

    /// Puts an event in, or counts it as dropped.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, slot: Slot, is_launch: bool) -> Put {
        let producer = &self.producer.0;
        let (put, capacity) = (producer.put.load(Ordering::Relaxed), self.producer.0.slots.len() as u64);
        if put - producer.taken_seen.get() >= capacity {
            producer.taken_seen.set(self.taken.0.load(Ordering::Acquire));
            if put - producer.taken_seen.get() >= capacity {
                let count = if is_launch { &producer.dropped_launches } else { &producer.dropped_others };
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                return Put::Dropped;
            }
        }
        // SAFETY: the consumer has taken what was here (acquire above, or an earlier one), and looks again only once `put` says so.
        unsafe { (*self.producer.0.slots[put as usize & (self.producer.0.slots.len() - 1)].get()).write(slot) };
        producer.put.store(put + 1, Ordering::Release);
        self.fetch(put + AHEAD);
        if (put + 1) & (capacity / 2 - 1) == 0 { Put::HalfFull } else { Put::In }
    }

    /// Has the processor fetch a slot to write to: the consumer's core has it from the last round.
    #[inline(always)]
    fn fetch(&self, number: u64) {
        let slot = self.producer.0.slots[number as usize & (self.producer.0.slots.len() - 1)].get();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint, for an address within the ring. A processor that lacks the instruction does nothing.
        unsafe {
            core::arch::asm!("prefetchw [{}]", in(reg) slot, options(nostack, preserves_flags));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = slot;
    }

    /// Takes out what is in, at most `most`.
    ///
    /// # Safety
    /// Only one thread at a time calls this.
    pub(crate) unsafe fn take(&self, most: usize, mut each: impl FnMut(&Slot)) -> usize {
        let taken = self.taken.0.load(Ordering::Relaxed);
        let count = (self.producer.0.put.load(Ordering::Acquire) - taken).min(most as u64);
        for number in taken..taken + count {
            // SAFETY: put in before `put` said so, and not overwritten before `taken` says so.
            each(unsafe {
                (*self.producer.0.slots[number as usize & (self.producer.0.slots.len() - 1)].get()).assume_init_ref()
            });
        }
        self.taken.0.store(taken + count, Ordering::Release);
        count as usize
    }

    /// Events that are in.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> u64 {
        self.producer.0.put.load(Ordering::Acquire) - self.taken.0.load(Ordering::Acquire)
    }

    /// Launches and other events that were dropped, ever.
    pub(crate) fn dropped(&self) -> [u64; 2] {
        [&self.producer.0.dropped_launches, &self.producer.0.dropped_others].map(|count| count.load(Ordering::Relaxed))
    }

    /// Says that nothing comes any more.
    pub(crate) fn close(&self) {
        self.producer.0.closed.store(true, Ordering::Release);
    }

    /// Whether nothing comes any more and nothing is in.
    pub(crate) fn is_finished(&self) -> bool {
        self.producer.0.closed.load(Ordering::Acquire)
            && self.producer.0.put.load(Ordering::Acquire) == self.taken.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_drops_and_counts() {
        let ring = Ring::new(3, 8);
        let mut taken = Vec::new();
        // SAFETY: this thread alone uses the ring.
        unsafe {
            let puts: Vec<Put> = (0..10).map(|n| ring.put([n; 8], n != 9)).collect();
            assert_eq!(puts.iter().filter(|put| **put == Put::HalfFull).count(), 2);
            assert_eq!(puts[8..], [Put::Dropped; 2]);
            assert_eq!(ring.dropped(), [1, 1]);
            assert_eq!(ring.take(3, |slot| taken.push(slot[0])), 3);
            assert_eq!(ring.put([20; 8], true), Put::In);
            ring.close();
            assert!(!ring.is_finished());
            assert_eq!(ring.take(100, |slot| taken.push(slot[0])), 6);
            assert_eq!([ring.number(), ring.number()], [3 << 40, 3 << 40 | 1]);
        }
        assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6, 7, 20]);
        assert!(ring.is_finished());
    }

    #[test]
    fn two_threads_lose_nothing_but_what_is_counted() {
        let ring = Ring::new(0, 64);
        let count = 200_000_u64;
        let mut last = None;
        let mut taken = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..count {
                    // SAFETY: this thread alone puts in.
                    unsafe { ring.put([n; 8], true) };
                }
                ring.close();
            });
            while !ring.is_finished() {
                // SAFETY: this thread alone takes out.
                taken += unsafe {
                    ring.take(17, |slot| {
                        assert!(slot.iter().all(|word| *word == slot[0]), "half an event: {slot:?}");
                        assert!(last.is_none_or(|last| slot[0] > last));
                        last = Some(slot[0]);
                    })
                } as u64;
            }
        });
        assert_eq!(taken + ring.dropped()[0], count);
    }
}
