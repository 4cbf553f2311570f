//! A bounded queue from the one thread that puts events in to the one that takes them out.
//!
//! Written here and not taken from a crate because the thread that puts in may die, or the process fork, at any point, because full
//! rings have to count by kind what they drop, and because of where it lies: what putting an event in looks at is one cache line, which is found
//! by the thread's address ([`Owners`](crate::recorder)), and the slot.

use crate::event::{Event, Slot};
use crate::pace::{Ends, Pace, Sampled};
use crate::slots::Slots;
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// What one thread writes does not share a cache line with what the other does.
#[repr(align(128))]
struct Apart<T>(T);

/// How many events ahead a slot is fetched: their launches take longer than that.
const AHEAD: u64 = 4;

/// The queue.
pub(crate) struct Ring {
    /// Where the producer's end is, if not here.
    place: Option<&'static Producer>,
    own: Producer,
    /// Events taken out, ever.
    taken: Apart<AtomicU64>,
    /// The number of the first event, if an event's number follows from its place, whatever its slot says.
    first_number: Option<u64>,
    /// For the consumer alone.
    ends: Cell<Ends>,
    /// The thread is gone: nothing comes any more.
    is_closed: AtomicBool,
    /// Launches and other events that found no room.
    dropped: [AtomicU64; 2],
    slots: Slots,
}

/// The producer's end: all that putting an event in looks at.
#[repr(C, align(64))]
pub(crate) struct Producer {
    /// The thread that finds its end here, by its address; 0 for none.
    pub(crate) thread: AtomicUsize,
    slots: Cell<*mut Slot>,
    /// Events put in, ever.
    put: AtomicU64,
    /// How many there may have been before there is more to do than to put one in: the consumer's progress is to be looked at, or it should be called.
    put_max: Cell<u64>,
    /// Number of the next event of the thread, those too that find the ring full.
    next: Cell<u64>,
    /// The rest of the ring; null where there is none.
    ring: AtomicPtr<Ring>,
    /// A word of whoever observes the thread.
    pub(crate) note: Cell<u64>,
    /// The capacity, a power of two, less 1.
    mask: Cell<u32>,
    /// Whether the slot that comes next holds an event that is still going on, and of what kind that is.
    open: Cell<u8>,
    sampled: Cell<Sampled>,
    pace: Pace,
}

// SAFETY: the cells of `Producer` are for the thread that owns the ring alone (its methods ask for that), `ends` and slots between `taken` and `put` for the
// consumer alone, the others for the producer alone; both counters are published with release and read with acquire. A place is given to
// a thread, by that thread, when no ring has it.
unsafe impl Sync for Ring {}
// SAFETY: as above; nothing is tied to a thread otherwise.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Producer {}
// SAFETY: as above.
unsafe impl Send for Producer {}

/// Where what a launch looks at lies in a thread's end of its ring, in bytes, for code that is written by hand.
pub mod at {
    use super::Producer;
    use core::mem::offset_of;

    /// Bytes of it.
    pub const BYTES: usize = size_of::<Producer>();
    /// The address of the thread's control block, of 8 bytes as are those that follow.
    pub const THREAD: usize = offset_of!(Producer, thread);
    /// The address of the slots.
    pub const SLOTS: usize = offset_of!(Producer, slots);
    /// How many events have been put in.
    pub const PUT: usize = offset_of!(Producer, put);
    /// How many there may have been before there is more to do.
    pub const PUT_MAX: usize = offset_of!(Producer, put_max);
    /// The observer's word.
    pub const NOTE: usize = offset_of!(Producer, note);
    /// The number of slots less 1, of 4 bytes.
    pub const MASK: usize = offset_of!(Producer, mask);
    /// Whether an event is [open](super::open_event), of 1 byte.
    pub const OPEN: usize = offset_of!(Producer, open);
    /// Which bits an event's number has of which ends may be left out, of 1 byte.
    pub const SAMPLED: usize = offset_of!(Producer, sampled);
    /// When the last event began, of 2 bytes ([`pace`](crate::pace::at)).
    pub const PACE: usize = offset_of!(Producer, pace);
}

