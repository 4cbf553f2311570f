//! Code for one part of a warp after the other.
//!
//! A vector of 32 lanes takes several registers of the machine. Where a block of code carries more of them than there are registers, LLVM
//! computes all parts of each vector side by side, and moves most values to the stack and back in between. Here vectors are cut into
//! slices of a register, and within each block the instructions for some slices are put before those for others, as far as memory and
//! the operations between slices let them: then only these slices of everything are in use at a time. What was saved behind a barrier is loaded
//! and saved again slice by slice, too ([`super::pieces`]), and a branch between slices keeps LLVM from mixing them ([`super::apart`]).

use std::collections::HashMap;
use std::sync::Once;

use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::support::LLVMParseCommandLineOptions;

use super::instructions::{Effect, effect, for_each_block, for_each_instruction, operands, vector_bits};
use super::{Ir, Machine, MachineError};

/// What LLVM does between cutting and ordering: takes together what was cut where it need not be.
const PIPELINE: &str = "function(scalarizer,instcombine<no-verify-fixpoint>,early-cse)";

/// Vectors for each register that are ordered by slices at most.
const CARRIED_MAX: u32 = 8;

/// The turn of what needs several slices.
pub(super) const AFTER_ALL: u32 = u32::MAX;

/// The vector registers of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    /// Bits of one.
    pub bits: u32,
    /// How many there are.
    pub count: u32,
}

impl Ir {
    /// Whether a block carries more vectors than the machine has registers, around a loop or from one wait to the next, and not so many that
    /// slices would be too small to matter.
    pub fn is_crowded(&self, registers: Registers) -> bool {
        let mut most = 0;
        for_each_block(self.module, |block| {
            let mut used = 0;
            for_each_instruction(block, |instruction| {
                if self.is_carried(instruction) {
                    used += vector_bits(instruction) / registers.bits;
                }
            });
            most = most.max(used);
        });
        (registers.count * 3 / 4 + 1..=registers.count * CARRIED_MAX).contains(&most)
    }

    /// Whether an instruction brings a value from an earlier turn of a loop, or from before a wait.
    pub(super) fn is_carried(&self, instruction: LLVMValueRef) -> bool {
        // SAFETY: an instruction of this `Ir`.
        match unsafe { LLVMGetInstructionOpcode(instruction) } {
            LLVMOpcode::LLVMPHI => true,
            LLVMOpcode::LLVMLoad => self.is_in_frame(instruction),
            _ => false,
        }
    }

    /// Cuts vectors into slices of a register, and orders instructions by slice.
    pub fn order_by_slices(&self, machine: &Machine, registers: Registers) -> Result<(), MachineError> {
        set_slice_width(registers.bits);
        machine.run_passes(self, PIPELINE)?;
        let numbers = self.cut_frame(registers.bits);
        self.cut_broadcasts();
        let slices = Slices::of(self, registers, numbers);
        let mut blocks = Vec::new();
        for_each_block(self.module, |block| blocks.push(block));
        for block in blocks {
            self.order_block(block, &slices);
        }
        // The pipeline has put together again what was placed.
        self.place_indices();
        machine.run_passes(self, "function(dce)")
    }

    /// Orders the instructions between two that stay in their places.
    fn order_block(&self, block: LLVMBasicBlockRef, slices: &Slices) {
        let together = slices.together(self, block);
        let mut all = Vec::new();
        for_each_instruction(block, |instruction| all.push(instruction));
        let mut segment = Segment::default();
        for instruction in all {
            match effect(self, instruction) {
                Effect::Stays => self.place(std::mem::take(&mut segment), instruction, slices),
                effect => {
                    let turn = slices.turn(instruction, together);
                    segment.ordered.push(Item { instruction, turn, effect });
                }
            }
        }
    }

