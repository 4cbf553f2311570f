//! Indices of gathers and scatters where they are used.
//!
//! Code generation looks at one block at a time: only where it sees that indices are words that are extended does it use instructions that take words.

use std::collections::HashMap;

use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;

use super::Ir;
use super::instructions::{callee_name, for_each_block, for_each_instruction, operands};

impl Ir {
    /// Copies what extends the indices of a gather or scatter, and adds them to a base, into the block where that is.
    pub fn place_indices(&self) {
        let mut found = Vec::new();
        for_each_block(self.module, |block| {
            for_each_instruction(block, |instruction| found.extend(indices_of(instruction)));
        });
        for [user, pointers, extended] in found {
            let wanted = [pointers, extended];
            self.copy_operands(user, &mut HashMap::new(), &mut |operand| wanted.contains(&operand));
        }
    }
}

/// Of a gather or scatter by words: the instruction, what makes its pointers, and what extends the words.
fn indices_of(instruction: LLVMValueRef) -> Option<[LLVMValueRef; 3]> {
    let name = callee_name(instruction)?;
    let place = ["llvm.masked.gather.", "llvm.masked.scatter."].iter().position(|known| name.starts_with(known))?;
    let pointers = operands(instruction).nth(place).filter(|it| is(*it, LLVMOpcode::LLVMGetElementPtr))?;
    let extended = operands(pointers).nth(1).filter(|it| is(*it, LLVMOpcode::LLVMSExt))?;
    Some([instruction, pointers, extended])
}

fn is(value: LLVMValueRef, opcode: LLVMOpcode) -> bool {
    // SAFETY: a value of a module that lives; only instructions have an opcode.
    unsafe { !LLVMIsAInstruction(value).is_null() && LLVMGetInstructionOpcode(value) == opcode }
}
