//! A bounded table of values under handles that notice when their value is gone.

use std::fmt;
use std::num::NonZeroU64;

/// Names a value in a [`Slab`].
///
/// As a number it is at least 2³², so it never equals a small constant that an API reserves (such as
/// CUDA's stream handles 0, 1 and 2) and never looks like a null pointer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(NonZeroU64);

impl Handle {
    fn new(index: u32, generation: u32) -> Option<Self> {
        NonZeroU64::new(u64::from(generation) << 32 | u64::from(index)).map(Self)
    }

    fn index(self) -> usize {
        // The low half.
        self.0.get() as u32 as usize
    }

    fn generation(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    /// The handle as a number, to be given out through a C interface.
    pub fn to_raw(self) -> u64 {
        self.0.get()
    }

    /// The handle that a number may be; looking it up tells whether it is one. `None` for numbers that
    /// are no handle of any slab.
    pub fn from_raw(raw: u64) -> Option<Self> {
        NonZeroU64::new(raw).map(Self).filter(|handle| handle.generation() != 0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}, generation {})", self.index(), self.generation())
    }
}

/// A bounded table of values.
///
/// Each use of a slot has a generation of its own, which is part of the handle: a handle of a removed
/// value finds nothing, also when the slot is used again. A slot that has had every generation is
/// never used again.
#[derive(Debug, Clone)]
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    /// Slots to use again.
    free: Vec<u32>,
    /// Slots that have a value.
    occupied: usize,
    capacity: u32,
}

#[derive(Debug, Clone)]
struct Slot<T> {
    /// Of the value that is here, or of the next one.
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    /// An empty table for at most `capacity` values at a time. Allocates nothing yet.
    pub const fn new(capacity: u32) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), occupied: 0, capacity }
    }

    /// Puts a value in.
    ///
    /// # Errors
    /// Gives the value back when the table is full.
    pub fn insert(&mut self, value: T) -> Result<Handle, T> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => match u32::try_from(self.slots.len()) {
                Ok(index) if index < self.capacity => {
                    self.slots.push(Slot { generation: 1, value: None });
                    index
                }
                _ => return Err(value),
            },
        };
        let slot = &mut self.slots[index as usize];
        match Handle::new(index, slot.generation) {
            Some(handle) => {
                slot.value = Some(value);
                self.occupied += 1;
                Ok(handle)
            }
            None => Err(value),
        }
    }

    /// The value of a handle, unless it was removed.
    pub fn get(&self, handle: Handle) -> Option<&T> {
        let slot = self.slots.get(handle.index())?;
        slot.value.as_ref().filter(|_| slot.generation == handle.generation())
    }

    /// The value of a handle, unless it was removed.
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let slot = self.slots.get_mut(handle.index())?;
        slot.value.as_mut().filter(|_| slot.generation == handle.generation())
    }

    /// Takes a value out; its handle and all copies of it are stale from here on.
    pub fn remove(&mut self, handle: Handle) -> Option<T> {
        let slot = self.slots.get_mut(handle.index())?;
        if slot.generation != handle.generation() {
            return None;
        }
        let value = slot.value.take()?;
        self.occupied -= 1;
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(handle.index() as u32);
        }
        Some(value)
    }

    /// All values with their handles, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Handle, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let handle = Handle::new(index as u32, slot.generation)?;
            Some((handle, slot.value.as_ref()?))
        })
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.occupied
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stale_handle_finds_nothing_when_its_slot_is_used_again() {
        let mut slab = Slab::new(1);
        let first = slab.insert('a').unwrap();
        assert_eq!(slab.insert('b'), Err('b'));
        assert_eq!(slab.remove(first), Some('a'));
        assert_eq!(slab.remove(first), None);
        let second = slab.insert('c').unwrap();
        assert_ne!(first, second);
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.get(second), Some(&'c'));
    }

    #[test]
    fn a_slot_is_given_up_after_its_last_generation() {
        let mut slab = Slab::new(2);
        let handle = slab.insert(()).unwrap();
        slab.slots[handle.index()].generation = u32::MAX;
        let last = Handle::new(0, u32::MAX).unwrap();
        assert_eq!(slab.remove(last), Some(()));
        assert_eq!(slab.get(last), None);
        assert_eq!(slab.insert(()).unwrap().index(), 1);
        assert_eq!(slab.insert(()), Err(()));
    }

    #[test]
    fn numbers_that_apis_reserve_are_no_handles() {
        for raw in [0, 1, 2, u64::from(u32::MAX)] {
            assert_eq!(Handle::from_raw(raw), None);
        }
        let mut slab = Slab::new(4);
        let handle = slab.insert(7).unwrap();
        assert_eq!(Handle::from_raw(handle.to_raw()), Some(handle));
        let foreign = Handle::from_raw(u64::MAX).unwrap();
        assert_eq!(slab.get(foreign), None);
        assert_eq!(slab.remove(foreign), None);
    }

    proptest! {
        /// Against a map: live handles find their values, dead ones nothing.
        #[test]
        fn it_agrees_with_a_map(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..200)) {
            let mut slab = Slab::new(8);
            let mut live = HashMap::new();
            let mut handles = Vec::new();
            for (number, (insert, which)) in steps.into_iter().enumerate() {
                if insert || handles.is_empty() {
                    let inserted = slab.insert(number);
                    prop_assert_eq!(inserted.is_ok(), live.len() < 8);
                    if let Ok(handle) = inserted {
                        prop_assert_eq!(live.insert(handle, number), None);
                        handles.push(handle);
                    }
                } else {
                    let handle = *which.get(&handles);
                    prop_assert_eq!(slab.remove(handle), live.remove(&handle));
                }
                prop_assert_eq!(slab.len(), live.len());
                prop_assert!(handles.iter().all(|handle| slab.get(*handle) == live.get(handle)));
                prop_assert!(slab.iter().all(|(handle, value)| live.get(&handle) == Some(value)));
            }
        }
    }
}
