//! Recording an event with as few looks at memory as there can be.
//!
//! A program that does a lot between calls leaves nothing of ours in the processor's caches, neither code nor data. So what is rarely so, and
//! whatever takes more than the calling thread's end of its ring, is left to the ordinary way ([`Recorder::begin`]).

use super::Recorder;
use super::owners::Owners;
use crate::event::{Event, Kind};
use crate::ring::Producer;
use std::sync::atomic::Ordering;

/// What an event looks at of a recorder: the address of a table of the threads' ends of their rings ([`PLACES`](Quick::PLACES)).
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Quick {
    /// Without threads when the recorder does not record.
    owners: Owners,
}

/// An event that is going on, in the calling thread's ring.
#[derive(Clone, Copy)]
pub struct Open(&'static Producer);

impl From<Open> for [u64; 3] {
    #[inline(always)]
    fn from(open: Open) -> [u64; 3] {
        [std::ptr::from_ref(open.0).expose_provenance() as u64, 0, 0]
    }
}

impl Open {
    /// The event that these are the words of. The first is the address of the thread's end of its ring.
    ///
    /// # Safety
    /// They come from one of [`Quick::begin`], and the thread is the one that began.
    #[inline(always)]
    pub unsafe fn from_words([ring, _, _]: [u64; 3]) -> Open {
        // SAFETY: the thread keeps its ring until it ends.
        Open(unsafe { &*std::ptr::with_exposed_provenance(ring as usize) })
    }

    /// The event ends with the driver's answer.
    #[inline(always)]
    pub fn end(self, result: u32) {
        // SAFETY: the ring is the calling thread's own, where the event was begun.
        unsafe { self.0.shut(result, crate::clock::counter) };
    }
}

impl Recorder {
    /// The quick way, where time stamps are the counter's. To be asked for before anything is recorded: then the numbers of events are those of their
    /// places, and not what [`begin`](Recorder::begin) says.
    pub fn quick(&'static self) -> Option<Quick> {
        let is_quick = self.clock.is_counter();
        self.is_quick.store(is_quick, Ordering::Release);
        is_quick.then_some(Quick { owners: self.owners })
    }
}

impl Quick {
    /// How many places the table has. A thread's own is at [`stdx::hash::place`] of its control block's address, which is the first word there
    /// ([`ring`](crate::layout::ring)).
    pub const PLACES: usize = super::owners::PLACES;

    /// Begins an event at a reading of the [counter](crate::clock::counter), if the calling thread's note is the one that is said. `None` where it is
    /// not, and where the event has to go the ordinary way, which may lose it or not.
    ///
    /// # Safety
    /// The thread ends the event before it ends itself.
    #[inline(always)]
    pub unsafe fn begin(self, event: Event, start: u64, note: Option<u64>) -> Option<Open> {
        let ring = self.owners.nearest()?;
        if note.is_some_and(|note| note != ring.note.get()) {
            return None;
        }
        // SAFETY: the ring is the calling thread's own.
        let is_open =
            unsafe { ring.open(start, event.head(), event.handle, event.payload, event.kind == Kind::Launch) };
        is_open.then_some(Open(ring))
    }

    /// The calling thread's note; 0 where there is none.
    #[inline(always)]
    pub fn note(self) -> u64 {
        self.owners.nearest().map_or(0, |ring| ring.note.get())
    }

    /// Sets the calling thread's note, which is 0 at first.
    #[inline]
    pub fn set_note(self, note: u64) {
        if let Some(ring) = self.owners.nearest() {
            ring.note.set(note);
        }
    }
}
