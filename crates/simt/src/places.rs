//! Where a thread runs.

use std::mem;

/// The processors that this process may use, each with its place among them: neighbours share caches more often than others do.
#[derive(Debug)]
pub(crate) struct Places {
    /// The place of each processor by its number; 0 for those that the process may not use.
    of_processor: Box<[usize]>,
    count: usize,
}

impl Places {
    /// Those that the calling thread may use now.
    pub(crate) fn new() -> Places {
        // SAFETY: a set of bits, of which all-zero is the empty one, and which the call fills.
        let allowed = unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
            set
        };
        // SAFETY: the number lies within the set.
        Self::of(|processor| unsafe { libc::CPU_ISSET(processor, &allowed) })
    }

    fn of(is_allowed: impl Fn(usize) -> bool) -> Places {
        let mut count = 0;
        let place = |processor: usize| {
            let place = count;
            count += usize::from(is_allowed(processor));
            place
        };
        let of_processor = (0..libc::CPU_SETSIZE as usize).map(place).collect();
        Places { of_processor, count: count.max(1) }
    }

    /// Where the calling thread runs, of so many places: a hint, since it may run elsewhere in the next moment.
    pub(crate) fn current(&self, places: usize) -> usize {
        // SAFETY: asks the system, and has no arguments.
        let processor = unsafe { libc::sched_getcpu() };
        self.place(usize::try_from(processor).unwrap_or(0), places)
    }

    fn place(&self, processor: usize, places: usize) -> usize {
        let place = self.of_processor.get(processor).copied().unwrap_or(0);
        place * places / self.count % places.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_spread_over_places() {
        let places = Places::of(|processor| [2, 3, 6, 7].contains(&processor));
        let of = |count: usize| [2, 3, 6, 7].map(|processor| places.place(processor, count));
        assert_eq!([of(4), of(2), of(1)], [[0, 1, 2, 3], [0, 0, 1, 1], [0; 4]]);
        assert_eq!(
            [0, 100, 5000].map(|processor| places.place(processor, 2)),
            [0; 3],
            "not allowed any more, or not there"
        );
        assert_eq!(Places::of(|_| false).place(3, 2), 0);
    }

    #[test]
    fn a_thread_is_somewhere() {
        assert!(Places::new().current(2) < 2);
    }
}
