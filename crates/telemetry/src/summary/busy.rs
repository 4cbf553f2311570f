//! How long a device did something: the union of intervals that come nearly in order.

use std::collections::BTreeMap;

/// Intervals that are kept apart. Beyond, the earliest are closed: what comes later and begins before counts from there.
const APART_MAX: usize = 1 << 16;

/// The union of intervals.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    /// Intervals that do not touch, by their start.
    apart: BTreeMap<u64, u64>,
    /// Length of intervals that are closed.
    closed: u64,
    /// End of the last closed one.
    closed_until: u64,
    first: Option<u64>,
    last: u64,
}

impl Busy {
    /// Adds an interval.
    pub fn add(&mut self, start: u64, end: u64) {
        self.first = Some(self.first.map_or(start, |first| first.min(start)));
        self.last = self.last.max(end);
        let (mut start, mut end) = (start.max(self.closed_until), end);
        if start >= end {
            return;
        }
        while let Some((&other, &other_end)) =
            self.apart.range(..=end).next_back().filter(|(_, other)| **other >= start)
        {
            self.apart.remove(&other);
            (start, end) = (start.min(other), end.max(other_end));
        }
        self.apart.insert(start, end);
        if self.apart.len() > APART_MAX {
            let (start, end) = self.apart.pop_first().expect("there are many");
            self.closed += end - start;
            self.closed_until = end;
        }
    }

    /// The length of the union.
    pub fn length(&self) -> u64 {
        self.closed + self.apart.iter().map(|(start, end)| end - start).sum::<u64>()
    }

    /// From the first start to the last end.
    pub fn span(&self) -> u64 {
        self.first.map_or(0, |first| self.last - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn intervals_join() {
        let mut busy = Busy::default();
        for (start, end) in [(10, 20), (30, 40), (15, 32), (50, 50), (60, 70), (0, 5)] {
            busy.add(start, end);
        }
        assert_eq!((busy.length(), busy.span()), (5 + 30 + 10, 70));
    }

    #[test]
    fn many_intervals_are_bounded() {
        let mut busy = Busy::default();
        (0..200_000).for_each(|n| busy.add(n * 10, n * 10 + 3));
        assert_eq!(busy.length(), 600_000);
        assert!(busy.apart.len() <= APART_MAX);
    }

    proptest! {
        #[test]
        fn the_union_is_that_of_points(intervals in proptest::collection::vec((0_u64..60, 0_u64..20), 0..20)) {
            let mut busy = Busy::default();
            intervals.iter().for_each(|(start, length)| busy.add(*start, start + length));
            let points = (0..100).filter(|point| intervals.iter().any(|(start, length)| (*start..start + length).contains(point)));
            prop_assert_eq!(busy.length(), points.count() as u64);
        }
    }
}
