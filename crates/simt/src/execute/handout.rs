//! Which units of a grid are still to be run, and who runs which.
//!
//! Neighbours in a grid read and write neighbouring memory, often the same cache lines and pages, and the next launch often goes over the same
//! memory again. So a large grid has a *part* for each core, or for as many neighbouring ones: whoever runs there begins in that part, launch for
//! launch, where caches may still have what the last launch left, and goes on in the others when it is done. Of a kernel that may wait a core takes a
//! *range* of units, and runs them one after the other; but a range is nobody's own: when nothing else is left, cores take from each other's. So a
//! unit that waits for one that has not begun does not wait for its core.

use crate::queue::Padded;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bits of a range's length; its first unit is in the others.
const COUNT_BITS: u32 = 8;
/// Units of a range, at most.
const RANGE_MAX: u64 = (1 << COUNT_BITS) - 1;
/// Units beyond this are not taken in ranges.
const FIRST_MAX: u64 = (1 << (u64::BITS - COUNT_BITS)) - 1;
/// What `next` is when nothing is handed out any more, or above.
const STOPPED: u64 = u64::MAX / 2;
/// Parts of a grid, at most: each costs a launch a cache line.
const PARTS_MAX: usize = 16;
/// A grid with fewer units for each core has one part.
const UNITS_OF_CORE_MIN: u64 = 4;

/// Where a session takes units of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// In the part of the core that it runs on, the how manieth of all that is; then in the parts behind it.
    Place(usize),
    /// The first that are left.
    Front,
}

/// A part of a grid, in a cache line.
#[derive(Debug, Default)]
struct Part {
    /// Number of the first unit that no range has had.
    next: AtomicU64,
    /// The first unit behind the part.
    end: AtomicU64,
}

/// The units of a grid that are not taken.
#[derive(Debug, Default)]
pub(crate) struct Handout {
    parts: [Padded<Part>; PARTS_MAX],
    /// Parts of the grid.
    part_count: AtomicUsize,
    /// Cores that have taken units and not yet made a range of them.
    filling: Padded<AtomicU64>,
    /// What is left of each core's range: the first unit and the count.
    ranges: OnceLock<Box<[Padded<AtomicU64>]>>,
}

impl Handout {
    /// Begins with the first unit of `total` again. Nobody takes units at the time, and none are left of those before.
    pub(crate) fn restart(&self, cores: usize, total: u64) {
        self.ranges.get_or_init(|| (0..cores).map(|_| Padded::default()).collect());
        // Of as many cache lines as there are cores, none is touched here: it would be done for each launch.
        debug_assert!(self.ranges().iter().all(|range| count_of(&range.0) == 0), "a range of the grid before");
        let parts = if total / UNITS_OF_CORE_MIN >= cores as u64 { cores.clamp(1, PARTS_MAX) } else { 1 };
        self.part_count.store(parts, Ordering::Relaxed);
        let (each, more) = (total / parts as u64, total % parts as u64);
        let mut start = 0;
        for (number, Padded(part)) in (0..).zip(&self.parts[..parts]) {
            part.next.store(start, Ordering::Relaxed);
            start += each + u64::from(number < more);
            part.end.store(start, Ordering::Relaxed);
        }
    }

    /// No unit is handed out any more.
    pub(crate) fn stop(&self) {
        self.parts().iter().for_each(|part| part.0.next.store(STOPPED, Ordering::SeqCst));
        self.drop_ranges();
    }

    fn parts(&self) -> &[Padded<Part>] {
        &self.parts[..self.part_count.load(Ordering::Relaxed)]
    }

    fn ranges(&self) -> &[Padded<AtomicU64>] {
        self.ranges.get().map_or(&[], |ranges| ranges)
    }

    fn drop_ranges(&self) {
        self.ranges().iter().for_each(|range| range.0.store(0, Ordering::SeqCst));
    }

