//! A table from handles to numbers that is read without a lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use stdx::{hash, near};

/// Slots that a key may be in: from its own on.
const PROBES: usize = 32;
/// Values have so many bits: addresses do.
const VALUE_BITS: u32 = 48;
/// The bits of a value.
const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;
/// What a slot has of an epoch.
const EPOCH_MASK: u64 = (1 << (64 - VALUE_BITS)) - 1;

/// The table. Bounded: what finds no room is not kept, and has to be found out anew each time.
#[repr(C)]
pub(crate) struct Table<const SLOTS: usize> {
    slots: &'static [Slot; SLOTS],
    /// Raised to forget everything. Slots have the low bits of it.
    epoch: AtomicU32,
    /// Raised to forget all companions, likewise.
    companions_epoch: AtomicU32,
    writing: Mutex<()>,
}

/// Never in two cache lines.
#[repr(align(32))]
#[derive(Default)]
struct Slot {
    /// 0 in a slot that was never used. A slot keeps its key for ever, so that a reader never takes one key's value for another's.
    key: AtomicU64,
    /// The value, and above it the epoch that it is of; 0 for none.
    value: AtomicU64,
    /// What goes with the value, and above it the companions' epoch that it is of; 0 for none.
    companion: AtomicU64,
}

/// What goes with a value, as its slot has it.
#[derive(Clone, Copy)]
pub(crate) struct Companion(u64);

impl<const SLOTS: usize> Table<SLOTS> {
    /// How many bytes from the beginning are looked at to find a key, beside its slot.
    pub(crate) const READ_BYTES: usize = std::mem::offset_of!(Self, writing);

    /// An empty table. The memory of its slots is not given back.
    pub(crate) fn new() -> Table<SLOTS> {
        const { assert!(SLOTS.is_power_of_two() && SLOTS >= PROBES) };
        let slots = near::leak_slice(SLOTS, Slot::default);
        let slots = slots.try_into().expect("as many as were asked for");
        Table { slots, epoch: AtomicU32::new(1), companions_epoch: AtomicU32::new(1), writing: Mutex::new(()) }
    }

    /// The slots that a key may be in.
    fn places(&self, key: u64) -> impl Iterator<Item = &Slot> {
        (0..PROBES).map(move |probe| self.place(key, probe))
    }

    /// One of them.
    #[inline(always)]
    fn place(&self, key: u64, probe: usize) -> &Slot {
        &self.slots[(hash::place(key, SLOTS) + probe) & (SLOTS - 1)]
    }

    /// The value of a key, which is not 0.
    #[inline(always)]
    pub(crate) fn get(&self, key: u64) -> Option<u64> {
        self.find(key).map(|(value, _)| value)
    }

    /// The value of a key, and what goes with it.
    #[inline(always)]
    pub(crate) fn get_both(&self, key: u64) -> Option<(u64, Companion)> {
        let (value, slot) = self.find(key)?;
        Some((value, Companion(slot.companion.load(Ordering::Acquire))))
    }

    /// Most keys are where they belong: the rest of the search stays out of the caller's code.
    #[inline(always)]
    fn find(&self, key: u64) -> Option<(u64, &Slot)> {
        let slot = self.place(key, 0);
        match slot.key.load(Ordering::Acquire) {
            found if found == key => self.value(slot),
            0 => None,
            _ => self.find_further(key),
        }
    }

    #[cold]
    #[inline(never)]
    fn find_further(&self, key: u64) -> Option<(u64, &Slot)> {
        for slot in self.places(key).skip(1) {
            match slot.key.load(Ordering::Acquire) {
                0 => return None,
                found if found == key => return self.value(slot),
                _ => {}
            }
        }
        None
    }

