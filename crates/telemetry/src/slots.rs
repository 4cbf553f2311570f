//! Memory for rings.

use crate::event::Slot;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// Rings that lie in large pages, of a process. Programs launch from one or two threads; the memory of these is never given back.
const NEAR_MAX: usize = 4;

/// The slots of a ring, a power of two. Memory is taken from the system when it is first used.
pub(crate) struct Slots {
    memory: Memory,
    count: usize,
}

/// A slot, which is a cache line.
#[repr(align(64))]
struct Cell(#[allow(dead_code, reason = "written and read by address")] UnsafeCell<MaybeUninit<Slot>>);

type Cells = [Cell];

enum Memory {
    /// In a large page with what else a launch looks at. Another ring's when this one is gone.
    Near(&'static Cells),
    OfItsOwn(Box<Cells>),
}

// SAFETY: memory; who may look at which slot is the ring's to say.
unsafe impl Send for Slots {}
// SAFETY: as above.
unsafe impl Sync for Slots {}

/// What lies in large pages and is no ring's at present, and how much there is of it in all.
static NEAR: Mutex<(Vec<Slots>, usize)> = Mutex::new((Vec::new(), 0));

impl Slots {
    /// Slots in a large page, if there are any left.
    pub(crate) fn new(count: usize) -> Slots {
        assert!(count.is_power_of_two() && count <= 1 << 31, "a ring of {count} events");
        let mut near = NEAR.lock().unwrap_or_else(PoisonError::into_inner);
        let (spare, in_all) = &mut *near;
        if let Some(index) = spare.iter().position(|slots| slots.count == count) {
            return spare.swap_remove(index);
        }
        if *in_all == NEAR_MAX {
            return Slots::of_its_own(count);
        }
        *in_all += 1;
        let cells = std::ptr::from_mut(stdx::near::leak_uninit::<Cell>(count));
        // SAFETY: uninitialised slots are what the type says they may be.
        Slots { memory: Memory::Near(unsafe { &*(cells as *const Cells) }), count }
    }

    /// Slots elsewhere.
    pub(crate) fn of_its_own(count: usize) -> Slots {
        // SAFETY: as above.
        Slots { memory: Memory::OfItsOwn(unsafe { Box::new_uninit_slice(count).assume_init() }), count }
    }

    /// Where they begin.
    pub(crate) fn start(&self) -> *mut Slot {
        let cells = match &self.memory {
            Memory::Near(cells) => cells,
            Memory::OfItsOwn(cells) => &cells[..],
        };
        cells.as_ptr().cast_mut().cast()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        if let Memory::Near(cells) = self.memory {
            let mut near = NEAR.lock().unwrap_or_else(PoisonError::into_inner);
            near.0.push(Slots { memory: Memory::Near(cells), count: self.count });
        }
    }
}
