//! The allocator behind the arena's lock.

use super::{
    Allocation, Budget, FREED_REMEMBERED_MAX, GUARDED_ALLOCATIONS_MAX, KEPT_BYTES_MAX, Nearest, OutOfMemory, Purpose,
    Ranges, Relation,
};
use crate::sys::{HUGE_PAGE, Mapping, PAGE, align_up};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Part of the range, as a power of two, that small allocations come from; the rest is for those of 2 MiB and more.
const SMALL_PART_SHIFT: u32 = 3;

/// An allocation further away than this has nothing to do with an address.
const NEAR_BYTES_MAX: u64 = 1 << 30;

/// What is inaccessible behind an allocation where mistakes are to show.
const APART_BYTES: u64 = 1 << 20;

#[derive(Debug)]
struct Entry {
    bytes: u64,
    purpose: Purpose,
    serial: u64,
    /// Bytes of addresses that are taken, guard included.
    span: u64,
    budget: Option<Arc<Budget>>,
}

impl Entry {
    fn allocation(&self, base: u64) -> Allocation {
        Allocation { base, bytes: self.bytes, purpose: self.purpose, serial: self.serial }
    }
}

/// Addresses with memory behind them.
#[derive(Debug, Clone, Copy)]
struct Place {
    base: u64,
    committed: u64,
    span: u64,
}

#[derive(Debug)]
pub(super) struct Store {
    range: Mapping,
    /// First address of the part for small allocations.
    small_base: u64,
    /// First address of the part for large allocations.
    large_base: u64,
    /// In pages, relative to the range.
    small: Ranges,
    /// In huge pages, relative to `large_base`.
    large: Ranges,
    live: BTreeMap<u64, Entry>,
    freed: VecDeque<Allocation>,
    /// Committed bytes → freed ranges of exactly that size with the time when each was freed, oldest first.
    kept: HashMap<u64, VecDeque<(u64, Place)>>,
    /// Time when a kept range was freed → its committed bytes.
    kept_order: BTreeMap<u64, u64>,
    kept_bytes: u64,
    /// Counts frees.
    time: u64,
    serial: u64,
    /// Whether allocations are kept far apart, and addresses not used again soon.
    apart: bool,
}

impl Store {
    /// Hands out the range but for `margin` bytes at either end, a multiple of huge pages.
    pub(super) fn new(range: Mapping, margin: u64) -> Self {
        let bytes = range.bytes() - 2 * margin;
        let small_bytes = bytes >> SMALL_PART_SHIFT;
        let small_base = range.base() + margin;
        Self {
            small_base,
            large_base: small_base + small_bytes,
            small: Ranges::new(0, small_bytes / PAGE),
            large: Ranges::new(0, (bytes - small_bytes) / HUGE_PAGE),
            range,
            live: BTreeMap::new(),
            freed: VecDeque::new(),
            kept: HashMap::new(),
            kept_order: BTreeMap::new(),
            kept_bytes: 0,
            time: 0,
            serial: 0,
            apart: false,
        }
    }

    /// From now on allocations are far apart, and their addresses are not used again soon.
    pub(super) fn keep_apart(&mut self) {
        self.apart = true;
    }

    pub(super) fn allocate(
        &mut self,
        bytes: u64,
        purpose: Purpose,
        budget: Option<Arc<Budget>>,
    ) -> Result<u64, OutOfMemory> {
        let error = OutOfMemory { bytes };
        let committed = align_up(bytes, PAGE).ok_or(error)?;
        let place = match self.take_kept(committed) {
            Some(place) => place,
            None => self.take_new(committed).ok_or(error)?,
        };
        if self.range.commit(place.base, committed).is_err() {
            self.release(place);
            return Err(error);
        }
        if committed >= HUGE_PAGE {
            self.range.prefer_huge_pages(place.base, committed);
        }
        self.serial += 1;
        let entry = Entry { bytes, purpose, serial: self.serial, span: place.span, budget };
        self.live.insert(place.base, entry);
        Ok(place.base)
    }

    pub(super) fn free(&mut self, base: u64, purposes: &[Purpose]) -> Option<Allocation> {
        if !purposes.contains(&self.live.get(&base)?.purpose) {
            return None;
        }
        let entry = self.live.remove(&base)?;
        let allocation = entry.allocation(base);
        if let Some(budget) = &entry.budget {
            budget.refund(entry.bytes);
        }
        if self.freed.len() == FREED_REMEMBERED_MAX {
            self.freed.pop_front();
        }
        self.freed.push_back(allocation);
        let committed = align_up(entry.bytes, PAGE).expect("was rounded when it was allocated");
        self.retire(Place { base, committed, span: entry.span });
        Some(allocation)
    }