    /// The value in a key's slot, if it holds, and the slot.
    #[inline(always)]
    fn value<'a>(&self, slot: &'a Slot) -> Option<(u64, &'a Slot)> {
        // The slot before the epoch: what was set since is refused.
        let value = slot.value.load(Ordering::Acquire);
        let is_valid = value >> VALUE_BITS == u64::from(self.epoch.load(Ordering::Relaxed)) & EPOCH_MASK;
        is_valid.then_some((value & VALUE_MASK, slot))
    }

    /// A companion as it would be in a slot.
    #[inline(always)]
    fn companion_of(&self, companion: u64) -> u64 {
        companion | u64::from(self.companions_epoch.load(Ordering::Relaxed)) << VALUE_BITS
    }

    /// Whether a companion is this one, and holds.
    #[inline(always)]
    pub(crate) fn is_companion(&self, found: Companion, companion: u64) -> bool {
        found.0 == self.companion_of(companion)
    }

    /// Sets what goes with a key's value, if that is still this one and nothing else goes with it.
    #[cold]
    pub(crate) fn set_companion(&self, key: u64, value: u64, companion: u64) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, slot)) = self.find(key).filter(|(found, _)| *found == value && companion & !VALUE_MASK == 0)
        else {
            return;
        };
        if slot.companion.load(Ordering::Relaxed) >> VALUE_BITS != self.companion_of(0) >> VALUE_BITS {
            slot.companion.store(self.companion_of(companion), Ordering::Release);
        }
    }

    /// Whether a companion holds, whatever it is.
    #[inline(always)]
    pub(crate) fn holds(&self, found: Companion) -> bool {
        found.0 >> VALUE_BITS == self.companion_of(0) >> VALUE_BITS
    }

    /// Forgets what goes with values.
    pub(crate) fn forget_companions(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.begin_companions();
    }

    /// Begins a new epoch of companions, while nobody else writes.
    fn begin_companions(&self) {
        let next = self.companions_epoch.load(Ordering::Relaxed).wrapping_add(1);
        self.companions_epoch.store(self.next_epoch(next, |slot| &slot.companion), Ordering::Release);
    }

    /// The epoch that is to come, or one more where its low bits are 0, which is the epoch of nothing. Then slots begin anew, so that nothing of theirs
    /// is of a round before.
    fn next_epoch(&self, next: u32, word: impl Fn(&Slot) -> &AtomicU64) -> u32 {
        if u64::from(next) & EPOCH_MASK != 0 {
            return next;
        }
        self.slots.iter().for_each(|slot| word(slot).store(0, Ordering::Release));
        next.wrapping_add(1)
    }

    /// The epoch, to be handed to [`set`](Table::set) once the value has been found out.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Sets the value of a key, unless everything has been forgotten since `epoch`.
    pub(crate) fn set(&self, key: u64, value: u64, epoch: u32) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = self.places(key).find(|slot| [0, key].contains(&slot.key.load(Ordering::Relaxed)));
        let is_kept = epoch == self.epoch.load(Ordering::Relaxed) && value >> VALUE_BITS == 0;
        let Some(slot) = slot.filter(|_| is_kept) else { return };
        slot.companion.store(0, Ordering::Release);
        slot.value.store(value | (u64::from(epoch) & EPOCH_MASK) << VALUE_BITS, Ordering::Release);
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
        self.begin_companions();
        let next = self.epoch.load(Ordering::Relaxed).wrapping_add(1);
        self.epoch.store(self.next_epoch(next, |slot| &slot.value), Ordering::Release);
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
    fn companions_go_with_the_value_that_they_were_set_for() {
        let table = Table::<64>::new();
        let is = |companion: u64| {
            let (_, found) = table.get_both(1).unwrap();
            table.is_companion(found, companion)
        };
        table.set(1, 10, table.epoch());
        assert!(!is(0) && !is(70));
        table.set_companion(1, 11, 70);
        table.set_companion(1, 10, 1 << VALUE_BITS);
        assert!(!is(70) && !is(0), "the value is another, and the companion is too large");
        table.set_companion(1, 10, 70);
        table.set_companion(1, 10, 71);
        assert!(is(70) && !is(71), "the first stays");
        table.forget_companions();
        assert_eq!((is(70), table.get(1)), (false, Some(10)));
        table.set_companion(1, 10, 71);
        assert!(is(71));
        table.forget(1);
        table.set(1, 12, table.epoch());
        assert!(!is(71), "it went with another value");
        table.set_companion(1, 12, 72);
        table.forget_all();
        table.set(1, 12, table.epoch());
        assert!(!is(72));
        table.set_companion(1, 12, 72);
        for _ in 0..=EPOCH_MASK {
            table.forget_companions();
            assert!(!is(72) && !is(0));
        }
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
        table.set(2, 20, epoch - (EPOCH_MASK as u32 + 1));
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
