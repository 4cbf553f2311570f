//! The allocator behind the arena's lock.

use super::{
    Allocation, Budget, FREED_REMEMBERED_MAX, GUARDED_ALLOCATIONS_MAX, KEPT_BYTES_MAX, Nearest, OutOfMemory, Purpose,
    Ranges, Relation,
};
use crate::sys::{HUGE_PAGE, Mapping, PAGE, align_up};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;

/// Part of the range, as a power of two, that small allocations come from, and as much is for the engine's own; the rest is for those of 2 MiB and more.
const SMALL_PART_SHIFT: u32 = 3;

/// An allocation further away than this has nothing to do with an address.
const NEAR_BYTES_MAX: u64 = 1 << 30;

/// What is inaccessible behind an allocation where mistakes are to show.
const APART_BYTES: u64 = 1 << 20;

/// What may be accessed together: if there is an allocation in any of it, as on NVIDIA's cards.
const CHUNK: u64 = HUGE_PAGE;

#[derive(Debug)]
struct Entry {
    bytes: u64,
    purpose: Purpose,
    serial: u64,
    /// As of its [`Place`].
    committed: u64,
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
    /// Bytes that are the allocation's alone.
    committed: u64,
    span: u64,
}

/// The parts of the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// Allocations of less than 2 MiB.
    Small,
    /// What the engine has for itself: nothing but what was asked for is accessible, and no allocation of a program lies beside it.
    Internal,
    /// Allocations of 2 MiB and more.
    Large,
}

#[derive(Debug)]
pub(super) struct Store {
    range: Mapping,
    /// First address of the part for small allocations.
    small_base: u64,
    /// First address of the engine's own part.
    internal_base: u64,
    /// First address of the part for large allocations.
    large_base: u64,
    /// In pages, relative to the part.
    small: Ranges,
    /// In huge pages, relative to the part.
    internal: Ranges,
    large: Ranges,
    /// Number of a chunk of the small part → how many allocations lie in it, if any.
    chunks: HashMap<u64, u32>,
    live: BTreeMap<u64, Entry>,
    freed: VecDeque<Allocation>,
    /// Part and committed bytes → freed ranges of exactly that size with the time when each was freed, oldest first.
    kept: HashMap<(Part, u64), VecDeque<(u64, Place)>>,
    /// Time when a kept range was freed → its part and committed bytes.
    kept_order: BTreeMap<u64, (Part, u64)>,
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
            internal_base: small_base + small_bytes,
            large_base: small_base + 2 * small_bytes,
            small: Ranges::new(0, small_bytes / PAGE),
            internal: Ranges::new(0, small_bytes / HUGE_PAGE),
            large: Ranges::new(0, (bytes - 2 * small_bytes) / HUGE_PAGE),
            chunks: HashMap::new(),
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
        let part = Part::of(bytes, purpose);
        let committed = self.committed(bytes, part).ok_or(error)?;
        let place = match self.take_kept(committed, part) {
            Some(place) => place,
            None => self.take_new(committed, part).ok_or(error)?,
        };
        if self.open(place).is_err() {
            self.release(place);
            return Err(error);
        }
        if committed >= HUGE_PAGE {
            self.range.prefer_huge_pages(place.base, committed);
        }
        self.serial += 1;
        let entry = Entry { bytes, purpose, serial: self.serial, committed, span: place.span, budget };
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
        self.retire(Place { base, committed: entry.committed, span: entry.span });
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

    /// Bytes of memory for an allocation. Large ones have all of their last chunk.
    fn committed(&self, bytes: u64, part: Part) -> Option<u64> {
        align_up(bytes, if part == Part::Large && !self.apart { CHUNK } else { PAGE })
    }

    fn take_new(&mut self, committed: u64, part: Part) -> Option<Place> {
        let guard = match part {
            _ if self.live.len() >= GUARDED_ALLOCATIONS_MAX => 0,
            _ if self.apart => APART_BYTES,
            // An access that is a little out of bounds harms nobody, though it does not show.
            Part::Small | Part::Internal => PAGE,
            Part::Large => 0,
        };
        let needed = committed.checked_add(guard)?;
        loop {
            let (ranges, part_base, unit) = match part {
                Part::Small => (&mut self.small, self.small_base, PAGE),
                Part::Internal => (&mut self.internal, self.internal_base, HUGE_PAGE),
                Part::Large => (&mut self.large, self.large_base, HUGE_PAGE),
            };
            let span = align_up(needed, unit)?;
            let place = ranges.take(span / unit).map(|first| Place { base: part_base + first * unit, committed, span });
            // Addresses that are kept for reuse are given up when they run short.
            if place.is_some() || !self.drop_oldest_kept() {
                return place;
            }
        }
    }

