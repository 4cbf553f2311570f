//! What is usual of a function's launches, for code that is written by hand to recognise with few looks.
//!
//! Everything that has to be so for that lies in one number, the generation: it changes whenever a handle may come to name something else, and
//! nothing is of it while something unusual goes on. So an entry that is of the generation holds.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering};
use stdx::{hash, near};

/// Functions that are kept, a power of two. Of several that would be in the same place, the first is.
const PLACES: usize = 1 << 14;
/// The stream of a function that was launched in no stream but the default ones.
const NO_STREAM: u64 = u64::MAX;
/// The generation of an entry that is being written.
const BUSY: u64 = u64::MAX;
/// Set in the generation while something unusual goes on.
const SUSPENDED: u64 = 1;

/// The table. What launches look at comes first.
#[repr(C)]
pub(crate) struct Usual {
    generation: AtomicU64,
    entries: &'static [Entry; PLACES],
}

/// Never in two cache lines. An entry is read from the generation on, and then the table's generation again: who writes makes it another one first.
#[repr(C, align(32))]
#[derive(Default)]
struct Entry {
    generation: AtomicU64,
    function: AtomicU64,
    stream: AtomicU64,
    launch: AtomicU64,
}

/// Where the parts of the table lie, in bytes, of 8 bytes each. A function's entry is at [`stdx::hash::place`]. It holds if its generation, which is to be read first,
/// is the table's, which is to be read last.
#[derive(Debug, Clone, Copy)]
pub struct UsualLayout {
    /// How many entries there are, a power of two.
    pub places: usize,
    /// Bytes of an entry.
    pub entry_bytes: usize,
    /// The table's generation, from the beginning of the layer.
    pub generation: usize,
    /// The address of the entries, from there too.
    pub entries: usize,
    /// The generation of an entry, from its beginning.
    pub entry_generation: usize,
    /// The function, likewise.
    pub function: usize,
    /// A stream in the context of the function's launches, or the highest number: then a launch in a default stream is in that context if the thread's
    /// note says so.
    pub stream: usize,
    /// Context and kernel as [`launch_word`] has them.
    pub launch: usize,
}

/// Context and kernel of a launch: 16 bits that are 0, 16 bits, and 32 bits.
pub(crate) const fn launch_word(kernel: u32, context: u16) -> u64 {
    (context as u64) << 16 | (kernel as u64) << 32
}

impl Usual {
    /// Where the parts lie of a table that is at `at` itself.
    pub(crate) const fn layout(at: usize) -> UsualLayout {
        UsualLayout {
            places: PLACES,
            entry_bytes: size_of::<Entry>(),
            generation: at + offset_of!(Usual, generation),
            entries: at + offset_of!(Usual, entries),
            entry_generation: offset_of!(Entry, generation),
            function: offset_of!(Entry, function),
            stream: offset_of!(Entry, stream),
            launch: offset_of!(Entry, launch),
        }
    }

    /// An empty table. The memory of its entries is not given back.
    pub(crate) fn new() -> Usual {
        let entries = near::leak_slice(PLACES, Entry::default);
        // Entries that were never written are of generation 0.
        Usual { generation: AtomicU64::new(2), entries: entries.try_into().expect("as many as were asked for") }
    }

