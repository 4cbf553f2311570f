//! The sixteen named barriers of a block (PTX ISA 9.7.13.1).

/// Named barriers of a block.
pub(crate) const BARRIERS: usize = 16;

/// A warp's arrival.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Which barrier.
    pub(crate) id: u32,
    /// Threads that take part; 0 for all threads of the block that have not exited.
    pub(crate) expected: u32,
    /// Threads that arrive.
    pub(crate) threads: u32,
    /// The same, where a warp all of whose remaining threads arrive counts as a whole.
    pub(crate) rounded: u32,
    /// Arriving threads whose predicate is true.
    pub(crate) predicate: u32,
    /// The warp, if it waits.
    pub(crate) waiting_warp: Option<u32>,
}

/// A completed barrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Release {
    /// Warps that waited, as a mask.
    pub(crate) warps: u32,
    /// Threads whose predicate was true.
    pub(crate) predicate: u32,
    /// Threads that took part.
    pub(crate) threads: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    expected: u32,
    arrived: u32,
    threads: u32,
    predicate: u32,
    warps: u32,
}

impl Slot {
    /// Completes the barrier if enough have arrived.
    fn release(&mut self, live_threads: u32) -> Option<Release> {
        let complete = match self.expected {
            0 => self.threads > 0 && self.threads >= live_threads,
            expected => self.arrived >= expected,
        };
        complete.then(|| {
            let slot = std::mem::take(self);
            Release { warps: slot.warps, predicate: slot.predicate, threads: slot.threads }
        })
    }
}

/// State of a block's barriers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barriers {
    slots: [Slot; BARRIERS],
}

impl Barriers {
    /// Notes an arrival; `live_threads` threads of the block have not exited.
    ///
    /// # Errors
    /// In words, when the barrier is used in a way that has no meaning.
    pub(crate) fn arrive(&mut self, arrival: &Arrival, live_threads: u32) -> Result<Option<Release>, String> {
        let Some(slot) = self.slots.get_mut(arrival.id as usize) else {
            return Err(format!("there is no barrier {}", arrival.id));
        };
        if slot.threads > 0 && slot.expected != arrival.expected {
            let count = |count| if count == 0 { "all".to_string() } else { format!("{count}") };
            let (first, now) = (count(slot.expected), count(arrival.expected));
            return Err(format!("barrier {}: {first} threads were expected, now {now}", arrival.id));
        }
        if arrival.waiting_warp.is_none() && arrival.expected == 0 {
            return Err(format!("barrier {}: an arrival without waiting needs a thread count", arrival.id));
        }
        slot.expected = arrival.expected;
        slot.arrived += arrival.rounded;
        slot.threads += arrival.threads;
        slot.predicate += arrival.predicate;
        if let Some(warp) = arrival.waiting_warp {
            slot.warps |= 1 << warp;
        }
        Ok(slot.release(live_threads))
    }

    /// After threads have exited: a barrier that waited for nobody else.
    pub(crate) fn after_exit(&mut self, live_threads: u32) -> Option<Release> {
        self.slots
            .iter_mut()
            .filter(|slot| slot.threads > 0 && slot.expected == 0)
            .find_map(|slot| slot.release(live_threads))
    }

    /// In words, what warps wait for: (barrier, threads that arrived, threads expected).
    pub(crate) fn describe(&self, live_threads: u32) -> String {
        let waiting = self.slots.iter().enumerate().filter(|(_, slot)| slot.threads > 0);
        let parts: Vec<String> = waiting
            .map(|(id, slot)| {
                let expected = if slot.expected == 0 { live_threads } else { slot.expected };
                format!("barrier {id} has {} of {expected} threads", slot.threads)
            })
            .collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(id: u32, expected: u32, warp: u32, threads: u32) -> Arrival {
        let rounded = if threads > 0 { 32 } else { 0 };
        Arrival { id, expected, threads, rounded, predicate: threads / 2, waiting_warp: Some(warp) }
    }

    #[test]
    fn all_threads_of_a_block_that_live_are_waited_for() {
        let mut barriers = Barriers::default();
        assert_eq!(barriers.arrive(&wait(0, 0, 0, 32), 80), Ok(None));
        assert_eq!(barriers.arrive(&wait(0, 0, 2, 16), 80), Ok(None));
        let release = Release { warps: 0b101, predicate: 24, threads: 48 };
        assert_eq!(barriers.after_exit(48), Some(release));
        assert_eq!(barriers.after_exit(48), None);
    }

    #[test]
    fn counts_are_rounded_to_warps_and_arrivals_do_not_wait() {
        let mut barriers = Barriers::default();
        let arrive = Arrival { waiting_warp: None, ..wait(3, 64, 0, 20) };
        assert_eq!(barriers.arrive(&arrive, 96), Ok(None));
        let release = Release { warps: 0b10, predicate: 26, threads: 52 };
        assert_eq!(barriers.arrive(&wait(3, 64, 1, 32), 96), Ok(Some(release)));
    }

    #[test]
    fn misuse_is_named() {
        let mut barriers = Barriers::default();
        assert_eq!(barriers.arrive(&wait(16, 0, 0, 32), 64).unwrap_err(), "there is no barrier 16");
        barriers.arrive(&wait(1, 64, 0, 32), 64).unwrap();
        let text = barriers.arrive(&wait(1, 0, 1, 32), 64).unwrap_err();
        assert_eq!(text, "barrier 1: 64 threads were expected, now all");
        assert_eq!(barriers.describe(64), "barrier 1 has 32 of 64 threads");
    }
}
