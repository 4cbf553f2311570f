//! Loads and stores that are cut into smaller ones: those of a warp's frame into pieces of a register, so that each slice is loaded and saved when its turn
//! comes; those of numbers that are spread over lanes into the numbers, which the machine loads and spreads at once.

use std::collections::HashMap;

use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;

use super::instructions::{Effect, effect, for_each_block, for_each_instruction, users, vector_bits};
use super::slices::cut_off;
use super::{Ir, Ty, Val};

impl Ir {
    /// Cuts accesses to the frame. Returns which piece each of the new loads and stores is.
    pub(super) fn cut_frame(&self, register_bits: u32) -> HashMap<LLVMValueRef, u32> {
        let (mut loads, mut stores) = (Vec::new(), Vec::new());
        for_each_block(self.module, |block| {
            for_each_instruction(block, |instruction| {
                // SAFETY: an instruction of this `Ir`.
                match unsafe { LLVMGetInstructionOpcode(instruction) } {
                    _ if !self.is_in_frame(instruction) => {}
                    LLVMOpcode::LLVMStore => stores.push(instruction),
                    _ => loads.push(instruction),
                }
            });
        });
        let mut numbers = HashMap::new();
        for store in stores {
            self.cut_store(store, register_bits, &mut numbers);
        }
        for load in loads {
            self.cut_load(load, register_bits, &mut numbers);
        }
        numbers
    }

    /// Loads what is cut off a load by itself.
    fn cut_load(&self, load: LLVMValueRef, register_bits: u32, numbers: &mut HashMap<LLVMValueRef, u32>) {
        let mut cuts = Vec::new();
        // SAFETY: walks the uses of a value of this `Ir`; then builds in front of the load, and replaces what is cut off by what is loaded, which is
        // the same.
        unsafe {
            for user in users(load) {
                cuts.extend(cut_off(user, register_bits).map(|number| (user, number)));
            }
            for (cut, number) in cuts {
                LLVMPositionBuilderBefore(self.builder, load);
                let place = self.offset_by(Val(LLVMGetOperand(load, 0)), (number * register_bits / 8) as usize);
                let piece = LLVMBuildLoad2(self.builder, LLVMTypeOf(cut), place.0, c"".as_ptr());
                LLVMSetAlignment(piece, LLVMGetAlignment(load));
                self.set_in_frame(Val(piece));
                numbers.insert(piece, number);
                LLVMReplaceAllUsesWith(cut, piece);
                LLVMInstructionEraseFromParent(cut);
            }
        }
    }

    /// Stores pieces one by one.
    fn cut_store(&self, store: LLVMValueRef, register_bits: u32, numbers: &mut HashMap<LLVMValueRef, u32>) {
        // SAFETY: a store of this `Ir`; builds in front of it what it does, and erases it.
        unsafe {
            let (value, pointer) = (LLVMGetOperand(store, 0), LLVMGetOperand(store, 1));
            let bits = vector_bits(value);
            if bits <= register_bits || bits % register_bits != 0 {
                return;
            }
            let width = LLVMGetVectorSize(LLVMTypeOf(value)) * register_bits / bits;
            for number in 0..bits / register_bits {
                LLVMPositionBuilderBefore(self.builder, store);
                let place = self.offset_by(Val(pointer), (number * register_bits / 8) as usize);
                let piece = self.store(self.piece(value, number, width), place, LLVMGetAlignment(store));
                self.set_in_frame(piece);
                numbers.insert(piece.0, number);
            }
            LLVMInstructionEraseFromParent(store);
        }
    }

    /// Where a short vector is loaded and each of its elements spread over a register, loads the elements by themselves.
    pub(super) fn cut_broadcasts(&self) {
        let mut loads = Vec::new();
        for_each_block(self.module, |block| {
            for_each_instruction(block, |instruction| {
                if matches!(effect(self, instruction), Effect::Loads) && (1..=128).contains(&vector_bits(instruction)) {
                    loads.push(instruction);
                }
            });
        });
        for load in loads {
            self.cut_broadcasts_of(load);
        }
    }