/// Whether an event is open.
pub mod open_event {
    /// No event is going on.
    pub const NONE: u8 = 0;
    /// One is.
    pub const OPEN: u8 = 1;
    /// One is whose end is not read from the clock.
    pub const OPEN_WITHOUT_END: u8 = 2;
}

use open_event::{NONE, OPEN, OPEN_WITHOUT_END};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is in.
    In,
    /// It is in, and before it another half of the ring was full: the consumer should come.
    HalfFull,
    /// There was no room; it is counted.
    Dropped,
}

impl Ring {
    /// An empty ring for a thread, by its number in the recording, on that thread. The producer's end is in a place that no other ring has, or here.
    /// `all_ends`: see [`Config`](crate::Config). `is_numbered`: events have their numbers, and get none by their places.
    pub(crate) fn new(
        thread: u32,
        slots: Slots,
        place: Option<&'static Producer>,
        all_ends: bool,
        is_numbered: bool,
    ) -> Arc<Ring> {
        let first_number = u64::from(thread) << 40;
        let (own, dropped) = (Producer::default(), [const { AtomicU64::new(0) }; 2]);
        let (ends, is_closed) = (Cell::default(), AtomicBool::new(false));
        let ring = Arc::new(Ring {
            place,
            own,
            taken: Apart(AtomicU64::new(0)),
            first_number: (!is_numbered).then_some(first_number),
            ends,
            is_closed,
            dropped,
            slots,
        });
        let producer = ring.producer();
        producer.slots.set(ring.slots.start());
        producer.mask.set(ring.slots.count() as u32 - 1);
        producer.put.store(0, Ordering::Relaxed);
        producer.put_max.set(ring.slots.count() as u64 / 2);
        producer.next.set(first_number);
        producer.note.set(0);
        producer.open.set(NONE);
        producer.sampled.set(if all_ends { Sampled::ALL } else { Sampled::SOME });
        producer.pace.begin();
        producer.ring.store(Arc::as_ptr(&ring).cast_mut(), Ordering::Release);
        ring
    }

    /// The producer's end.
    pub(crate) fn producer(&self) -> &Producer {
        self.place.unwrap_or(&self.own)
    }

    /// Takes out the events that are in, at most `most`.
    ///
    /// # Safety
    /// Only one thread at a time calls this.
    pub(crate) unsafe fn take_events(&self, most: usize, mut each: impl FnMut(Event)) -> usize {
        let mut ends = self.ends.get();
        let mut last = None;
        // SAFETY: the caller's promise.
        let count = unsafe {
            self.take(most, |place, slot| {
                let mut event = Event::from_slot(slot);
                event.correlation = self.first_number.map_or(event.correlation, |first| first + place);
                if let Some(last) = last.replace(event) {
                    each(ends.complete(last, Some(event.start)));
                }
            })
        };
        last.into_iter().for_each(|last| each(ends.complete(last, None)));
        self.ends.set(ends);
        count
    }

    /// Takes out what is in, at most `most`, with the place that it has among all that ever was.
    ///
    /// # Safety
    /// Only one thread at a time calls this.
    unsafe fn take(&self, most: usize, mut each: impl FnMut(u64, &Slot)) -> usize {
        let taken = self.taken.0.load(Ordering::Relaxed);
        let count = (self.producer().put.load(Ordering::Acquire) - taken).min(most as u64);
        for number in taken..taken + count {
            // SAFETY: put in before `put` said so, and not overwritten before `taken` says so.
            each(number, unsafe { &*self.slots.start().add(number as usize & (self.slots.count() - 1)) });
        }
        self.taken.0.store(taken + count, Ordering::Release);
        count as usize
    }

