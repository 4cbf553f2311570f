//! A table from handles to numbers that is read without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use stdx::near;

/// Slots that a key may be in: from its own on.
const PROBES: usize = 32;
/// Values have so many bits: addresses do.
const VALUE_BITS: u32 = 48;
/// What a slot has of an epoch.
const EPOCH_MASK: u64 = (1 << (64 - VALUE_BITS)) - 1;

/// The table. Bounded: what finds no room is not kept, and has to be found out anew each time.
#[repr(C)]
pub(crate) struct Table<const SLOTS: usize> {
    slots: &'static [Slot; SLOTS],
    /// Raised to forget everything. Slots have the low bits of it.
    epoch: AtomicU64,
    writing: Mutex<()>,
}

/// Never in two cache lines.
#[repr(align(16))]
struct Slot {
    /// 0 in a slot that was never used. A slot keeps its key for ever, so that a reader never takes one key's value for another's.
    key: AtomicU64,
    /// The value, and above it the epoch that it is of; 0 for none.
    value: AtomicU64,
}

impl<const SLOTS: usize> Table<SLOTS> {
    /// How many bytes from the beginning are looked at to find a key, beside its slot.
    pub(crate) const READ_BYTES: usize = std::mem::offset_of!(Self, writing);

    /// An empty table. The memory of its slots is not given back.
    pub(crate) fn new() -> Table<SLOTS> {
        const { assert!(SLOTS.is_power_of_two() && SLOTS >= PROBES) };
        let slots = near::leak_slice(SLOTS, || Slot { key: AtomicU64::new(0), value: AtomicU64::new(0) });
        let slots = slots.try_into().expect("as many as were asked for");
        Table { slots, epoch: AtomicU64::new(1), writing: Mutex::new(()) }
    }

    /// The slots that a key may be in.
    fn places(&self, key: u64) -> impl Iterator<Item = &Slot> {
        (0..PROBES).map(move |probe| self.place(key, probe))
    }

    /// One of them.
    #[inline(always)]
    fn place(&self, key: u64, probe: usize) -> &Slot {
        // The golden ratio spreads addresses, whose lowest bits are alike, as are their highest. In 32 bits, which is shorter code.
        let first = (key as u32).wrapping_mul(0x9e37_79b9) >> (32 - SLOTS.ilog2());
        &self.slots[(first as usize + probe) & (SLOTS - 1)]
    }

    /// The value of a key, which is not 0. Most keys are where they belong: the rest of the search stays out of the caller's code.
    #[inline(always)]
    pub(crate) fn get(&self, key: u64) -> Option<u64> {
        let slot = self.place(key, 0);
        match slot.key.load(Ordering::Acquire) {
            found if found == key => self.value(slot),
            0 => None,
            _ => self.get_further(key),
        }
    }

    #[cold]
    #[inline(never)]
    fn get_further(&self, key: u64) -> Option<u64> {
        for slot in self.places(key).skip(1) {
            match slot.key.load(Ordering::Acquire) {
                0 => return None,
                found if found == key => return self.value(slot),
                _ => {}
            }
        }
        None
    }

    /// The value in a key's slot, if it holds.
    #[inline(always)]
    fn value(&self, slot: &Slot) -> Option<u64> {
        // The slot before the epoch: what was set since is refused.
        let value = slot.value.load(Ordering::Acquire);
        let is_valid = value >> VALUE_BITS == self.epoch.load(Ordering::Relaxed) & EPOCH_MASK;
        is_valid.then_some(value & ((1 << VALUE_BITS) - 1))
    }

    /// The epoch, to be handed to [`set`](Table::set) once the value has been found out.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Sets the value of a key, unless everything has been forgotten since `epoch`.
    pub(crate) fn set(&self, key: u64, value: u64, epoch: u64) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = self.places(key).find(|slot| [0, key].contains(&slot.key.load(Ordering::Relaxed)));
        let is_kept = epoch == self.epoch.load(Ordering::Relaxed) && value >> VALUE_BITS == 0;
        let Some(slot) = slot.filter(|_| is_kept) else { return };
        slot.value.store(value | (epoch & EPOCH_MASK) << VALUE_BITS, Ordering::Release);
        slot.key.store(key, Ordering::Release);
    }

    /// Forgets a key.
    pub(crate) fn forget(&self, key: u64) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = self.places(key).find(|slot| slot.key.load(Ordering::Relaxed) == key) {
            slot.value.store(0, Ordering::Release);
        }
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.epoch.load(Ordering::Relaxed) + 1;
        if next & EPOCH_MASK == 0 {
            // Slots begin anew: no value of theirs is older than this, and 0 is the epoch of no value.
            self.slots.iter().for_each(|slot| slot.value.store(0, Ordering::Release));
            next += 1;
        }
        self.epoch.store(next, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_forgotten_and_known_again() {
        let table = Table::<64>::new();
        for key in 1..=30 {
            table.set(key << 12, key, table.epoch());
        }
        assert!((1..=30).all(|key| table.get(key << 12) == Some(key)));
        assert_eq!(table.get(31 << 12), None);
        table.forget(5 << 12);
        assert_eq!([table.get(5 << 12), table.get(6 << 12)], [None, Some(6)]);
        table.set(5 << 12, 50, table.epoch());
        assert_eq!(table.get(5 << 12), Some(50));
        let epoch = table.epoch();
        table.forget_all();
        assert!((1..=30).all(|key| table.get(key << 12).is_none()));
        table.set(5 << 12, 51, epoch);
        assert_eq!(table.get(5 << 12), None, "found out before everything was forgotten");
    }

    #[test]
    fn epochs_may_come_round() {
        let table = Table::<64>::new();
        table.set(1, 10, table.epoch());
        for _ in 0..3 << (64 - VALUE_BITS) {
            table.forget_all();
            assert_eq!([table.get(1), table.get(2)], [None; 2]);
        }
        let epoch = table.epoch();
        table.set(2, 20, epoch - (EPOCH_MASK + 1));
        assert_eq!(table.get(2), None, "of another round");
        table.set(2, 1 << VALUE_BITS, epoch);
        assert_eq!(table.get(2), None, "too large a value");
        table.set(2, 20, epoch);
        assert_eq!(table.get(2), Some(20));
    }

    #[test]
    fn a_full_table_keeps_what_it_has() {
        let table = Table::<64>::new();
        (1..1000).for_each(|key| table.set(key, key, table.epoch()));
        let kept = (1..1000).filter(|key| table.get(*key).is_some()).collect::<Vec<_>>();
        assert_eq!(kept.len(), 64);
        assert!(kept.iter().all(|key| table.get(*key) == Some(*key)));
    }

    #[test]
    fn readers_never_see_another_key_s_value() {
        let table = Table::<64>::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for turn in 0..20_000_u64 {
                        let key = turn % 40 + 1;
                        table.set(key, key * 1000, table.epoch());
                        if turn % 7 == 0 {
                            table.forget_all();
                        }
                    }
                });
            }
            scope.spawn(|| {
                for turn in 0..100_000_u64 {
                    let key = turn % 40 + 1;
                    assert!(table.get(key).is_none_or(|value| value == key * 1000));
                }
            });
        });
    }
}
