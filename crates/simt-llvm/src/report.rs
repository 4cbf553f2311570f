//! What was decided about a kernel while code was made of it, for people who want to speed it up.

use crate::emit::notes::FunctionNotes;

/// The decisions about a kernel.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// Size of a block that code is made for.
    pub block: Option<[u32; 3]>,
    /// Bits of a vector register.
    pub register_bits: u32,
    /// Whether warps may have to wait, so that they are called one by one.
    pub suspendable: bool,
    /// Bytes of a suspended warp's frame.
    pub frame_bytes: u32,
    /// Bytes of local memory of each lane.
    pub local_bytes: u32,
    /// Bytes of static shared memory.
    pub shared_bytes: u32,
    /// LLVM's instructions, as emitted.
    pub llvm_instructions: usize,
    /// Whether that is so many that LLVM's passes were reduced.
    pub reduced_passes: bool,
    /// Whether a loop carries more vectors than there are registers, so that code goes through the warp slice by slice.
    pub sliced: bool,
    /// The functions that are not inlined, and the kernel as the last.
    pub functions: Vec<FunctionNotes>,
}