    /// Events that are in.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> u64 {
        self.producer().put.load(Ordering::Acquire) - self.taken.0.load(Ordering::Acquire)
    }

    /// Launches and other events that were dropped, ever.
    pub(crate) fn dropped(&self) -> [u64; 2] {
        self.dropped.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Says that nothing comes any more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Whether nothing comes any more and nothing is in.
    pub(crate) fn is_finished(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
            && self.producer().put.load(Ordering::Acquire) == self.taken.0.load(Ordering::Relaxed)
    }

    /// Gives up a ring that is finished: its place, and its memory for another.
    pub(crate) fn give_up(&self) {
        if let Some(place) = self.place {
            place.ring.store(ptr::null_mut(), Ordering::Release);
        }
    }
}

impl Default for Producer {
    fn default() -> Producer {
        Producer {
            thread: AtomicUsize::new(0),
            slots: Cell::new(ptr::null_mut()),
            put: AtomicU64::new(0),
            put_max: Cell::new(0),
            next: Cell::new(0),
            ring: AtomicPtr::default(),
            note: Cell::new(0),
            mask: Cell::new(0),
            open: Cell::new(NONE),
            sampled: Cell::default(),
            pace: Pace::default(),
        }
    }
}

/// All of these are for the thread that owns the ring alone.
impl Producer {
    /// Whether no ring has this place.
    pub(crate) fn is_free(&self) -> bool {
        self.ring.load(Ordering::Acquire).is_null()
    }

    /// The number of an event: unlike those of all other events of all rings.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn number(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// The number that the next event will have.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn next_number(&self) -> u64 {
        self.next.get()
    }

    /// Puts an event in, or counts it as dropped.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, slot: Slot, is_launch: bool) -> Put {
        let put = self.put.load(Ordering::Relaxed);
        let mut outcome = Put::In;
        if put == self.put_max.get() || self.is_open() {
            // SAFETY: the caller's promise.
            outcome = unsafe { self.make_room(put, is_launch) };
            if outcome == Put::Dropped {
                return outcome;
            }
        }
        // SAFETY: the consumer has taken what was here, and looks again only once `put` says so.
        unsafe { self.slot(put).write(slot) };
        self.publish(put);
        outcome
    }

    /// Begins an event in the slot that comes next, where it is completed by [`shut`](Producer::shut): so nothing of it has to be kept elsewhere.
    /// It has no number but its place; its end and answer are what they are only if its head does not say that they are estimated.
    /// The thread's pace may leave out its end, if `may_estimate` says so of the event. False where another event is open, and where there is more to do.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[inline(always)]
    pub(crate) unsafe fn open(
        &self,
        start: u64,
        head: u64,
        handle: u64,
        payload: [u64; 3],
        may_estimate: bool,
    ) -> bool {
        let put = self.put.load(Ordering::Relaxed);
        if put == self.put_max.get() || self.is_open() {
            return false;
        }
        let slot = self.slot(put).cast::<u64>();
        // SAFETY: the consumer has taken what was here, and looks again only once `put` says so.
        unsafe {
            slot.add(3).write(handle);
            (0..3).for_each(|word| slot.add(4 + word).write(payload[word]));
            slot.add(7).write(0);
            slot.add(1).write(start);
            slot.add(2).write(0);
            let is_left_out = self.pace.next(self.sampled.get(), put, start) & may_estimate;
            slot.write(head | u64::from(is_left_out) << Event::END_ESTIMATED);
            self.open.set(OPEN + u8::from(is_left_out));
            true
        }
    }

    /// Completes the open event.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this, after [`open`](Producer::open).
    #[inline(always)]
    pub(crate) unsafe fn shut(&self, result: u32, now: impl FnOnce() -> u64) {
        if result != 0 {
            // SAFETY: the caller's promise.
            unsafe { self.shut_with(result, now()) };
        } else if self.open.get() == OPEN_WITHOUT_END {
            off_the_straight_way();
        } else {
            let slot = self.slot(self.put.load(Ordering::Relaxed)).cast::<u64>();
            // SAFETY: the slot that `open` has begun, or to which what came in between has moved the event.
            unsafe {
                let duration = now().wrapping_sub(slot.add(1).read());
                slot.add(2).write(if duration >> 32 == 0 { duration } else { Event::ending(duration, 0) });
            }
        }
        self.open.set(NONE);
        self.publish(self.put.load(Ordering::Relaxed));
    }

    /// Sets answer and end of the open event, which has one then.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this, while an event is open.
    #[cold]
    #[inline(never)]
    unsafe fn shut_with(&self, result: u32, now: u64) {
        let slot = self.slot(self.put.load(Ordering::Relaxed)).cast::<u64>();
        // SAFETY: as in `shut`.
        unsafe {
            slot.write(slot.read() & !(1 << Event::END_ESTIMATED));
            slot.add(2).write(Event::ending(now.wrapping_sub(slot.add(1).read()), result));
        }
    }

    #[inline(always)]
    fn is_open(&self) -> bool {
        self.open.get() != NONE
    }

    /// The slot of an event.
    #[inline(always)]
    fn slot(&self, event: u64) -> *mut Slot {
        self.slots.get().wrapping_add((event & u64::from(self.mask.get())) as usize)
    }

    /// The event that came next is in.
    #[inline(always)]
    fn publish(&self, event: u64) {
        self.put.store(event + 1, Ordering::Release);
        fetch(self.slot(event + AHEAD));
    }

    /// Looks at what the consumer has taken, and moves an open event out of the way of another, which is counted as dropped where there is no room. Says
    /// what becomes of that.
    ///
    /// # Safety
    /// Only the thread that owns the ring calls this.
    #[cold]
    #[inline(never)]
    unsafe fn make_room(&self, put: u64, is_launch: bool) -> Put {
        // SAFETY: the ring is there as long as its thread.
        let ring = unsafe { &*self.ring.load(Ordering::Relaxed) };
        let taken = ring.taken.0.load(Ordering::Acquire);
        let capacity = u64::from(self.mask.get()) + 1;
        // Behind the one that is to be put in comes the open one.
        let last = put + u64::from(self.is_open());
        if last >= taken + capacity {
            let count = &ring.dropped[usize::from(!is_launch)];
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            return Put::Dropped;
        }
        let is_half_full = last >= self.put_max.get();
        let half = capacity / 2;
        self.put_max.set(((last / half + 1) * half).min(taken + capacity));
        if self.is_open() {
            // SAFETY: two slots that the consumer does not look at.
            unsafe { self.slot(last).write(self.slot(put).read()) };
        }
        if is_half_full { Put::HalfFull } else { Put::In }
    }
}