    /// Puts the instructions of a segment in order before `end`.
    fn place(&self, mut segment: Segment, end: LLVMValueRef, slices: &Slices) {
        segment.keep_dependences();
        if segment.ordered.windows(2).all(|pair| pair[0].turn <= pair[1].turn) {
            return;
        }
        segment.ordered.sort_by_key(|item| item.turn);
        for item in &segment.ordered {
            // SAFETY: an instruction of the block, which is moved before a later one of the same block.
            unsafe {
                LLVMInstructionRemoveFromParent(item.instruction);
                LLVMPositionBuilderBefore(self.builder, end);
                LLVMInsertIntoBuilder(self.builder, item.instruction);
            }
        }
        self.set_apart(&segment, slices);
    }
}

/// LLVM has the width of slices as an option of the process.
fn set_slice_width(register_bits: u32) {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let option = std::ffi::CString::new(format!("-scalarize-min-bits={register_bits}")).expect("no NUL");
        let arguments = [c"apex".as_ptr(), option.as_ptr()];
        // SAFETY: two strings that end with NUL; LLVM copies what it keeps.
        unsafe { LLVMParseCommandLineOptions(2, arguments.as_ptr(), std::ptr::null()) };
    });
}

/// An instruction and when it is to be executed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) instruction: LLVMValueRef,
    pub(super) turn: u32,
    pub(super) effect: Effect,
}

/// Instructions that may change places.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) ordered: Vec<Item>,
}

impl Segment {
    /// Puts off what would otherwise be executed before an operand, or before an access that it may meet.
    fn keep_dependences(&mut self) {
        let mut turns: HashMap<LLVMValueRef, u32> = HashMap::new();
        let mut loads_left = self.ordered.iter().filter(|item| item.effect == Effect::Loads).count();
        // The latest turns of a load and of a store of memory other than the frame.
        let (mut last_load, mut last_store) = (0, 0);
        for index in 0..self.ordered.len() {
            let (earlier, rest) = self.ordered.split_at_mut(index);
            let item = &mut rest[0];
            let of_operands = operands(item.instruction).filter_map(|operand| turns.get(&operand).copied()).max();
            let of_memory = match item.effect {
                Effect::Loads => last_store,
                // Behind everything, so that all slices may load what they need by themselves.
                Effect::Stores if loads_left == 0 => AFTER_ALL,
                Effect::Stores => last_store.max(last_load),
                Effect::Frame(place) => {
                    let meets = |other: &&Item| matches!(other.effect, Effect::Frame(other) if place.meets(other));
                    earlier.iter().filter(meets).map(|item| item.turn).max().unwrap_or(0)
                }
                Effect::None | Effect::Stays => 0,
            };
            item.turn = item.turn.max(of_operands.unwrap_or(0)).max(of_memory);
            match item.effect {
                Effect::Loads => (last_load, loads_left) = (last_load.max(item.turn), loads_left - 1),
                Effect::Stores => last_store = item.turn,
                _ => {}
            }
            turns.insert(item.instruction, item.turn);
        }
    }

    /// The first turn in which memory other than the frame is stored to.
    pub(super) fn first_store(&self) -> u32 {
        let stores = self.ordered.iter().filter(|item| matches!(item.effect, Effect::Stores));
        stores.map(|item| item.turn).min().unwrap_or(AFTER_ALL)
    }
}

/// Which slices of 32 each instruction depends on: a bit for each.
pub(super) struct Slices {
    registers: Registers,
    /// By values that are carried, and by what operations between lanes cut off.
    carried: HashMap<LLVMValueRef, u32>,
    /// By what is loaded as well. Several slices may use what one was loaded for.
    any: HashMap<LLVMValueRef, u32>,
}

impl Slices {
    /// Follows slices from where they are cut off, through loops too. `numbers` are the slices of the pieces of the frame.
    fn of(ir: &Ir, registers: Registers, numbers: HashMap<LLVMValueRef, u32>) -> Self {
        let mut instructions = Vec::new();
        for_each_block(ir.module, |block| for_each_instruction(block, |instruction| instructions.push(instruction)));
        let of_loads = |instruction: LLVMValueRef| cut_off(instruction, registers.bits);
        let of_others = |instruction: LLVMValueRef| {
            let from_load = operands(instruction).next().is_some_and(is_load);
            of_loads(instruction).filter(|_| !from_load)
        };
        let seed = |slice: Option<u32>| slice.map(|slice| 1 << (slice % 32));
        let carried = follow(&instructions, |instruction| {
            seed(numbers.get(&instruction).copied().or_else(|| of_others(instruction)))
        });
        let any = follow(&instructions, |instruction| {
            seed(numbers.get(&instruction).copied().or_else(|| of_loads(instruction)))
        });
        Self { registers, carried, any }
    }

