//! Clocks of a block's warps: what each knows of the others (vector clocks). A warp counts as one thread, and its asynchronous copies as
//! another one ([`crate::copies`]).

use std::collections::HashMap;

/// Warps of a block, at most.
pub(crate) const WARPS_MAX: usize = 32;
/// Warps, and behind them the copies of each.
pub(crate) const AGENTS_MAX: usize = 2 * WARPS_MAX;
/// Named barriers of a block.
const BARRIERS: usize = 16;
/// Addresses whose clocks are kept apart; further ones share a clock, which orders more than the program does.
const ADDRESSES_MAX: usize = 4096;

/// For each warp, and the copies of each, how far they are known to have come.
pub(crate) type Clock = [u32; AGENTS_MAX];

/// No time of anybody.
const BEGINNING: Clock = [0; AGENTS_MAX];

/// A barrier that some have reached.
#[derive(Clone, Copy)]
struct Phase {
    clock: Clock,
    waiting: u32,
    /// Who came first: warp, lane, site, threads.
    first: Option<Arrival>,
}

impl Default for Phase {
    fn default() -> Phase {
        Phase { clock: BEGINNING, waiting: 0, first: None }
    }
}

/// A warp's arrival at a barrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Arrival {
    pub warp: u32,
    pub lane: u32,
    pub site: u32,
    /// Threads that the barrier waits for; 0 for all.
    pub threads: u32,
}

#[derive(Clone, Copy, Default)]
struct Waiting {
    barrier: usize,
    lanes: u32,
}

/// How an address is accessed that others may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub reads: bool,
    pub writes: bool,
    pub waits_for_copies: bool,
}

/// The clocks of a block.
pub(crate) struct Clocks {
    warps: Vec<Clock>,
    waiting: [Waiting; WARPS_MAX],
    phases: [Phase; BARRIERS],
    addresses: HashMap<u64, Clock>,
}

fn join(into: &mut [u32], other: &[u32]) {
    for (into, other) in into.iter_mut().zip(other) {
        *into = (*into).max(*other);
    }
}

impl Clocks {
    pub fn new() -> Clocks {
        // Time 0 is before everything.
        let warps = (0..WARPS_MAX).map(|warp| std::array::from_fn(|other| u32::from(other == warp))).collect();
        Clocks { warps, waiting: Default::default(), phases: Default::default(), addresses: HashMap::new() }
    }

    /// A warp's own time.
    pub fn now(&self, warp: u32) -> u32 {
        self.warps[warp as usize][warp as usize]
    }

    /// Whether what `other` did at a time is behind `warp`.
    pub fn is_ordered(&self, warp: u32, other: u32, time: u32) -> bool {
        self.warps[warp as usize][other as usize] >= time
    }

    /// A warp has waited for its copies up to a time.
    pub fn waited(&mut self, warp: u32, time: u32) {
        let known = &mut self.warps[warp as usize][WARPS_MAX + warp as usize];
        *known = (*known).max(time);
    }

    /// The copies of a warp up to a time pass on that they are complete to whoever looks at an address.
    pub fn completed(&mut self, warp: u32, address: u64, time: u32) {
        let known = &mut self.at(address)[WARPS_MAX + warp as usize];
        *known = (*known).max(time);
    }

    fn at(&mut self, address: u64) -> &mut Clock {
        let full = self.addresses.len() >= ADDRESSES_MAX && !self.addresses.contains_key(&address);
        self.addresses.entry(if full { u64::MAX } else { address }).or_insert(BEGINNING)
    }

    /// The last time of `other` that is behind `warp`.
    pub fn known(&self, warp: u32, other: usize) -> u32 {
        self.warps[warp as usize][other]
    }

    /// Lanes of a warp go on: if they waited at a barrier, everybody has reached it.
    pub fn goes_on(&mut self, warp: u32, lanes: u32) {
        let waiting = self.waiting[warp as usize];
        if waiting.lanes & lanes == 0 {
            return;
        }
        let phase = std::mem::take(&mut self.phases[waiting.barrier]);
        for other in (0..WARPS_MAX).filter(|other| phase.waiting >> other & 1 != 0) {
            join(&mut self.warps[other], &phase.clock);
            self.waiting[other].lanes = 0;
        }
    }