/// What comes with this is not laid out for: in a program that does other things between launches, where the processor knows nothing of our branches, ends
/// are read, and that should be where it goes on by itself.
#[cold]
#[inline]
fn off_the_straight_way() {}

/// Has the processor fetch a slot to write to: the consumer's core has it from the last round.
#[inline(always)]
fn fetch(slot: *mut Slot) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, for an address within the ring. A processor that lacks the instruction does nothing.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) slot, options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = slot;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(thread: u32, events: usize) -> Arc<Ring> {
        Ring::new(thread, Slots::of_its_own(events), None, false, true)
    }

    #[test]
    fn what_the_producer_looks_at_is_a_line() {
        assert_eq!([size_of::<Producer>(), align_of::<Producer>()], [64; 2]);
        assert_eq!(Slots::of_its_own(4).start().addr() % 64, 0);
    }

    #[test]
    fn a_full_ring_drops_and_counts() {
        let ring = ring(3, 8);
        let (producer, mut taken) = (ring.producer(), Vec::new());
        // SAFETY: this thread alone uses the ring.
        unsafe {
            let puts: Vec<Put> = (0..10).map(|n| producer.put([n; 8], n != 9)).collect();
            let expected = [[Put::In; 4], [Put::HalfFull, Put::In, Put::In, Put::In]].concat();
            assert_eq!((&puts[..8], &puts[8..]), (&expected[..], &[Put::Dropped; 2][..]));
            assert_eq!(ring.dropped(), [1, 1]);
            assert_eq!(ring.take(3, |_, slot| taken.push(slot[0])), 3);
            assert_eq!(producer.put([20; 8], true), Put::HalfFull);
            ring.close();
            assert!(!ring.is_finished());
            assert_eq!(ring.take(100, |_, slot| taken.push(slot[0])), 6);
            assert_eq!([producer.number(), producer.number()], [3 << 40, 3 << 40 | 1]);
        }
        assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6, 7, 20]);
        assert!(ring.is_finished());
    }

    #[test]
    fn events_within_an_open_one_come_before_it() {
        let ring = ring(1, 4);
        let (producer, mut taken) = (ring.producer(), Vec::new());
        // SAFETY: this thread alone uses the ring.
        unsafe {
            assert!(producer.open(100, 7, 8, [1, 2, 3], true));
            assert!(!producer.open(101, 9, 9, [9; 3], true), "one at a time");
            assert_eq!(ring.take(9, |_, _| panic!("nothing is in")), 0);
            assert_eq!(producer.put([11; 8], true), Put::In);
            assert_eq!(producer.put([12; 8], true), Put::HalfFull);
            assert_eq!(producer.put([13; 8], true), Put::In);
            assert_eq!(producer.put([14; 8], false), Put::Dropped, "the last slot is the open event's");
            producer.shut(0, || 150);
            assert!(!producer.open(101, 9, 9, [9; 3], true), "the consumer's progress is not looked at");
            ring.take(9, |_, slot| taken.push(*slot));
            assert_eq!(taken, [[11; 8], [12; 8], [13; 8], [7, 100, 50, 8, 1, 2, 3, 0]]);
            assert_eq!(ring.dropped(), [0, 1]);
            assert_eq!(producer.put([15; 8], true), Put::HalfFull);
            assert!(producer.open(200, 7, 8, [1, 2, 3], false));
            producer.shut(719, || 190);
            ring.take(9, |_, slot| taken.push(*slot));
        }
        assert_eq!(taken[5], [7, 200, 719 << 48, 8, 1, 2, 3, 0], "a clock that goes back, and an error");
    }

    #[test]
    fn ends_that_are_left_out_are_estimated() {
        let ring = ring(0, 128);
        let (producer, mut taken) = (ring.producer(), Vec::new());
        // SAFETY: this thread alone uses the ring.
        unsafe {
            for launch in 0..40 {
                let begin = (1 << 22) + launch * 1000;
                assert!(producer.open(begin, 0, 0, [0; 3], launch != 5), "there is room");
                producer.shut(0, || begin + 100 + launch);
            }
            ring.take_events(4, |event| taken.push(event));
            ring.take_events(64, |event| taken.push(event));
        }
        let is_estimated = |event: &Event| u64::from(event.flags) & crate::records::flags::END_ESTIMATED != 0;
        let (estimated, timed): (Vec<usize>, Vec<usize>) = (0..40).partition(|number| is_estimated(&taken[*number]));
        assert_eq!(timed, [0, 5, 32], "the first, one that may not be, and one in many are not");
        for (event, launch) in taken.iter().zip(0..) {
            assert_eq!(event.start, (1 << 22) + launch * 1000);
            let timed =
                (0..=launch).rfind(|launch| !estimated.contains(&(*launch as usize))).expect("the first is timed");
            assert_eq!(event.duration, 100 + timed);
        }
    }

    #[test]
    fn two_threads_lose_nothing_but_what_is_counted() {
        let ring = ring(0, 64);
        let count = 200_000_u64;
        let mut last = None;
        let mut taken = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..count {
                    // SAFETY: this thread alone puts in.
                    unsafe { ring.producer().put([n; 8], true) };
                }
                ring.close();
            });
            while !ring.is_finished() {
                // SAFETY: this thread alone takes out.
                taken += unsafe {
                    ring.take(17, |_, slot| {
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
