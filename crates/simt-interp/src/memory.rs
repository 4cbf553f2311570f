//! What a program's accesses to global memory go through.

use simt_ir::texture::Resource;
use simt_ir::{MemoryOrder, Scope};

/// What an access does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AccessKind {
    /// Reads.
    Load,
    /// Writes.
    Store,
    /// Reads and writes in one.
    Atomic,
}

/// The memory that an access reached in the end, whatever space its instruction named.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Space {
    /// Global and constant memory.
    Global,
    /// The block's shared memory.
    Shared,
    /// The lane's local memory.
    Local,
    /// The kernel's parameters.
    Param,
}

/// One lane's access to global memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// What it does. Of an atomic operation both the read and the write are reported, as [`AccessKind::Atomic`].
    pub kind: AccessKind,
    /// First byte.
    pub address: u64,
    /// Number of bytes, all elements of a vector together; not 0. The address is a multiple of it.
    pub size: u32,
    /// How strong it is.
    pub order: MemoryOrder,
    /// With whom it is ordered, if it is strong.
    pub scope: Scope,
    /// Line of the instruction in the PTX text; 0 if there is none.
    pub line: u32,
    /// `%ctaid` of the lane.
    pub block: [u32; 3],
    /// `%tid` of the lane.
    pub thread: [u32; 3],
}

/// Global memory, and the device's heap.
///
/// Shared and local memory belong to the interpreter.
pub trait Memory {
    /// Reads `access.size` bytes. An error is the reason why there is nothing to read, for people.
    fn read(&mut self, access: &Access, bytes: &mut [u8]) -> Result<(), String>;

    /// Writes `access.size` bytes. An error is the reason why that is not possible, for people.
    fn write(&mut self, access: &Access, bytes: &[u8]) -> Result<(), String>;

    /// The texture or surface of a handle.
    fn resource(&mut self, handle: u64) -> Option<Resource> {
        let _ = handle;
        None
    }

    /// Device `malloc`; 0 when the heap is used up (and where there is none).
    fn malloc(&mut self, bytes: u64) -> u64 {
        let _ = bytes;
        0
    }

    /// Device `free`; of 0 it does nothing. An error is the reason why the address cannot be freed.
    fn free(&mut self, address: u64) -> Result<(), String> {
        let _ = address;
        Ok(())
    }
}