    /// The generation, to be handed to [`note`](Usual::note) once it has been found out what to note.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// No entry holds any more.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(2, Ordering::AcqRel);
    }

    /// Says whether something unusual goes on: then no entry holds, and those of before not afterwards either.
    pub(crate) fn suspend(&self, is_unusual: bool) {
        let change = |generation: u64| match (is_unusual, generation & SUSPENDED != 0) {
            (true, false) | (false, true) => Some(generation + 1),
            _ => None,
        };
        let _ = self.generation.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }

    /// Notes a launch, in a stream unless that is a default one, if nothing has changed since `generation` and the place is free.
    #[cold]
    pub(crate) fn note(&self, function: u64, stream: Option<u64>, launch: u64, generation: u64) {
        let entry = &self.entries[hash::place(function, PLACES)];
        let stream = stream.unwrap_or(NO_STREAM);
        let old = entry.generation.load(Ordering::Acquire);
        // Nearly always there is nothing to do; then nothing is written.
        if old == generation && (stream == NO_STREAM || entry.stream.load(Ordering::Acquire) != NO_STREAM) {
            return;
        }
        let is_taken = old <= generation
            && generation & SUSPENDED == 0
            && entry.generation.compare_exchange(old, BUSY, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if !is_taken {
            return;
        }
        let [of, was, found] = [&entry.function, &entry.stream, &entry.launch].map(|word| word.load(Ordering::Relaxed));
        // What holds stays, but for a stream, which is in the context that the entry has, where there was none.
        if old < generation || (of, was, found) == (function, NO_STREAM, launch) {
            entry.function.store(function, Ordering::Release);
            entry.stream.store(stream, Ordering::Release);
            entry.launch.store(launch, Ordering::Release);
        }
        entry.generation.store(generation, Ordering::Release);
    }

    /// What the code that is written by hand finds of a launch, by the same steps.
    #[cfg(test)]
    pub(crate) fn find(&self, function: u64) -> Option<(u64, u64)> {
        let entry = &self.entries[hash::place(function, PLACES)];
        let generation = entry.generation.load(Ordering::Acquire);
        let found = [&entry.function, &entry.stream, &entry.launch].map(|word| word.load(Ordering::Acquire));
        (found[0] == function && generation == self.generation()).then_some((found[1], found[2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_hold_until_something_changes() {
        let usual = Usual::new();
        assert_eq!(usual.find(0), None);
        let note = |function, stream, launch| usual.note(function, stream, launch, usual.generation());
        note(1 << 12, None, 7);
        assert_eq!(usual.find(1 << 12), Some((NO_STREAM, 7)));
        note(1 << 12, Some(40), 8);
        assert_eq!(usual.find(1 << 12), Some((NO_STREAM, 7)), "of another kernel or context");
        note(1 << 12, Some(40), 7);
        note(1 << 12, Some(41), 7);
        assert_eq!(usual.find(1 << 12), Some((40, 7)), "the first stays");
        let before = usual.generation();
        usual.forget();
        assert_eq!(usual.find(1 << 12), None);
        usual.note(1 << 12, None, 9, before);
        assert_eq!(usual.find(1 << 12), None, "found out before everything was forgotten");
        note(1 << 12, None, 9);
        usual.note(1 << 12, None, 7, before);
        assert_eq!(usual.find(1 << 12), Some((NO_STREAM, 9)), "what is older writes nothing");
    }

    #[test]
    fn nothing_holds_while_something_unusual_goes_on() {
        let usual = Usual::new();
        let note = |launch| usual.note(64, None, launch, usual.generation());
        note(1);
        for launch in 2..10 {
            usual.suspend(true);
            note(100);
            assert_eq!(usual.find(64), None);
            if launch % 2 == 0 {
                usual.forget();
                usual.suspend(true);
            }
            assert_eq!(usual.find(64), None);
            usual.suspend(false);
            usual.suspend(false);
            assert_eq!(usual.find(64), None, "it is of before");
            note(launch);
            assert_eq!(usual.find(64), Some((NO_STREAM, launch)));
        }
    }

    #[test]
    fn readers_never_see_half_an_entry() {
        let usual = Usual::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for turn in 0..50_000_u64 {
                        let generation = usual.generation();
                        usual.note(64, Some(generation + 1), generation, generation);
                        if turn % 3 == 0 {
                            usual.forget();
                        }
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..200_000 {
                    assert!(usual.find(64).is_none_or(|(stream, launch)| stream == launch + 1));
                }
            });
        });
    }
}
