//! What only slow paths need is computed on them.
//!
//! Where addresses are hoped to lie in order there is a path for the case that they do not, which needs the address of each lane: many vectors, whose
//! computation stands where the address was made, before anybody knows. Several slow paths may need them, so that LLVM leaves it there. Here each path gets
//! a copy.

use std::collections::{HashMap, HashSet};
use std::ffi::CStr;

use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;

use super::Ir;
use super::instructions::{Effect, effect, for_each_block, for_each_instruction, users};

/// How the names of blocks on slow paths begin.
pub const SLOW: &str = "slow";

/// Copies are made up to so many, so that a large kernel does not become much larger.
const COPIES_MAX: usize = 4000;

impl Ir {
    /// Whether the builder stands in a block of a slow path.
    pub fn is_on_slow_path(&self) -> bool {
        // SAFETY: a block of this `Ir`, if there is one.
        unsafe {
            let block = LLVMGetInsertBlock(self.builder);
            !block.is_null() && is_slow(block)
        }
    }

    /// Moves computations that only slow paths need to these. What is left without uses is dead code.
    pub fn sink_to_slow_paths(&self) {
        let (mut slow, mut others) = (Vec::new(), Vec::new());
        for_each_block(self.module, |block| {
            // SAFETY: a block of this `Ir`.
            match unsafe { is_slow(block) } {
                true => slow.push(block),
                false => others.push(block),
            }
        });
        if slow.is_empty() {
            return;
        }
        let wanted = self.only_wanted_in(&slow, &others);
        let mut copies = 0;
        for block in slow {
            let mut instructions = Vec::new();
            for_each_instruction(block, |instruction| instructions.push(instruction));
            let mut done = HashMap::new();
            for instruction in instructions {
                self.copy_operands(instruction, &mut done, &mut |operand| {
                    let copied = wanted.contains(&operand) && copies < COPIES_MAX;
                    copies += usize::from(copied);
                    copied
                });
            }
        }
    }

    /// Instructions of `others` whose results are used in `slow` blocks alone, directly or by each other.
    fn only_wanted_in(&self, slow: &[LLVMBasicBlockRef], others: &[LLVMBasicBlockRef]) -> HashSet<LLVMValueRef> {
        let slow: HashSet<LLVMBasicBlockRef> = slow.iter().copied().collect();
        let mut candidates = Vec::new();
        for block in others {
            for_each_instruction(*block, |instruction| {
                if effect(self, instruction) == Effect::None {
                    candidates.push(instruction);
                }
            });
        }
        let mut wanted = HashSet::new();
        let mut changed = true;
        while changed {
            changed = false;
            for instruction in candidates
                .iter()
                .rev()
                .filter(|instruction| !wanted.contains(*instruction))
                .copied()
                .collect::<Vec<_>>()
            {
                let users = users(instruction);
                let is_slow = |user: &LLVMValueRef| {
                    // SAFETY: what uses an instruction is an instruction, which is in a block.
                    let (opcode, block) = unsafe { (LLVMGetInstructionOpcode(*user), LLVMGetInstructionParent(*user)) };
                    // A phi needs its value on the way to it.
                    wanted.contains(user) || (opcode != LLVMOpcode::LLVMPHI && slow.contains(&block))
                };
                if !users.is_empty() && users.iter().all(is_slow) {
                    wanted.insert(instruction);
                    changed = true;
                }
            }
        }
        wanted
    }
}

/// Whether a block is on a slow path, by its name.
///
/// # Safety
/// The block is one of a module that lives.
unsafe fn is_slow(block: LLVMBasicBlockRef) -> bool {
    // SAFETY: the caller's promise; names end with NUL.
    unsafe { CStr::from_ptr(LLVMGetBasicBlockName(block)) }.to_bytes().starts_with(SLOW.as_bytes())
}
