//! Who accessed a word of memory last.

/// An access of a thread, as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Record {
    /// Ticks of synchronisation between blocks so far.
    pub ticks: u64,
    /// The block, by its number in the grid.
    pub block: u32,
    /// The warp's own time; 0 stands for no access.
    pub clock: u32,
    /// Where in the program.
    pub site: u32,
    /// The warp in the block, or behind all warps its copies, and the lane.
    pub warp: u8,
    pub lane: u8,
    /// Which bytes of the word.
    pub bytes: u8,
    /// Whether other threads are meant to see it while they run.
    pub strong: bool,
    /// Whether it is an atomic operation that may be preceded by an ordinary load, which guesses a value for compare-and-swap.
    pub guessable: bool,
}

impl Record {
    fn is_by_warp_of(&self, other: &Record) -> bool {
        (self.block, self.warp) == (other.block, other.warp)
    }
}

/// A word's last write, its last strong one, and reads since then. They are kept apart because strong ones do not conflict with each other, but with
/// an ordinary write before.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cell {
    write: Record,
    strong_write: Record,
    reads: [Record; 2],
}

/// An earlier access that an access is not ordered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Conflict {
    pub earlier: Record,
    pub earlier_wrote: bool,
}

impl Cell {
    /// Notes an access; an earlier one that it conflicts with, if `is_ordered` says of none that it is behind it.
    pub fn enter(&mut self, access: Record, writes: bool, is_ordered: impl Fn(&Record) -> bool) -> Option<Conflict> {
        let conflicts = |earlier: &Record| {
            earlier.clock != 0
                && earlier.bytes & access.bytes != 0
                && (!earlier.strong || !access.strong)
                && (!earlier.guessable || writes)
                && !earlier.is_by_warp_of(&access)
                && !is_ordered(earlier)
        };
        let write = [&self.write, &self.strong_write].into_iter().find(|write| conflicts(write));
        let mut found = write.map(|write| Conflict { earlier: *write, earlier_wrote: true });
        if writes && found.is_none() {
            let read = self.reads.iter().find(|read| !access.guessable && conflicts(read));
            found = read.map(|read| Conflict { earlier: *read, earlier_wrote: false });
        }
        if writes {
            let write = if access.strong { &mut self.strong_write } else { &mut self.write };
            *write = merged(*write, access);
            self.reads = Default::default();
        } else if self.reads[0].clock == 0 || self.reads[0].is_by_warp_of(&access) {
            self.reads[0] = merged(self.reads[0], access);
        } else {
            // A third reader takes the place of the first: a race with that one may be missed.
            self.reads.swap(0, 1);
            self.reads[0] = merged(self.reads[0], access);
        }
        found
    }
}

/// The later of two accesses; of one warp at one place both, since its lanes may access bytes of one word.
fn merged(earlier: Record, later: Record) -> Record {
    let same = earlier.is_by_warp_of(&later) && (earlier.clock, earlier.site) == (later.clock, later.site);
    Record { bytes: later.bytes | if same { earlier.bytes } else { 0 }, ..later }
}

/// The words that an access touches: each word's index, and the bytes of it.
pub(crate) fn words(address: u64, bytes: u32) -> impl Iterator<Item = (u64, u8)> {
    let end = address + u64::from(bytes);
    (address / 4..end.div_ceil(4)).map(move |word| {
        let first = address.max(word * 4) - word * 4;
        let last = end.min(word * 4 + 4) - word * 4;
        (word, ((1u16 << last) - (1 << first)) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(warp: u8, bytes: u8, strong: bool) -> Record {
        Record { clock: 1, warp, bytes, strong, ..Record::default() }
    }

    #[test]
    fn what_is_not_ordered_conflicts_if_one_writes() {
        let mut cell = Cell::default();
        assert_eq!(cell.enter(by(0, 15, false), false, |_| false), None);
        assert_eq!(cell.enter(by(1, 15, false), false, |_| false), None);
        let conflict = cell.enter(by(1, 15, false), true, |_| false).unwrap();
        assert_eq!((conflict.earlier.warp, conflict.earlier_wrote), (0, false));
        assert_eq!(cell.enter(by(2, 15, false), false, |_| true), None);
        assert!(cell.enter(by(3, 15, true), false, |_| false).unwrap().earlier_wrote);
    }

    #[test]
    fn bytes_and_strong_accesses_are_apart() {
        let mut cell = Cell::default();
        assert_eq!(cell.enter(by(0, 1, false), true, |_| false), None);
        assert_eq!(cell.enter(by(1, 2, false), true, |_| false), None);
        let mut cell = Cell::default();
        assert_eq!(cell.enter(by(0, 15, true), true, |_| false), None);
        assert_eq!(cell.enter(by(1, 15, true), true, |_| false), None);
        let mut cell = Cell::default();
        assert_eq!(cell.enter(by(0, 15, false), true, |_| false), None);
        assert_eq!(cell.enter(by(0, 15, true), true, |_| false), None);
        assert!(cell.enter(by(1, 15, true), true, |_| false).is_some(), "the ordinary write before");
    }

    #[test]
    fn a_load_may_guess_what_an_atomic_operation_compares_with() {
        let mut cell = Cell::default();
        let atomic = |warp| Record { guessable: true, ..by(warp, 15, true) };
        assert_eq!(cell.enter(atomic(0), true, |_| false), None);
        assert_eq!(cell.enter(by(1, 15, false), false, |_| false), None);
        assert_eq!(cell.enter(atomic(2), true, |_| false), None);
        assert!(cell.enter(by(3, 15, false), true, |_| false).is_some(), "a store is no guess");
    }

    #[test]
    fn words_are_cut_into_bytes() {
        assert_eq!(words(6, 4).collect::<Vec<_>>(), [(1, 0b1100), (2, 0b0011)]);
        assert_eq!(words(8, 8).collect::<Vec<_>>(), [(2, 15), (3, 15)]);
    }
}
