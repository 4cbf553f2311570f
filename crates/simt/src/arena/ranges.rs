//! Free address ranges, best fit.

use std::collections::{BTreeMap, BTreeSet};

/// A set of free ranges of a line of units, such as pages or 16-byte granules. Neighbours are joined.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    /// First unit → number of units.
    by_start: BTreeMap<u64, u64>,
    /// The same as (number of units, first unit).
    by_size: BTreeSet<(u64, u64)>,
}

impl Ranges {
    /// All of `start .. start + count` is free.
    pub(crate) fn new(start: u64, count: u64) -> Self {
        let mut ranges = Self::default();
        if count > 0 {
            ranges.insert(start, count);
        }
        ranges
    }

    /// Takes `count` units from the smallest range that has them, the lowest of equal ones.
    pub(crate) fn take(&mut self, count: u64) -> Option<u64> {
        debug_assert!(count > 0);
        let &(size, start) = self.by_size.range((count, 0)..).next()?;
        self.remove(start, size);
        if size > count {
            self.insert(start + count, size - count);
        }
        Some(start)
    }

    /// Gives units back that were taken.
    pub(crate) fn give(&mut self, start: u64, count: u64) {
        let (mut first, mut total) = (start, count);
        if let Some((&before, &size)) = self.by_start.range(..start).next_back() {
            debug_assert!(before + size <= start, "units given back twice");
            if before + size == start {
                self.remove(before, size);
                first = before;
                total += size;
            }
        }
        if let Some((&after, &size)) = self.by_start.range(start..).next() {
            debug_assert!(start + count <= after, "units given back twice");
            if start + count == after {
                self.remove(after, size);
                total += size;
            }
        }
        self.insert(first, total);
    }

    fn insert(&mut self, start: u64, size: u64) {
        self.by_start.insert(start, size);
        self.by_size.insert((size, start));
    }

    fn remove(&mut self, start: u64, size: u64) {
        self.by_start.remove(&start);
        self.by_size.remove(&(size, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_range_that_fits_is_used() {
        let mut ranges = Ranges::new(0, 100);
        let taken: Vec<u64> = (0..10).map(|_| ranges.take(10).unwrap()).collect();
        assert_eq!(ranges.take(1), None);
        ranges.give(taken[1], 10);
        ranges.give(taken[4], 10);
        ranges.give(taken[5], 10);
        assert_eq!(ranges.take(8), Some(10));
        assert_eq!(ranges.take(20), Some(40));
    }

    proptest! {
        /// What is taken never overlaps, and when everything is given back one range is left.
        #[test]
        fn nothing_is_lost_or_given_twice(sizes in prop::collection::vec(1u64..20, 1..60), order in any::<u64>()) {
            let mut ranges = Ranges::new(0, 256);
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (step, size) in sizes.into_iter().enumerate() {
                if order >> (step % 64) & 1 == 1 && !taken.is_empty() {
                    let (start, size) = taken.swap_remove(step % taken.len());
                    ranges.give(start, size);
                } else if let Some(start) = ranges.take(size) {
                    prop_assert!(start + size <= 256);
                    prop_assert!(taken.iter().all(|&(s, n)| start + size <= s || s + n <= start));
                    taken.push((start, size));
                }
            }
            for (start, size) in taken {
                ranges.give(start, size);
            }
            prop_assert_eq!(ranges.take(256), Some(0));
        }
    }
}
