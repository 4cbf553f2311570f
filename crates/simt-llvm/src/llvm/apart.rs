//! Slices in blocks of their own, because LLVM's scheduler, which knows a block, would mix them, and its register allocator then has to
//! spill. Between the blocks stands a branch that is always taken, which LLVM cannot know.

use std::collections::HashMap;

use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

use super::instructions::{Effect, for_each_block, vector_bits};
use super::slices::{AFTER_ALL, Item, Segment, Slices};
use super::{Bb, Ir, Val};

/// Vector instructions that a block of its own is worth while for.
const LEAST: usize = 32;

impl Ir {
    /// Puts the slices of an ordered segment into blocks of their own.
    pub(super) fn set_apart(&self, segment: &Segment, slices: &Slices) {
        let groups: Vec<&[Item]> = segment.ordered.chunk_by(|a, b| a.turn == b.turn).collect();
        let of_slices = groups.iter().filter(|group| group[0].turn != AFTER_ALL);
        let large = |group: &&&[Item]| group.iter().filter(|item| slices.is_marked(item.instruction)).count() >= LEAST;
        if of_slices.filter(large).count() < 2 {
            return;
        }
        // SAFETY: an instruction of this `Ir`, which is in a block.
        let block = unsafe { LLVMGetInstructionParent(groups[0][0].instruction) };
        let Some(known) = self.known_pointer(block) else { return };
        let redo = Redo {
            ir: self,
            slices,
            items: segment.ordered.iter().map(|item| (item.instruction, *item)).collect(),
            first_store: segment.first_store(),
        };
        let mut last: Option<LLVMValueRef> = None;
        let mut splits = Vec::new();
        for group in groups.into_iter().filter(|group| group[0].turn != AFTER_ALL) {
            if let Some(last) = last {
                redo.bring_near(group);
                splits.push(last);
            }
            last = group.last().map(|item| item.instruction);
        }
        for last in splits {
            self.split_behind(block, last, known);
        }
    }

    /// A pointer that is never null, which LLVM is not told.
    fn known_pointer(&self, block: LLVMBasicBlockRef) -> Option<Val> {
        // SAFETY: a block of this `Ir`; parameters have numbers below their count.
        unsafe {
            let function = LLVMGetBasicBlockParent(block);
            if LLVMGetEntryBasicBlock(function) == block {
                return None;
            }
            let mut parameters = (0..LLVMCountParams(function)).map(|index| LLVMGetParam(function, index));
            let is_pointer =
                |parameter: &LLVMValueRef| LLVMGetTypeKind(LLVMTypeOf(*parameter)) == LLVMTypeKind::LLVMPointerTypeKind;
            parameters.find(is_pointer).map(Val)
        }
    }

    /// Moves what a block begins with, up to an instruction, to a block in front of it.
    fn split_behind(&self, block: LLVMBasicBlockRef, last: LLVMValueRef, known: Val) {
        // SAFETY: blocks and instructions of this `Ir`. The block keeps its terminator, so that phis behind it stay right, and its own
        // phis go to the new block together with the branches that led to it.
        unsafe {
            let before = LLVMInsertBasicBlockInContext(self.context, block, c"slice".as_ptr());
            let mut moved = LLVMGetFirstInstruction(block);
            loop {
                let next = LLVMGetNextInstruction(moved);
                LLVMInstructionRemoveFromParent(moved);
                LLVMPositionBuilderAtEnd(self.builder, before);
                LLVMInsertIntoBuilder(self.builder, moved);
                if moved == last {
                    break;
                }
                moved = next;
            }
            for_each_block(self.module, |from| {
                let end = LLVMGetBasicBlockTerminator(from);
                let count = if end.is_null() { 0 } else { LLVMGetNumSuccessors(end) };
                for index in (0..count).filter(|&index| LLVMGetSuccessor(end, index) == block) {
                    LLVMSetSuccessor(end, index, before);
                }
            });
            let never = LLVMInsertBasicBlockInContext(self.context, block, c"never".as_ptr());
            self.position(Bb(before));
            let null = Val(LLVMConstNull(LLVMTypeOf(known.0)));
            let holds = self.icmp(super::IntPredicate::LLVMIntNE, known, null);
            self.cond_br(holds, Bb(block), Bb(never));
            self.position(Bb(never));
            self.intrinsic("llvm.trap", &[], &[]);
            LLVMBuildUnreachable(self.builder);
        }
    }
}

/// Does again for a slice what was done for an earlier one, where that is cheaper than to keep it in a register.
struct Redo<'a> {
    ir: &'a Ir,
    slices: &'a Slices,
    items: HashMap<LLVMValueRef, Item>,
    /// The first turn that stores to memory other than the frame.
    first_store: u32,
}

impl Redo<'_> {
    fn bring_near(&self, group: &[Item]) {
        let mut done = HashMap::new();
        for user in group {
            self.ir.copy_operands(user.instruction, &mut done, &mut |operand| {
                self.items.get(&operand).is_some_and(|item| item.turn < user.turn && self.is_cheap(*item, user.turn))
            });
        }
    }

    /// Whether an instruction may be done again in a later turn and should be: loads, and what spreads them over lanes.
    fn is_cheap(&self, item: Item, turn: u32) -> bool {
        if self.slices.is_marked(item.instruction) {
            return false;
        }
        // SAFETY: an instruction of this `Ir`.
        let (opcode, kind) =
            unsafe { (LLVMGetInstructionOpcode(item.instruction), LLVMGetTypeKind(LLVMTypeOf(item.instruction))) };
        let is_float = matches!(kind, LLVMTypeKind::LLVMFloatTypeKind | LLVMTypeKind::LLVMDoubleTypeKind);
        match item.effect {
            Effect::Loads => turn < self.first_store && (is_float || vector_bits(item.instruction) > 0),
            Effect::None => matches!(
                opcode,
                LLVMOpcode::LLVMShuffleVector | LLVMOpcode::LLVMInsertElement | LLVMOpcode::LLVMGetElementPtr
            ),
            _ => false,
        }
    }
}
