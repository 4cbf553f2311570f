//! Memory, copies and sets.

use crate::records::{self, MEMORIES, flags};
use std::collections::{BTreeMap, HashMap};

/// Most allocations whose sizes are remembered until they are freed.
const LIVE_MAX: usize = 1 << 22;

/// How often, how long on the host, how many bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Calls.
    pub count: u64,
    /// Their time on the host, in ns.
    pub host_ns: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Traffic {
    /// Adds a call.
    pub fn add(&mut self, host_ns: u64, bytes: u64) {
        self.count += 1;
        self.host_ns = self.host_ns.saturating_add(host_ns);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What was done with memory.
#[derive(Debug, Default)]
pub struct MemorySummary {
    /// Allocations by kind. Here as below a call that failed is a call that moved nothing.
    pub allocations: BTreeMap<u64, Traffic>,
    /// Frees by kind.
    pub frees: BTreeMap<u64, Traffic>,
    /// Copies by kind, and whether they are asynchronous.
    pub copies: BTreeMap<(u64, bool), Traffic>,
    /// Sets.
    pub sets: Traffic,
    /// Bytes of the device that are allocated at the end.
    pub live: u64,
    /// The most that there were at a time.
    pub live_most: u64,
    /// Sizes of what is allocated.
    sizes: HashMap<u64, u64>,
}

impl MemorySummary {
    pub(super) fn add_copy(&mut self, copy: &records::Copy) {
        let is_async = copy.flags & flags::ASYNCHRONOUS != 0;
        let bytes = if copy.result == 0 { copy.bytes } else { 0 };
        self.copies.entry((copy.kind, is_async)).or_default().add(copy.duration, bytes);
    }

    pub(super) fn add(&mut self, row: &records::Memory) {
        let is_free = row.flags & flags::RELEASE != 0;
        let map = if is_free { &mut self.frees } else { &mut self.allocations };
        map.entry(row.kind).or_default().add(row.duration, if row.result == 0 { row.bytes } else { 0 });
        // Pool and device share addresses and frees; ranges of addresses, mappings and memory of the host take none of the device's.
        let takes_device_memory =
            ["device", "device, in stream order", "managed", "physical", "array"].contains(&MEMORIES.of(row.kind));
        if row.result != 0 || !takes_device_memory || row.flags & flags::CAPTURED != 0 {
            return;
        }
        if is_free {
            self.live -= self.sizes.remove(&row.address).unwrap_or(0).min(self.live);
        } else if self.sizes.len() < LIVE_MAX {
            self.live = self.live.saturating_add(row.bytes);
            self.live -= self.sizes.insert(row.address, row.bytes).unwrap_or(0).min(self.live);
            self.live_most = self.live_most.max(self.live);
        }
    }
}
