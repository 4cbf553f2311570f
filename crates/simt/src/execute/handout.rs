//! Which units of a grid are still to be run, and who runs which.
//!
//! Neighbours in a grid read and write neighbouring memory, often the same cache lines and pages. So a core takes a *range* of units, and runs
//! them one after the other; but a range is nobody's own: when nothing else is left, cores take from each other's. So a unit that waits for one
//! that has not begun does not wait for its core.

use crate::queue::Padded;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bits of a range's length; its first unit is in the others.
const COUNT_BITS: u32 = 8;
/// Units of a range, at most.
const RANGE_MAX: u64 = (1 << COUNT_BITS) - 1;
/// Units beyond this are not taken in ranges.
const FIRST_MAX: u64 = (1 << (u64::BITS - COUNT_BITS)) - 1;
/// What `next` is when nothing is handed out any more, or above.
const STOPPED: u64 = u64::MAX / 2;

/// The units of a grid that are not taken.
#[derive(Debug, Default)]
pub(crate) struct Handout {
    /// Number of the first unit that no range has had.
    next: Padded<AtomicU64>,
    /// Cores that have taken units and not yet made a range of them.
    filling: Padded<AtomicU64>,
    /// What is left of each core's range: the first unit and the count.
    ranges: OnceLock<Box<[Padded<AtomicU64>]>>,
}

impl Handout {
    /// Begins with the first unit again. Nobody takes units at the time, and none are left of those before.
    pub(crate) fn restart(&self, cores: usize) {
        self.ranges.get_or_init(|| (0..cores).map(|_| Padded::default()).collect());
        // Of as many cache lines as there are cores, none is touched here: it would be done for each launch.
        debug_assert!(self.ranges().iter().all(|range| count_of(&range.0) == 0), "a range of the grid before");
        self.next.0.store(0, Ordering::Relaxed);
    }

    /// No unit is handed out any more.
    pub(crate) fn stop(&self) {
        self.next.0.store(STOPPED, Ordering::SeqCst);
        self.drop_ranges();
    }

    fn ranges(&self) -> &[Padded<AtomicU64>] {
        self.ranges.get().map_or(&[], |ranges| ranges)
    }

    fn drop_ranges(&self) {
        self.ranges().iter().for_each(|range| range.0.store(0, Ordering::SeqCst));
    }

    /// Takes up to `wanted` units of `total` that are in no range; `None` when there are none.
    pub(crate) fn claim(&self, total: u64, wanted: u64) -> Option<(u64, u64)> {
        if self.next.0.load(Ordering::Relaxed) >= total {
            return None;
        }
        let first = self.next.0.fetch_add(wanted, Ordering::SeqCst);
        (first < total).then(|| (first, wanted.min(total - first)))
    }

    /// Takes a unit of `total` for a core: from its range, from a new one of up to `wanted` units, or from another core's.
    pub(crate) fn claim_unit(&self, core: usize, total: u64, wanted: impl FnOnce() -> u64) -> Option<u64> {
        let ranges = self.ranges();
        let own = &ranges[core].0;
        if let Some(unit) = take_first(own) {
            return Some(unit);
        }
        let wanted = if total > FIRST_MAX { 1 } else { wanted().clamp(1, RANGE_MAX) };
        let first = if wanted == 1 {
            self.claim(total, 1).map(|(first, _)| first)
        } else {
            self.filling.0.fetch_add(1, Ordering::SeqCst);
            let first = self.fill(own, total, wanted);
            self.filling.0.fetch_sub(1, Ordering::SeqCst);
            first
        };
        if first.is_some() {
            return first;
        }
        (1..ranges.len()).find_map(|distance| take_first(&ranges[(core + distance) % ranges.len()].0))
    }

    /// Makes a new range of a core, behind its first unit.
    fn fill(&self, own: &AtomicU64, total: u64, wanted: u64) -> Option<u64> {
        let (first, count) = self.claim(total, wanted)?;
        own.store((first + 1) << COUNT_BITS | (count - 1), Ordering::SeqCst);
        if self.next.0.load(Ordering::SeqCst) >= STOPPED {
            self.drop_ranges();
        }
        Some(first)
    }

    /// Whether all of `total` units are taken. It stays so.
    pub(crate) fn is_exhausted(&self, total: u64) -> bool {
        // In this order: a range that is not filled when `filling` is looked at is there when the ranges are.
        self.next.0.load(Ordering::SeqCst) >= total
            && self.filling.0.load(Ordering::SeqCst) == 0
            && self.ranges().iter().all(|range| range.0.load(Ordering::SeqCst) & RANGE_MAX == 0)
    }

    /// Units of `total` that are in no range.
    pub(crate) fn left(&self, total: u64) -> u64 {
        total.saturating_sub(self.next.0.load(Ordering::Relaxed))
    }

    /// The same, and those in the range of a core.
    pub(crate) fn left_for(&self, core: usize, total: u64) -> u64 {
        self.left(total) + count_of(&self.ranges()[core].0)
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
        let claim = |core: usize, wanted: u64| handout.claim_unit(core, 10, || wanted);
        handout.restart(2);
        assert_eq!([claim(0, 4), claim(0, 4), claim(0, 4), claim(1, 4)], [Some(0), Some(1), Some(2), Some(4)]);
        assert_eq!([handout.left_for(0, 10), handout.left_for(1, 10), handout.left(10)], [3, 5, 2]);
        // Its own, the rest of the grid, and the other's.
        assert_eq!([(); 7].map(|()| claim(1, 4).unwrap_or(99)), [5, 6, 7, 8, 9, 3, 99]);
        assert_eq!((handout.left(10), claim(0, 4), handout.is_exhausted(10)), (0, None, true));
        handout.restart(2);
        assert_eq!((claim(1, 1000), handout.left_for(1, 10), handout.is_exhausted(10)), (Some(0), 9, false));
        assert_eq!((claim(1, 1000), claim(0, 1)), (Some(1), Some(2)));
        handout.stop();
        assert_eq!((handout.left_for(1, 10), claim(1, 1000), claim(0, 1)), (0, None, None));
        handout.restart(2);
        assert_eq!(
            (claim(0, 4), handout.left_for(0, 10)),
            (Some(0), 9),
            "nothing is left of the grid that was stopped"
        );
    }

    #[test]
    fn more_units_than_a_range_can_say() {
        let (handout, total) = (Handout::default(), 1 << 62);
        handout.restart(1);
        assert_eq!((handout.claim_unit(0, total, || 9), handout.left_for(0, total)), (Some(0), total - 1));
    }

    #[test]
    fn each_unit_is_taken_once() {
        let (handout, total, taken) = (Handout::default(), 20_000, Mutex::new(Vec::new()));
        handout.restart(4);
        std::thread::scope(|scope| {
            for core in 0..4 {
                let (handout, taken) = (&handout, &taken);
                scope.spawn(move || {
                    let next = || handout.claim_unit(core, total, || 1 + core as u64 * 9);
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
