//! Textures and surfaces by their handles, as kernels look them up: without locks, and noticing what is gone.

use crate::lock_order::{EngineRank, Lock};
use simt_ir::texture::{RESOURCE_WORDS, Resource};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Entries of a part of the table, which is made when it is needed.
const PART: usize = 1024;

/// Most resources at a time.
pub const RESOURCES_MAX: usize = PART * 1024;

/// A handle has the number of its entry in its low bits, and how often that was used above. Handles are smaller than any address of
/// device memory, so that the address of a variable is no handle.
const INDEX_BITS: u32 = 20;
const GENERATION_MAX: u64 = (1 << 24) - 1;

/// An entry: the words of a resource that may be exchanged while it is read.
struct Entry {
    /// The generation shifted left by one; odd while there is a resource.
    state: AtomicU64,
    words: [AtomicU64; RESOURCE_WORDS],
}

impl Entry {
    const fn new() -> Entry {
        Entry { state: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; RESOURCE_WORDS] }
    }
}

/// Which entries may be given out.
#[derive(Debug, Default)]
struct Free {
    /// Entries that were used and are free again.
    again: Vec<usize>,
    /// Entries from here on were never used.
    first_unused: usize,
}

/// All textures and surfaces of an engine.
pub struct ResourceTable {
    parts: [OnceLock<Box<[Entry; PART]>>; RESOURCES_MAX / PART],
    free: Lock<Free>,
}

impl ResourceTable {
    pub(crate) fn new() -> ResourceTable {
        ResourceTable {
            parts: [const { OnceLock::new() }; RESOURCES_MAX / PART],
            free: Lock::new(EngineRank::Textures, Free::default()),
        }
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        self.parts.get(index / PART)?.get().map(|part| &part[index % PART])
    }

    /// The resource of a handle.
    pub fn get(&self, handle: u64) -> Option<Resource> {
        let entry = self.entry(index_of(handle))?;
        let live = generation_of(handle) << 1 | 1;
        if entry.state.load(Ordering::Acquire) != live {
            return None;
        }
        let mut words = [0; RESOURCE_WORDS];
        for (copy, word) in words.iter_mut().zip(&entry.words) {
            *copy = word.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        if entry.state.load(Ordering::Relaxed) != live {
            return None;
        }
        Resource::from_words(&words)
    }

    /// Puts a resource in; its handle, or none if there are too many.
    pub fn insert(&self, resource: &Resource) -> Option<u64> {
        let mut free = self.free.lock();
        let index = match free.again.pop() {
            Some(index) => index,
            None if free.first_unused < RESOURCES_MAX => {
                free.first_unused += 1;
                free.first_unused - 1
            }
            None => return None,
        };
        let part = self.parts[index / PART].get_or_init(|| Box::new([const { Entry::new() }; PART]));
        let entry = &part[index % PART];
        let generation = (entry.state.load(Ordering::Relaxed) >> 1) + 1;
        for (word, value) in entry.words.iter().zip(resource.to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        entry.state.store(generation << 1 | 1, Ordering::Release);
        Some(generation << INDEX_BITS | index as u64)
    }

    /// Takes a resource out. False if the handle is none.
    pub fn remove(&self, handle: u64) -> bool {
        let mut free = self.free.lock();
        let (index, generation) = (index_of(handle), generation_of(handle));
        let Some(entry) = self.entry(index) else { return false };
        if entry.state.load(Ordering::Relaxed) != generation << 1 | 1 {
            return false;
        }
        entry.state.store(generation << 1, Ordering::Relaxed);
        // Whoever sees a word of the next resource sees that this one is gone.
        fence(Ordering::Release);
        if generation < GENERATION_MAX {
            free.again.push(index);
        }
        true
    }
}

impl fmt::Debug for ResourceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceTable").field("free", &self.free).finish_non_exhaustive()
    }
}

fn index_of(handle: u64) -> usize {
    (handle & ((1 << INDEX_BITS) - 1)) as usize
}

fn generation_of(handle: u64) -> u64 {
    handle >> INDEX_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use simt_ir::texture::{Dimension, Element, Format, Reading, Sampler, Usage};

    const RESOURCE: Resource = Resource {
        usage: Usage::Texture,
        dimension: Dimension::D2,
        layered: false,
        base: 0x1000,
        row_bytes: 64,
        size: [16, 4, 1],
        stored_layers: 1,
        first_layer: 0,
        layers: 1,
        levels: 1,
        format: Format { element: Element::F32, channels: 1, reading: Reading::Plain },
        sampler: Sampler {
            address: [simt_ir::texture::AddressMode::Clamp; 3],
            linear: false,
            normalized: false,
            mip_linear: false,
            mip_bias: 0.0,
            mip_min: 0.0,
            mip_max: 0.0,
            border: [0.0; 4],
        },
    };

    #[test]
    fn a_handle_is_stale_when_its_resource_is_gone() {
        let table = ResourceTable::new();
        assert_eq!((table.get(0), table.get(u64::MAX)), (None, None));
        let first = table.insert(&RESOURCE).unwrap();
        assert_eq!(table.get(first), Some(RESOURCE));
        assert!(table.remove(first) && !table.remove(first));
        let second = table.insert(&Resource { base: 0x2000, ..RESOURCE }).unwrap();
        assert_eq!((table.get(first), table.get(second).map(|found| found.base)), (None, Some(0x2000)));
    }

    #[test]
    fn many_resources_have_handles_of_their_own() {
        let table = ResourceTable::new();
        let of = |base: u64| Resource { base, ..RESOURCE };
        let handles: Vec<u64> = (0..3000).map(|base| table.insert(&of(base)).unwrap()).collect();
        let found = |(base, handle): (usize, &u64)| table.get(*handle) == Some(of(base as u64));
        assert!(handles.iter().enumerate().all(found));
    }
}