    /// Takes up to `wanted` neighbouring units that are in no range; `None` when there are none. Where to begin is asked if it makes a difference.
    pub(crate) fn claim(&self, start: impl FnOnce() -> Start, wanted: u64) -> Option<(u64, u64)> {
        self.claim_in_part(start, wanted).map(|(_, first, count)| (first, count))
    }

    /// The same, and the part that they are of.
    fn claim_in_part(&self, start: impl FnOnce() -> Start, wanted: u64) -> Option<(&Part, u64, u64)> {
        let parts = self.parts();
        let home = match parts {
            [_] => 0,
            _ => match start() {
                Start::Front => 0,
                Start::Place(place) => place * parts.len() / self.ranges().len(),
            },
        };
        let (before, behind) = parts.split_at(home);
        behind.iter().chain(before).find_map(|Padded(part)| {
            let end = part.end.load(Ordering::Relaxed);
            if part.next.load(Ordering::Relaxed) >= end {
                return None;
            }
            let first = part.next.fetch_add(wanted, Ordering::SeqCst);
            (first < end).then(|| (part, first, wanted.min(end - first)))
        })
    }

    /// Takes a unit for a core: from its range, from a new one of up to `wanted` units, or from another core's.
    pub(crate) fn claim_unit(
        &self,
        core: usize,
        start: impl FnOnce() -> Start,
        wanted: impl FnOnce() -> u64,
    ) -> Option<u64> {
        let ranges = self.ranges();
        let own = &ranges[core].0;
        if let Some(unit) = take_first(own) {
            return Some(unit);
        }
        let total = self.parts().last()?.0.end.load(Ordering::Relaxed);
        let wanted = if total > FIRST_MAX { 1 } else { wanted().clamp(1, RANGE_MAX) };
        let first = if wanted == 1 {
            self.claim(start, 1).map(|(first, _)| first)
        } else {
            self.filling.0.fetch_add(1, Ordering::SeqCst);
            let first = self.fill(own, start, wanted);
            self.filling.0.fetch_sub(1, Ordering::SeqCst);
            first
        };
        if first.is_some() {
            return first;
        }
        (1..ranges.len()).find_map(|distance| take_first(&ranges[(core + distance) % ranges.len()].0))
    }

    /// Makes a new range of a core, behind its first unit.
    fn fill(&self, own: &AtomicU64, start: impl FnOnce() -> Start, wanted: u64) -> Option<u64> {
        let (part, first, count) = self.claim_in_part(start, wanted)?;
        own.store((first + 1) << COUNT_BITS | (count - 1), Ordering::SeqCst);
        if part.next.load(Ordering::SeqCst) >= STOPPED {
            self.drop_ranges();
        }
        Some(first)
    }

    /// Whether all units are taken. It stays so.
    pub(crate) fn is_exhausted(&self) -> bool {
        let is_done =
            |Padded(part): &Padded<Part>| part.next.load(Ordering::SeqCst) >= part.end.load(Ordering::Relaxed);
        // In this order: a range that is not filled when `filling` is looked at is there when the ranges are.
        self.parts().iter().all(is_done)
            && self.filling.0.load(Ordering::SeqCst) == 0
            && self.ranges().iter().all(|range| range.0.load(Ordering::SeqCst) & RANGE_MAX == 0)
    }

    /// Units that are in no range.
    pub(crate) fn left(&self) -> u64 {
        let left = |Padded(part): &Padded<Part>| {
            part.end.load(Ordering::Relaxed).saturating_sub(part.next.load(Ordering::Relaxed))
        };
        self.parts().iter().map(left).sum()
    }

    /// The same, and those in the range of a core.
    pub(crate) fn left_for(&self, core: usize) -> u64 {
        self.left() + count_of(&self.ranges()[core].0)
    }
}

fn count_of(range: &AtomicU64) -> u64 {
    range.load(Ordering::Relaxed) & RANGE_MAX
}