    fn marks(&self, instruction: LLVMValueRef) -> u32 {
        let of = |marks: &HashMap<LLVMValueRef, u32>| marks.get(&instruction).copied().unwrap_or(0);
        match of(&self.carried) {
            0 => of(&self.any),
            marks => marks,
        }
    }

    /// Whether an instruction belongs to slices because of what it is computed from, and not only of what it is computed for.
    pub(super) fn is_marked(&self, instruction: LLVMValueRef) -> bool {
        self.carried.contains_key(&instruction)
    }

    /// When an instruction is to be executed: with its slice, `together` at a time, or after all slices.
    fn turn(&self, instruction: LLVMValueRef, together: u32) -> u32 {
        let marks = self.marks(instruction);
        match marks {
            0 => 0,
            _ => {
                let (first, last) = (marks.trailing_zeros() / together, (31 - marks.leading_zeros()) / together);
                if first == last { first } else { AFTER_ALL }
            }
        }
    }

    /// How many slices a block can compute together, so that what it carries of them stays in registers.
    fn together(&self, ir: &Ir, block: LLVMBasicBlockRef) -> u32 {
        let mut carried = [0u32; 32];
        for_each_instruction(block, |instruction| {
            let marks = self.marks(instruction);
            if ir.is_carried(instruction) && marks.count_ones() == 1 && vector_bits(instruction) == self.registers.bits
            {
                carried[marks.trailing_zeros() as usize] += 1;
            }
        });
        let most = carried.into_iter().max().unwrap_or(0).max(1);
        let fit = (self.registers.count * 5 / 8 / most).max(1);
        1 << fit.ilog2().min(5)
    }
}

/// Marks instructions by `seed`, or by their operands where it has nothing to say.
fn follow(instructions: &[LLVMValueRef], seed: impl Fn(LLVMValueRef) -> Option<u32>) -> HashMap<LLVMValueRef, u32> {
    let mut marks: HashMap<LLVMValueRef, u32> = HashMap::new();
    let mut changed = true;
    while changed {
        changed = false;
        for instruction in instructions {
            let of_operands = operands(*instruction).filter_map(|operand| marks.get(&operand)).fold(0, |a, b| a | b);
            let mark = seed(*instruction).unwrap_or(of_operands);
            if mark != 0 && marks.insert(*instruction, mark) != Some(mark) {
                changed = true;
            }
        }
    }
    marks
}

fn is_load(value: LLVMValueRef) -> bool {
    // SAFETY: a value of a module that lives; the opcode is asked for only of instructions.
    unsafe { !LLVMIsAInstruction(value).is_null() && LLVMGetInstructionOpcode(value) == LLVMOpcode::LLVMLoad }
}

/// The number of the slice that an instruction cuts off a wider vector, if it does.
pub(super) fn cut_off(instruction: LLVMValueRef, register_bits: u32) -> Option<u32> {
    // SAFETY: an instruction of a module that lives; operands and mask are asked for only of shuffles.
    unsafe {
        if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMShuffleVector {
            return None;
        }
        if vector_bits(instruction) != register_bits || vector_bits(LLVMGetOperand(instruction, 0)) <= register_bits {
            return None;
        }
        let (first, width) = (LLVMGetMaskValue(instruction, 0), LLVMGetVectorSize(LLVMTypeOf(instruction)) as i32);
        let in_order = (0..width).all(|index| LLVMGetMaskValue(instruction, index as u32) == first + index);
        (first >= 0 && first % width == 0 && in_order).then(|| (first / width) as u32)
    }
}