    pub(super) fn lookup(&self, address: u64) -> Option<Allocation> {
        let (&base, entry) = self.live.range(..=address).next_back()?;
        Some(entry.allocation(base)).filter(|allocation| allocation.contains(address, 1))
    }

    pub(super) fn diagnose(&self, address: u64) -> Nearest {
        if let Some(allocation) = self.lookup(address) {
            let relation = Relation::Inside { offset: address - allocation.base };
            return Nearest { allocation: Some(allocation), relation };
        }
        if let Some(&allocation) = self.freed.iter().rev().find(|freed| freed.contains(address, 1)) {
            let relation = Relation::Freed { offset: address - allocation.base };
            return Nearest { allocation: Some(allocation), relation };
        }
        let visible = |(_, entry): &(&u64, &Entry)| entry.purpose != Purpose::Internal;
        let below = self.live.range(..=address).rev().find(visible).map(|(&base, entry)| entry.allocation(base));
        let above = self.live.range(address..).find(visible).map(|(&base, entry)| entry.allocation(base));
        let near = |distance: &u64| *distance <= NEAR_BYTES_MAX;
        let past = below.map(|below| address - (below.base + below.bytes)).filter(near);
        let before = above.map(|above| above.base - address).filter(near);
        match (past, before) {
            (Some(bytes), before) if before.is_none_or(|before| bytes <= before) => {
                Nearest { allocation: below, relation: Relation::Past { bytes } }
            }
            (_, Some(bytes)) => Nearest { allocation: above, relation: Relation::Before { bytes } },
            _ => Nearest { allocation: None, relation: Relation::Unknown },
        }
    }

    fn take_new(&mut self, committed: u64) -> Option<Place> {
        let guard = match self.live.len() < GUARDED_ALLOCATIONS_MAX {
            true if self.apart => APART_BYTES,
            true => PAGE,
            false => 0,
        };
        let needed = committed.checked_add(guard)?;
        loop {
            let place = if committed < HUGE_PAGE {
                let first = self.small.take(needed / PAGE);
                first.map(|page| Place { base: self.small_base + page * PAGE, committed, span: needed })
            } else {
                let span = align_up(needed, HUGE_PAGE)?;
                let first = self.large.take(span / HUGE_PAGE);
                first.map(|page| Place { base: self.large_base + page * HUGE_PAGE, committed, span })
            };
            // Addresses that are kept for reuse are given up when they run short.
            if place.is_some() || !self.drop_oldest_kept() {
                return place;
            }
        }
    }

    fn take_kept(&mut self, committed: u64) -> Option<Place> {
        if self.apart {
            return None;
        }
        let (time, place) = self.kept.get_mut(&committed)?.pop_back()?;
        self.kept_order.remove(&time);
        self.kept_bytes -= committed;
        Some(place)
    }

    /// Makes freed pages inaccessible and keeps them for a while.
    fn retire(&mut self, place: Place) {
        if place.committed > KEPT_BYTES_MAX / 4 {
            self.release(place);
            return;
        }
        if self.range.protect_none(place.base, place.committed).is_err() {
            // The system has no more ranges to protect separately. The addresses are given up for good, so that they
            // are at least never handed out again while a stale pointer may be in use.
            self.range.discard(place.base, place.committed);
            return;
        }
        self.time += 1;
        self.kept.entry(place.committed).or_default().push_back((self.time, place));
        self.kept_order.insert(self.time, place.committed);
        self.kept_bytes += place.committed;
        while self.kept_bytes > KEPT_BYTES_MAX && self.drop_oldest_kept() {}
    }

    /// False when nothing is kept.
    fn drop_oldest_kept(&mut self) -> bool {
        let Some((_, committed)) = self.kept_order.pop_first() else { return false };
        let list = self.kept.get_mut(&committed).expect("every kept range is in its list");
        let (_, place) = list.pop_front().expect("every kept range is in its list");
        if list.is_empty() {
            self.kept.remove(&committed);
        }
        self.kept_bytes -= committed;
        self.release(place);
        true
    }

    /// Gives memory and addresses back.
    fn release(&mut self, place: Place) {
        self.range.discard(place.base, place.committed);
        if self.range.protect_none(place.base, place.committed).is_err() {
            return;
        }
        if place.base < self.large_base {
            self.small.give((place.base - self.small_base) / PAGE, place.span / PAGE);
        } else {
            self.large.give((place.base - self.large_base) / HUGE_PAGE, place.span / HUGE_PAGE);
        }
    }
}
