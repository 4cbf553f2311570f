//! A plain [`Memory`] of separate allocations.

use std::collections::BTreeMap;

use crate::{Access, Memory};

/// Address of the first allocation; any number that is no offset by mistake.
const FIRST_ADDRESS: u64 = 0x7000_0000_0000;

/// Every allocation begins at a multiple of this, as `cuMemAlloc`'s do.
const ALIGNMENT: u64 = 256;

/// Bytes that device `malloc` may hand out altogether.
const HEAP_BYTES: u64 = 8 << 20;

/// Allocations with room between them, so that running over the end of one is noticed.
#[derive(Clone, Debug, Default)]
pub struct Allocations {
    regions: BTreeMap<u64, Vec<u8>>,
    next: u64,
    heap: BTreeMap<u64, u64>,
}

impl Allocations {
    /// A new allocation of zeros; its address.
    pub fn allocate(&mut self, bytes: usize) -> u64 {
        self.insert(vec![0; bytes])
    }

    /// A new allocation with this content; its address.
    pub fn insert(&mut self, content: Vec<u8>) -> u64 {
        let address = self.next.max(FIRST_ADDRESS);
        self.next = address + (content.len() as u64).next_multiple_of(ALIGNMENT) + ALIGNMENT;
        self.regions.insert(address, content);
        address
    }

    /// The content of the allocation that begins at `address`.
    pub fn bytes(&self, address: u64) -> Option<&[u8]> {
        self.regions.get(&address).map(Vec::as_slice)
    }

    /// The content of the allocation that begins at `address`, to be changed.
    pub fn bytes_mut(&mut self, address: u64) -> Option<&mut [u8]> {
        self.regions.get_mut(&address).map(Vec::as_mut_slice)
    }

    /// The bytes of an access, if one allocation holds them all.
    fn find(&mut self, access: &Access) -> Result<&mut [u8], String> {
        let Some((start, content)) = self.regions.range_mut(..=access.address).next_back() else {
            return Err("below every allocation".into());
        };
        let offset = access.address - start;
        let end = offset.saturating_add(u64::from(access.size));
        if end <= content.len() as u64 {
            return Ok(&mut content[offset as usize..end as usize]);
        }
        Err(format!(
            "{} bytes behind the allocation of {} bytes at {start:#x}",
            end - content.len() as u64,
            content.len()
        ))
    }
}

impl Memory for Allocations {
    fn read(&mut self, access: &Access, bytes: &mut [u8]) -> Result<(), String> {
        bytes.copy_from_slice(self.find(access)?);
        Ok(())
    }

    fn write(&mut self, access: &Access, bytes: &[u8]) -> Result<(), String> {
        self.find(access)?.copy_from_slice(bytes);
        Ok(())
    }

    fn malloc(&mut self, bytes: u64) -> u64 {
        let used: u64 = self.heap.values().sum();
        if bytes > HEAP_BYTES - used {
            return 0;
        }
        let address = self.allocate(bytes as usize);
        self.heap.insert(address, bytes);
        address
    }

    fn free(&mut self, address: u64) -> Result<(), String> {
        if address == 0 {
            return Ok(());
        }
        self.heap.remove(&address).ok_or("no device allocation begins there")?;
        self.regions.remove(&address);
        Ok(())
    }
}
