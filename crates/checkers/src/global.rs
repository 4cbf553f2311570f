//! Who accessed global memory last, and how blocks synchronise.
//!
//! Blocks are ordered by what they do for it: one *releases* (an atomic operation, a strong store), and another *acquires* later (an atomic operation,
//! a strong load). Which address they use is not looked at, nor which thread of a block it is: that may take accesses to be ordered that are not, and never
//! the other way round.

use crate::shadow::{Cell, Conflict, Record};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 64;
/// Words of a shard: what else falls on a word's place makes it forgotten. All together about 60 MB.
const SHARD_WORDS: usize = 1 << 13;
/// Releases of a block that are remembered.
const RELEASES_MAX: usize = 32;
/// Blocks whose releases are remembered. Where there are more, blocks count as ordered.
const BLOCKS_MAX: usize = 1 << 16;

#[derive(Clone, Copy, Default)]
struct Place {
    word: u64,
    grid_id: u64,
    cell: Cell,
}

#[derive(Default)]
struct Releases {
    times: VecDeque<u64>,
    /// The last one that is no longer remembered.
    forgotten: u64,
}

impl Releases {
    /// When what happened at a time was released: that time itself if it is no longer known.
    fn after(&self, time: u64) -> Option<u64> {
        if time < self.forgotten { Some(time) } else { self.times.iter().copied().find(|release| *release > time) }
    }
}

/// What is known of all global memory.
pub(crate) struct Global {
    ticks: AtomicU64,
    shards: Vec<Mutex<Vec<Place>>>,
    /// By launch and block.
    releases: Mutex<HashMap<(u64, u32), Releases>>,
}

impl Global {
    pub fn new() -> Global {
        Global {
            ticks: AtomicU64::new(1),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            releases: Mutex::default(),
        }
    }

    /// Ticks so far.
    pub fn now(&self) -> u64 {
        self.ticks.load(Ordering::SeqCst)
    }

    /// A tick.
    pub fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// A block lets others see what it has done.
    pub fn release(&self, grid_id: u64, block: u32) {
        let time = self.tick();
        let mut all = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= BLOCKS_MAX && !all.contains_key(&(grid_id, block)) {
            return;
        }
        let releases = all.entry((grid_id, block)).or_default();
        if releases.times.len() >= RELEASES_MAX
            && let Some(oldest) = releases.times.pop_front()
        {
            releases.forgotten = oldest;
        }
        releases.times.push_back(time);
    }

    /// Whether an access of another block of a launch was released before a time.
    pub fn is_released(&self, grid_id: u64, earlier: &Record, before: u64) -> bool {
        let all = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&(grid_id, earlier.block)) {
            Some(releases) => releases.after(earlier.ticks).is_some_and(|release| release < before),
            None => all.len() >= BLOCKS_MAX,
        }
    }

    /// Notes an access to a word, as [`Cell::enter`] does.
    pub fn enter(
        &self,
        grid_id: u64,
        word: u64,
        access: Record,
        writes: bool,
        is_ordered: impl Fn(&Record) -> bool,
    ) -> Option<Conflict> {
        let hash = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut shard = self.shards[hash as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        if shard.is_empty() {
            shard.resize(SHARD_WORDS, Place::default());
        }
        let place = &mut shard[hash as usize / SHARDS % SHARD_WORDS];
        if (place.word, place.grid_id) != (word, grid_id) {
            *place = Place { word, grid_id, cell: Cell::default() };
        }
        place.cell.enter(access, writes, is_ordered)
    }

    /// A launch is over.
    pub fn forget(&self, grid_id: u64) {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner).retain(|(grid, _), _| *grid != grid_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(block: u32, ticks: u64) -> Record {
        Record { block, ticks, clock: 1, bytes: 15, ..Record::default() }
    }

    #[test]
    fn a_release_and_a_later_acquire_order_blocks() {
        let global = Global::new();
        let write = record(3, global.now());
        assert!(!global.is_released(1, &write, global.tick()));
        global.release(1, 3);
        assert!(global.is_released(1, &write, global.tick()));
        let later = record(3, global.now());
        assert!(!global.is_released(1, &later, global.tick()) && !global.is_released(2, &write, global.tick()));
        (0..100).for_each(|_| global.release(1, 3));
        assert!(global.is_released(1, &write, global.tick()), "forgotten releases count");
        global.forget(1);
        assert!(!global.is_released(1, &write, global.tick()));
    }

    #[test]
    fn launches_do_not_race_with_each_other() {
        let global = Global::new();
        assert_eq!(global.enter(1, 5, record(0, 1), true, |_| false), None);
        assert!(global.enter(1, 5, record(1, 1), true, |_| false).is_some());
        assert_eq!(global.enter(2, 5, record(2, 1), true, |_| false), None);
    }
}
