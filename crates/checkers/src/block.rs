//! What is kept of a block while it runs.

use crate::clock::Clocks;
use crate::copies::Copies;
use crate::finding::Finding;
use crate::locate::number_of;
use crate::shadow::Cell;
use simt::Place;
use std::collections::HashMap;

/// Candidates that wait for what is stored, of a block.
const PENDING_MAX: usize = 256;
/// Bytes of local memory of a thread that are followed.
const LOCAL_BYTES_MAX: u64 = 16 << 10;

/// Two writes of which the second is about to happen: no race if it writes what is there already.
pub(crate) struct Pending {
    pub finding: Finding,
    pub address: u64,
    pub before: Vec<u8>,
}

/// A set of bytes.
#[derive(Default)]
struct Bytes(Vec<u64>);

impl Bytes {
    fn insert(&mut self, first: u64, count: u32) {
        for at in first..first + u64::from(count) {
            let word = (at / 64) as usize;
            if self.0.len() <= word {
                self.0.resize(word + 1, 0);
            }
            self.0[word] |= 1 << (at % 64);
        }
    }

    fn has_any(&self, first: u64, count: u32) -> bool {
        (first..first + u64::from(count))
            .any(|at| self.0.get((at / 64) as usize).is_some_and(|word| word >> (at % 64) & 1 != 0))
    }
}

/// A block under way.
pub(crate) struct Block {
    pub grid_id: u64,
    index: [u32; 3],
    /// Its number in the grid.
    pub number: u32,
    pub clocks: Clocks,
    pub copies: Copies,
    /// By word.
    shared: Vec<Cell>,
    shared_written: Bytes,
    /// By warp and lane.
    local_written: HashMap<u32, Bytes>,
    pending: Vec<Pending>,
    /// When it last learned what other blocks did.
    pub acquired: u64,
    /// Whether it is about to learn it: the access that it learns it with has been announced, but not done.
    pub acquires: bool,
}

impl Block {
    pub fn new(place: &Place) -> Block {
        Block {
            grid_id: place.grid_id,
            index: place.block_index,
            number: number_of(place.grid, place.block_index),
            clocks: Clocks::new(),
            copies: Copies::new(),
            shared: Vec::new(),
            shared_written: Bytes::default(),
            local_written: HashMap::new(),
            pending: Vec::new(),
            acquired: 0,
            acquires: false,
        }
    }

    /// Whether it is the block of a warp.
    pub fn is_of(&self, place: &Place) -> bool {
        (self.grid_id, self.index) == (place.grid_id, place.block_index)
    }

    /// What is known of a word of shared memory.
    pub fn shared_cell(&mut self, word: u64, bytes: u32) -> Option<&mut Cell> {
        if self.shared.is_empty() {
            self.shared.resize(bytes.div_ceil(4) as usize, Cell::default());
        }
        self.shared.get_mut(word as usize)
    }

    /// Shared memory is written.
    pub fn write_shared(&mut self, offset: u64, bytes: u32) {
        self.shared_written.insert(offset, bytes);
    }

    /// Whether any of some bytes of shared memory has been written.
    pub fn is_shared_written(&self, offset: u64, bytes: u32) -> bool {
        self.shared_written.has_any(offset, bytes)
    }

    /// A thread's local memory is written.
    pub fn write_local(&mut self, thread: u32, offset: u64, bytes: u32) {
        if offset < LOCAL_BYTES_MAX {
            self.local_written.entry(thread).or_default().insert(offset, bytes);
        }
    }

    /// Whether any of some bytes of a thread's local memory has been written, as far as that is followed.
    pub fn is_local_written(&self, thread: u32, offset: u64, bytes: u32) -> bool {
        offset >= LOCAL_BYTES_MAX
            || self.local_written.get(&thread).is_some_and(|written| written.has_any(offset, bytes))
    }

    /// Two writes that may be a race. Too many at a time are let go.
    pub fn suspect(&mut self, pending: Pending) {
        if self.pending.len() < PENDING_MAX {
            self.pending.push(pending);
        }
    }

    /// What the block was about to store has been stored: the races among its writes.
    pub fn settle(&mut self, mut read: impl FnMut(u64, usize) -> Option<Vec<u8>>) -> Vec<Finding> {
        let pending = std::mem::take(&mut self.pending);
        let changed = pending
            .into_iter()
            .filter(|pending| read(pending.address, pending.before.len()).is_some_and(|after| after != pending.before));
        changed.map(|pending| pending.finding).collect()
    }
}
