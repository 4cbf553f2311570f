//! Memory that a process holds, by kind and device.

use super::records::Memory;
use crate::records::{self, MEMORIES, flags};
use std::collections::{BTreeMap, HashMap};

/// Most allocations that are remembered until they are freed: what is allocated beyond does not count as held.
const REMEMBERED_MAX: usize = 1 << 20;
/// Most frees that wait for their allocation.
const EARLY_MAX: usize = 1 << 12;
/// How many turns of the writer they wait.
const EARLY_TURNS: u32 = 20;

/// Kinds whose addresses, and whose frees, are one.
type Space = u64;

/// What is held, and what was.
#[derive(Default)]
pub(super) struct Held {
    /// By kind and device.
    counts: BTreeMap<(u64, u64), Memory>,
    remembered: HashMap<(Space, u64), Allocation>,
    /// Frees that came before their allocation did: rings of threads are emptied one after the other. By address: when the
    /// program asked, and the turns they have left.
    early: HashMap<(Space, u64), (u64, u32)>,
    pub(super) unknown_frees: u64,
}

#[derive(Clone, Copy)]
struct Allocation {
    kind: u64,
    device: u64,
    bytes: u64,
}

impl Held {
    /// Counts, kind by kind.
    pub(super) fn rows(&self) -> Vec<Memory> {
        self.counts.values().cloned().collect()
    }

    /// An allocation or a free that succeeded and was carried out.
    pub(super) fn add(&mut self, row: &records::Memory, device: u64) {
        let key = (space(row.kind), row.address);
        if row.flags & flags::RELEASE != 0 {
            let known = self.remembered.remove(&key);
            // What is freed tells better than the function that frees.
            let (kind, device) = known.map_or((row.kind, device), |known| (known.kind, known.device));
            let counts = self.counts(kind, device);
            counts.frees += 1;
            counts.free_ns += row.duration;
            match known {
                Some(known) => counts.held_bytes -= known.bytes.min(counts.held_bytes),
                None if row.address == 0 => {}
                None if self.early.len() < EARLY_MAX => _ = self.early.insert(key, (row.start, EARLY_TURNS)),
                None => self.unknown_frees += 1,
            }
            return;
        }
        let counts = self.counts(row.kind, device);
        counts.allocations += 1;
        counts.allocation_ns += row.duration;
        counts.allocated_bytes = counts.allocated_bytes.saturating_add(row.bytes);
        if self.early.get(&key).is_some_and(|(freed, _)| *freed >= row.start) {
            self.early.remove(&key);
        } else if self.remembered.len() < REMEMBERED_MAX {
            self.hold(key, Allocation { kind: row.kind, device, bytes: row.bytes });
        }
    }

    fn hold(&mut self, key: (Space, u64), allocation: Allocation) {
        // Where an address is given out again, its free was dropped, or it went with its context.
        if let Some(before) = self.remembered.insert(key, allocation) {
            let counts = self.counts(before.kind, before.device);
            counts.held_bytes -= before.bytes.min(counts.held_bytes);
        }
        let counts = self.counts(allocation.kind, allocation.device);
        counts.held_bytes = counts.held_bytes.saturating_add(allocation.bytes);
        counts.held_bytes_max = counts.held_bytes_max.max(counts.held_bytes);
    }

    /// A turn of the writer has passed.
    pub(super) fn turn(&mut self) {
        let before = self.early.len();
        self.early.retain(|_, (_, turns)| {
            *turns -= 1;
            *turns > 0
        });
        self.unknown_frees += (before - self.early.len()) as u64;
    }

    fn counts(&mut self, kind: u64, device: u64) -> &mut Memory {
        self.counts.entry((kind, device)).or_insert_with(|| Memory { kind, device, ..Memory::default() })
    }
}

/// Memory of a device is freed by the same functions however it was allocated, and so may be memory of the host.
fn space(kind: u64) -> Space {
    match MEMORIES.of(kind) {
        "device" | "device, in stream order" | "managed" => 0,
        _ => kind + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start: u64, kind: u64, address: u64, bytes: u64) -> records::Memory {
        records::Memory { start, kind, address, bytes, ..records::Memory::default() }
    }

    fn free(start: u64, kind: u64, address: u64) -> records::Memory {
        records::Memory { flags: flags::RELEASE, ..row(start, kind, address, 0) }
    }

    fn held_of(held: &Held) -> Vec<[u64; 4]> {
        held.rows().iter().map(|row| [row.kind, row.device, row.held_bytes, row.held_bytes_max]).collect()
    }

    #[test]
    fn a_free_gives_back_what_was_allocated_at_its_address() {
        let mut held = Held::default();
        held.add(&row(1, 0, 0x1000, 100), 1);
        held.add(&row(2, 1, 0x2000, 30), 1);
        held.add(&row(3, 3, 0x1000, 7), 1);
        assert_eq!(held_of(&held), [[0, 1, 100, 100], [1, 1, 30, 30], [3, 1, 7, 7]]);
        // `cuMemFree` of memory of a pool, from another device's context.
        held.add(&free(4, 0, 0x2000), 2);
        held.add(&free(5, 0, 0x1000), 1);
        assert_eq!(held_of(&held), [[0, 1, 0, 100], [1, 1, 0, 30], [3, 1, 7, 7]]);
        assert_eq!(held.rows().iter().map(|row| row.frees).collect::<Vec<_>>(), [1, 1, 0]);
    }

    #[test]
    fn a_free_may_be_seen_before_its_allocation() {
        let mut held = Held::default();
        held.add(&free(20, 0, 0x1000), 1);
        held.add(&row(10, 0, 0x1000, 100), 1);
        assert_eq!(held_of(&held), [[0, 1, 0, 0]]);
        held.add(&row(30, 0, 0x1000, 50), 1);
        assert_eq!(held_of(&held), [[0, 1, 50, 50]]);
        assert_eq!(held.unknown_frees, 0);
    }

    #[test]
    fn a_free_of_something_unknown_is_counted_and_takes_nothing_away() {
        let mut held = Held::default();
        held.add(&free(20, 0, 0x1000), 1);
        (0..EARLY_TURNS).for_each(|_| held.turn());
        held.add(&row(30, 0, 0x1000, 50), 1);
        assert_eq!((held_of(&held), held.unknown_frees), (vec![[0, 1, 50, 50]], 1));
        (0..2 * EARLY_MAX as u64).for_each(|n| held.add(&free(40, 0, n << 20), 1));
        (0..EARLY_TURNS).for_each(|_| held.turn());
        assert_eq!(held.unknown_frees, 1 + 2 * EARLY_MAX as u64 - 1, "all but that of the null pointer");
    }

    #[test]
    fn an_address_that_is_given_out_again_was_freed() {
        let mut held = Held::default();
        held.add(&row(1, 0, 0x1000, 100), 1);
        held.add(&row(2, 0, 0x1000, 60), 1);
        assert_eq!(held_of(&held), [[0, 1, 60, 100]]);
    }
}