    /// Lanes of a warp reach a barrier; who was there first, if somebody was.
    pub fn arrive(&mut self, barrier: usize, lanes: u32, waits: bool, arrival: Arrival) -> Option<Arrival> {
        let barrier = barrier % BARRIERS;
        let warp = arrival.warp as usize;
        let phase = &mut self.phases[barrier];
        join(&mut phase.clock, &self.warps[warp]);
        self.warps[warp][warp] += 1;
        if waits {
            phase.waiting |= 1 << warp;
            let before = self.waiting[warp];
            let same = before.lanes != 0 && before.barrier == barrier;
            self.waiting[warp] = Waiting { barrier, lanes: lanes | if same { before.lanes } else { 0 } };
        }
        let first = phase.first;
        phase.first.get_or_insert(arrival);
        first
    }

    /// A warp accesses an address in a way that others may wait for: it learns what those knew who did so before, and, unless it only
    /// reads, passes on what it knows. Of copies it learns only if it waits for them.
    pub fn exchange(&mut self, warp: u32, address: u64, exchange: Exchange) {
        let mut own = self.warps[warp as usize];
        let shared = self.at(address);
        if exchange.reads {
            let learned = if exchange.waits_for_copies { AGENTS_MAX } else { WARPS_MAX };
            join(&mut own[..learned], &shared[..learned]);
        }
        if exchange.writes {
            join(shared, &own);
            own[warp as usize] += 1;
        }
        self.warps[warp as usize] = own;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(warp: u32) -> Arrival {
        Arrival { warp, lane: 0, site: 0, threads: 0 }
    }

    #[test]
    fn a_barrier_orders_what_is_before_and_behind_it() {
        let mut clocks = Clocks::new();
        let before = clocks.now(0);
        assert!(!clocks.is_ordered(1, 0, before));
        assert_eq!(clocks.arrive(0, u32::MAX, true, arrival(0)), None);
        assert_eq!(clocks.arrive(0, 0xffff, true, arrival(1)), Some(arrival(0)));
        clocks.goes_on(1, 0xffff_0000);
        assert!(!clocks.is_ordered(1, 0, before), "other lanes are still on their way");
        clocks.arrive(0, 0xffff_0000, true, arrival(1));
        clocks.goes_on(1, u32::MAX);
        assert!(clocks.is_ordered(1, 0, before));
        let behind = clocks.now(1);
        clocks.goes_on(0, u32::MAX);
        assert!(!clocks.is_ordered(0, 1, behind), "what comes after the barrier is not ordered");
        assert_eq!(clocks.arrive(0, u32::MAX, true, arrival(0)), None, "the next round");
    }

    #[test]
    fn an_address_passes_on_what_its_writers_knew() {
        let mut clocks = Clocks::new();
        let data = clocks.now(2);
        let write = Exchange { reads: false, writes: true, waits_for_copies: false };
        let read = Exchange { reads: true, writes: false, waits_for_copies: true };
        clocks.exchange(2, 64, write);
        clocks.exchange(3, 128, read);
        assert!(!clocks.is_ordered(3, 2, data), "another address");
        clocks.exchange(3, 64, read);
        assert!(clocks.is_ordered(3, 2, data) && !clocks.is_ordered(3, 2, clocks.now(2)));
    }

    #[test]
    fn copies_are_behind_those_who_wait_for_them() {
        let (mut clocks, copies) = (Clocks::new(), WARPS_MAX as u32 + 1);
        clocks.waited(1, 3);
        assert!(clocks.is_ordered(1, copies, 3) && !clocks.is_ordered(1, copies, 4));
        assert!(!clocks.is_ordered(0, copies, 1), "another warp has not");
        clocks.arrive(0, u32::MAX, true, arrival(0));
        clocks.arrive(0, u32::MAX, true, arrival(1));
        clocks.goes_on(0, u32::MAX);
        assert!(clocks.is_ordered(0, copies, 3), "but both were at a barrier since");
        clocks.completed(1, 64, 7);
        let look = |waits_for_copies| Exchange { reads: true, writes: false, waits_for_copies };
        clocks.exchange(1, 64, look(false));
        assert!(!clocks.is_ordered(1, copies, 7), "an arrival is no wait");
        clocks.exchange(1, 64, look(true));
        assert!(clocks.is_ordered(1, copies, 7));
    }
}