fn take_first(range: &AtomicU64) -> Option<u64> {
    let first_and_count = |range: u64| (range >> COUNT_BITS, range & RANGE_MAX);
    let shorter = |range: u64| match first_and_count(range) {
        (_, 0) => None,
        (first, count) => Some((first + 1) << COUNT_BITS | (count - 1)),
    };
    range.fetch_update(Ordering::Relaxed, Ordering::Relaxed, shorter).ok().map(|range| first_and_count(range).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_core_runs_neighbours_and_what_others_leave() {
        let handout = Handout::default();
        let claim = |core: usize, wanted: u64| handout.claim_unit(core, || Start::Front, || wanted);
        handout.restart(2, 7);
        assert_eq!([claim(0, 3), claim(0, 3), claim(1, 3)], [Some(0), Some(1), Some(3)]);
        assert_eq!([handout.left_for(0), handout.left_for(1), handout.left()], [2, 3, 1]);
        // Its own, the rest of the grid, and the other's.
        assert_eq!([(); 5].map(|()| claim(1, 4).unwrap_or(99)), [4, 5, 6, 2, 99]);
        assert_eq!((handout.left(), claim(0, 4), handout.is_exhausted()), (0, None, true));
        handout.restart(2, 7);
        assert_eq!((claim(1, 1000), handout.left_for(1), handout.is_exhausted()), (Some(0), 6, false));
        assert_eq!((claim(1, 1000), claim(0, 1)), (Some(1), Some(2)));
        handout.stop();
        assert_eq!((handout.left_for(1), claim(1, 1000), claim(0, 1)), (0, None, None));
        handout.restart(2, 7);
        assert_eq!((claim(0, 4), handout.left_for(0)), (Some(0), 6), "nothing is left of the grid that was stopped");
    }

    #[test]
    fn a_core_begins_where_it_began_in_the_launch_before() {
        let handout = Handout::default();
        for _ in 0..2 {
            handout.restart(2, 9);
            let claim = |place: usize, wanted: u64| handout.claim(|| Start::Place(place), wanted);
            assert_eq!([claim(1, 3), claim(0, 4), claim(0, 4)], [Some((5, 3)), Some((0, 4)), Some((4, 1))]);
            assert_eq!((handout.left(), handout.is_exhausted()), (1, false));
            assert_eq!([claim(0, 4), claim(0, 4), claim(1, 4)], [Some((8, 1)), None, None]);
            assert!(handout.is_exhausted());
        }
        handout.restart(2, 9);
        let front = || handout.claim_unit(1, || Start::Front, || 1);
        assert_eq!([(); 7].map(|()| front()), [0, 1, 2, 3, 4, 5, 6].map(Some), "of blocks that wait, in order");
        let handout = Handout::default();
        handout.restart(100, 1000);
        assert_eq!((0..100).filter(|place| handout.claim(|| Start::Place(*place), 1000).is_some()).count(), PARTS_MAX);
    }

    #[test]
    fn more_units_than_a_range_can_say() {
        let (handout, total) = (Handout::default(), 1 << 62);
        handout.restart(1, total);
        assert_eq!((handout.claim_unit(0, || Start::Front, || 9), handout.left_for(0)), (Some(0), total - 1));
    }

    #[test]
    fn each_unit_is_taken_once() {
        let (handout, total, taken) = (Handout::default(), 20_000, Mutex::new(Vec::new()));
        handout.restart(4, total);
        std::thread::scope(|scope| {
            for core in 0..4 {
                let (handout, taken) = (&handout, &taken);
                scope.spawn(move || {
                    let next = || handout.claim_unit(core, || Start::Place(core), || 1 + core as u64 * 9);
                    let own: Vec<u64> = std::iter::from_fn(next).collect();
                    taken.lock().unwrap().extend(own);
                });
            }
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert!(taken.iter().copied().eq(0..total));
    }
}