    fn cut_broadcasts_of(&self, load: LLVMValueRef) {
        // SAFETY: walks the uses of a load of this `Ir`; then builds in front of it, and replaces vectors by equal ones.
        unsafe {
            if LLVMGetInstructionOpcode(load) != LLVMOpcode::LLVMLoad {
                return;
            }
            let elements: Option<Vec<_>> =
                users(load).into_iter().map(|user| Some((user, spread_element(user)?))).collect();
            let Some(spreads) = elements else { return };
            let ty = Ty(LLVMGetElementType(LLVMTypeOf(load)));
            let bytes = vector_bits(load) / LLVMGetVectorSize(LLVMTypeOf(load)) / 8;
            let align = LLVMGetAlignment(load).min(bytes);
            let mut scalars = HashMap::new();
            for (spread, element) in spreads {
                LLVMPositionBuilderBefore(self.builder, load);
                let scalar = *scalars.entry(element).or_insert_with(|| {
                    let place = self.offset_by(Val(LLVMGetOperand(load, 0)), (element * bytes) as usize);
                    self.load_aligned(ty, place, align)
                });
                LLVMPositionBuilderBefore(self.builder, spread);
                let whole = self.splat(scalar, LLVMGetVectorSize(LLVMTypeOf(spread)));
                LLVMReplaceAllUsesWith(spread, whole.0);
                LLVMInstructionEraseFromParent(spread);
            }
        }
    }

    /// A piece of a vector: what it was put together from, if that can be seen.
    ///
    /// # Safety
    /// `vector` is a vector of this `Ir` with at least `number + 1` times `width` elements; the builder stands where it may be used.
    unsafe fn piece(&self, vector: LLVMValueRef, number: u32, width: u32) -> Val {
        let (mut from, mut first) = (vector, number * width);
        // SAFETY: the caller's promise; operands and masks are asked for only of shuffles, with indices below their sizes.
        unsafe {
            loop {
                let elements = LLVMGetVectorSize(LLVMTypeOf(from));
                if elements == width && first == 0 {
                    return Val(from);
                }
                let is_shuffle = !LLVMIsAInstruction(from).is_null()
                    && LLVMGetInstructionOpcode(from) == LLVMOpcode::LLVMShuffleVector;
                if !is_shuffle {
                    break;
                }
                let start = LLVMGetMaskValue(from, first);
                let in_order = (0..width).all(|index| LLVMGetMaskValue(from, first + index) == start + index as i32);
                let of_first = LLVMGetVectorSize(LLVMTypeOf(LLVMGetOperand(from, 0)));
                let (Ok(start), true) = (u32::try_from(start), in_order) else { break };
                if start < of_first && start + width > of_first {
                    break;
                }
                (from, first) = match start < of_first {
                    true => (LLVMGetOperand(from, 0), start),
                    false => (LLVMGetOperand(from, 1), start - of_first),
                };
            }
        }
        let order: Vec<u32> = (first..first + width).collect();
        self.shuffle(Val(from), Val(from), &order)
    }
}

/// The element of its first operand that an instruction spreads over a vector, if it does that alone.
///
/// # Safety
/// The instruction is one of a module that lives.
unsafe fn spread_element(instruction: LLVMValueRef) -> Option<u32> {
    // SAFETY: the caller's promise; mask and operands are asked for only of shuffles.
    unsafe {
        if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMShuffleVector {
            return None;
        }
        let element = LLVMGetMaskValue(instruction, 0);
        let count = LLVMGetVectorSize(LLVMTypeOf(instruction));
        let is_spread = (1..count).all(|index| LLVMGetMaskValue(instruction, index) == element);
        let of_first = LLVMGetVectorSize(LLVMTypeOf(LLVMGetOperand(instruction, 0)));
        u32::try_from(element).ok().filter(|&element| is_spread && element < of_first)
    }
}