    fn part_at(&self, address: u64) -> Part {
        match address {
            address if address >= self.large_base => Part::Large,
            address if address >= self.internal_base => Part::Internal,
            _ => Part::Small,
        }
    }

    /// The chunks that a place is accessible together with, by number; none if it is accessible by itself.
    fn chunks_of(&self, place: Place) -> std::ops::Range<u64> {
        if self.apart || self.part_at(place.base) != Part::Small {
            return 0..0;
        }
        let offset = place.base - self.small_base;
        offset / CHUNK..(offset + place.committed).div_ceil(CHUNK)
    }

    /// Makes a place accessible, with all of the chunks that it lies in.
    fn open(&mut self, place: Place) -> io::Result<()> {
        let chunks = self.chunks_of(place);
        if chunks.is_empty() {
            return self.range.commit(place.base, place.committed);
        }
        for chunk in chunks.clone() {
            let count = self.chunks.entry(chunk).or_insert(0);
            *count += 1;
            if *count == 1
                && let Err(error) = self.range.commit(self.small_base + chunk * CHUNK, CHUNK)
            {
                let _ = self.leave(chunks.start..chunk + 1);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes a place inaccessible, as far as no other allocation lies in its chunks.
    fn shut(&mut self, place: Place) -> io::Result<()> {
        let chunks = self.chunks_of(place);
        if chunks.is_empty() { self.range.protect_none(place.base, place.committed) } else { self.leave(chunks) }
    }

    /// An allocation is gone from chunks.
    fn leave(&mut self, chunks: std::ops::Range<u64>) -> io::Result<()> {
        for chunk in chunks {
            let count = self.chunks.get_mut(&chunk).expect("a chunk with an allocation is counted");
            *count -= 1;
            if *count == 0 {
                self.chunks.remove(&chunk);
                self.range.protect_none(self.small_base + chunk * CHUNK, CHUNK)?;
            }
        }
        Ok(())
    }

    fn take_kept(&mut self, committed: u64, part: Part) -> Option<Place> {
        if self.apart {
            return None;
        }
        let (time, place) = self.kept.get_mut(&(part, committed))?.pop_back()?;
        self.kept_order.remove(&time);
        self.kept_bytes -= committed;
        Some(place)
    }

    /// Makes what was freed inaccessible and keeps it for a while.
    fn retire(&mut self, place: Place) {
        if self.shut(place).is_err() {
            // The system has no more ranges to protect separately. The addresses are given up for good, so that they
            // are at least never handed out again while a stale pointer may be in use.
            self.range.discard(place.base, place.committed);
            return;
        }
        if place.committed > KEPT_BYTES_MAX / 4 {
            self.release(place);
            return;
        }
        self.time += 1;
        let kind = (self.part_at(place.base), place.committed);
        self.kept.entry(kind).or_default().push_back((self.time, place));
        self.kept_order.insert(self.time, kind);
        self.kept_bytes += place.committed;
        while self.kept_bytes > KEPT_BYTES_MAX && self.drop_oldest_kept() {}
    }

    /// False when nothing is kept.
    fn drop_oldest_kept(&mut self) -> bool {
        let Some((_, kind)) = self.kept_order.pop_first() else { return false };
        let list = self.kept.get_mut(&kind).expect("every kept range is in its list");
        let (_, place) = list.pop_front().expect("every kept range is in its list");
        if list.is_empty() {
            self.kept.remove(&kind);
        }
        self.kept_bytes -= place.committed;
        self.release(place);
        true
    }

    /// Gives memory and addresses of a place back that is shut.
    fn release(&mut self, place: Place) {
        self.range.discard(place.base, place.committed);
        match self.part_at(place.base) {
            Part::Small => self.small.give((place.base - self.small_base) / PAGE, place.span / PAGE),
            Part::Internal => self.internal.give((place.base - self.internal_base) / HUGE_PAGE, place.span / HUGE_PAGE),
            Part::Large => self.large.give((place.base - self.large_base) / HUGE_PAGE, place.span / HUGE_PAGE),
        }
    }
}

impl Part {
    fn of(bytes: u64, purpose: Purpose) -> Part {
        match purpose {
            Purpose::Internal => Part::Internal,
            _ if bytes < HUGE_PAGE => Part::Small,
            _ => Part::Large,
        }
    }
}
