//! Host memory outside of the arena that devices may reach.

use std::collections::BTreeMap;

/// Ranges that do not overlap: first address → bytes.
#[derive(Debug, Default)]
pub(super) struct Registered(BTreeMap<u64, u64>);

impl Registered {
    /// False if the range overlaps one that is there. `address + bytes` does not wrap around.
    pub(super) fn insert(&mut self, address: u64, bytes: u64) -> bool {
        let end = address + bytes;
        let clash = self.0.range(..end).next_back().is_some_and(|(&start, &size)| start + size > address);
        if !clash {
            self.0.insert(address, bytes);
        }
        !clash
    }

    /// The size of the range that began at `address`.
    pub(super) fn remove(&mut self, address: u64) -> Option<u64> {
        self.0.remove(&address)
    }

    /// The range that holds `address`.
    pub(super) fn lookup(&self, address: u64) -> Option<(u64, u64)> {
        let (&start, &bytes) = self.0.range(..=address).next_back()?;
        (address - start < bytes).then_some((start, bytes))
    }

    pub(super) fn contains(&self, address: u64, bytes: u64) -> bool {
        self.lookup(address).is_some_and(|(start, size)| bytes <= size - (address - start))
    }
}
