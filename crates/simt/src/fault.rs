//! What went wrong in a kernel.

use crate::arena::Nearest;
use simt_ir::abi::AccessKind;
use std::fmt;

/// Kind of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// An access outside of every allocation, or of the bounds of shared or local memory.
    IllegalAddress,
    /// An access to memory that has been freed.
    FreedAddress,
    /// An access whose address is not a multiple of its size.
    MisalignedAddress,
    /// `assert` failed.
    Assertion,
    /// A `trap` instruction.
    Trap,
    /// A call through a pointer that is no function.
    InvalidFunction,
    /// The stack ran over.
    StackOverflow,
    /// A barrier that cannot complete, or that was used wrongly.
    Barrier,
    /// `free` of an address that `malloc` did not return, or twice.
    InvalidFree,
    /// A texture or surface that is none, or no longer.
    InvalidTexture,
    /// A tensor map that is none, or a part of a tensor that the card does not move.
    InvalidTensor,
    /// There is no memory for the blocks of the grid.
    OutOfResources,
    /// A defect of the engine or of the compiler.
    Internal,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::IllegalAddress => "illegal address",
            FaultKind::FreedAddress => "access to freed memory",
            FaultKind::MisalignedAddress => "misaligned address",
            FaultKind::Assertion => "assertion failed",
            FaultKind::Trap => "trap",
            FaultKind::InvalidFunction => "call of something that is no function",
            FaultKind::StackOverflow => "stack overflow",
            FaultKind::Barrier => "barrier misused",
            FaultKind::InvalidFree => "free of something that was not allocated",
            FaultKind::InvalidTexture => "no such texture or surface",
            FaultKind::InvalidTensor => "tensor map misused",
            FaultKind::OutOfResources => "out of resources",
            FaultKind::Internal => "internal error of the engine",
        })
    }
}

/// Where an access went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadAccess {
    /// The address; an offset in shared or local memory.
    pub address: u64,
    /// "global", "shared" or "local".
    pub space: &'static str,
    /// Load, store or atomic, if known.
    pub kind: Option<AccessKind>,
    /// Bytes, if known.
    pub size: Option<u32>,
    /// What lies at or near the address, in global space.
    pub nearest: Option<Nearest>,
    /// The bound of the space, in shared and local space.
    pub bound: Option<u32>,
}

impl fmt::Display for BadAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Some(AccessKind::Load) => "load",
            Some(AccessKind::Store) => "store",
            Some(AccessKind::Atomic) => "atomic operation",
            None => "access",
        };
        match self.size {
            Some(size) => write!(f, "{what} of {size} bytes at {:#x}, {} memory", self.address, self.space)?,
            None => write!(f, "{what} at {:#x}, {} memory", self.address, self.space)?,
        }
        if let Some(bound) = self.bound {
            write!(f, " (there are {bound} bytes)")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, ": {nearest}")?;
        }
        Ok(())
    }
}

/// The first fault of a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// Name of the kernel.
    pub kernel: String,
    /// Line of the PTX source, if known.
    pub line: Option<u32>,
    /// Index of the block.
    pub block: [u32; 3],
    /// Index of the thread in its block, if known.
    pub thread: Option<[u32; 3]>,
    /// The access, if it was one.
    pub access: Option<BadAccess>,
    /// More about it, in words.
    pub detail: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.block;
        write!(f, "{} in kernel {}", self.kind, self.kernel)?;
        if let Some(line) = self.line {
            write!(f, ", PTX line {line}")?;
        }
        write!(f, ", block ({x},{y},{z})")?;
        if let Some([x, y, z]) = self.thread {
            write!(f, ", thread ({x},{y},{z})")?;
        }
        if let Some(access) = &self.access {
            write!(f, "\n  {access}")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, "\n  {detail}")?;
        }
        Ok(())
    }
}
