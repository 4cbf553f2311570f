//! Which accesses can never meet: LLVM's type-based alias metadata, with one type for a warp's frame and one for everything else.
//!
//! The frame is where a warp keeps what it needs behind a wait. No access of the program reaches it, but to LLVM both are just pointers
//! that come from the warp's context.

use llvm_sys::core::*;
use llvm_sys::prelude::*;

use super::{Ir, Val};

/// The metadata of one `Ir`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domains {
    kind: u32,
    frame: LLVMValueRef,
    other: LLVMValueRef,
}

impl Domains {
    /// The metadata in a context.
    ///
    /// # Safety
    /// The context lives.
    pub(super) unsafe fn new(context: LLVMContextRef) -> Self {
        // SAFETY: plain constructors in a context that lives; arrays and names have the lengths that are given.
        unsafe {
            let name = |text: &str| LLVMMDStringInContext2(context, text.as_ptr().cast(), text.len());
            let zero = LLVMValueAsMetadata(LLVMConstInt(LLVMInt64TypeInContext(context), 0, 0));
            let node = |mut operands: Vec<LLVMMetadataRef>| {
                LLVMMDNodeInContext2(context, operands.as_mut_ptr(), operands.len())
            };
            let root = node(vec![name("memory")]);
            let tag = |text: &str| {
                let ty = node(vec![name(text), root, zero]);
                LLVMMetadataAsValue(context, node(vec![ty, ty, zero]))
            };
            let kind = LLVMGetMDKindIDInContext(context, c"tbaa".as_ptr(), 4);
            Self { kind, frame: tag("frame"), other: tag("other") }
        }
    }
}

impl Ir {
    /// Says of an access that it is to the warp's frame, which no other access reaches.
    pub fn set_in_frame(&self, access: Val) {
        // SAFETY: an access of this `Ir`, by the callers' contract; the metadata is of the same context.
        unsafe { LLVMSetMetadata(access.0, self.domains.kind, self.domains.frame) }
    }

    /// Says of an access that has just been built that it is not to the frame.
    pub(super) fn set_elsewhere(&self, access: Val) {
        // SAFETY: as above.
        unsafe { LLVMSetMetadata(access.0, self.domains.kind, self.domains.other) }
    }

    /// Whether an instruction is an access to the frame.
    pub(super) fn is_in_frame(&self, instruction: LLVMValueRef) -> bool {
        // SAFETY: an instruction of this `Ir`. Metadata wrapped as a value is one object for each node.
        unsafe { LLVMGetMetadata(instruction, self.domains.kind) == self.domains.frame }
    }
}
