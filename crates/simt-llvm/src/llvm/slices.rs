//! Code for one part of a warp after the other.
//!
//! A vector of 32 lanes takes several registers of the machine. Where a loop carries more of them than there are registers, LLVM
//! computes all parts of each vector side by side, and moves most values to the stack and back in between. Here vectors are cut into
//! slices of a register, and within each block the instructions for the first slice are put before those for the second, as far as memory and
//! the operations between slices let them: then only one slice of everything is in use at a time.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::Once;

use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::support::LLVMParseCommandLineOptions;
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

use super::{Ir, Machine, MachineError};

/// What LLVM does between cutting and ordering: takes together what was cut where it need not be.
const PIPELINE: &str = "function(scalarizer,instcombine<no-verify-fixpoint>,early-cse)";

/// Intrinsics that write nothing: they may change places with each other and with loads.
const PURE: &[&str] = &[
    "llvm.fma.",
    "llvm.masked.load.",
    "llvm.masked.gather.",
    "llvm.sqrt.",
    "llvm.fabs.",
    "llvm.smax.",
    "llvm.smin.",
    "llvm.umax.",
    "llvm.umin.",
    "llvm.maxnum.",
    "llvm.minnum.",
    "llvm.ctpop.",
    "llvm.ctlz.",
    "llvm.cttz.",
    "llvm.bswap.",
    "llvm.fshl.",
    "llvm.fshr.",
    "llvm.x86.avx512.add.",
    "llvm.x86.avx512.div.",
    "llvm.x86.avx512.mul.",
    "llvm.x86.avx512.sub.",
    "llvm.x86.avx512.vfmadd.",
    "llvm.x86.avx512.vpermi2var.",
];

impl Ir {
    /// Whether a loop carries more vectors than the machine has registers, of `register_bits` each, and `registers` of them.
    pub fn is_crowded(&self, register_bits: u32, registers: u32) -> bool {
        let mut most = 0;
        self.for_each_block(|block| {
            let mut used = 0;
            for_each_instruction(block, |instruction| {
                // SAFETY: an instruction of this `Ir`.
                unsafe {
                    if LLVMGetInstructionOpcode(instruction) == LLVMOpcode::LLVMPHI {
                        used += vector_bits(LLVMTypeOf(instruction)) / register_bits;
                    }
                }
            });
            most = most.max(used);
        });
        most > registers
    }

    /// Cuts vectors into slices of `register_bits`, and orders instructions by slice.
    pub fn order_by_slices(&self, machine: &Machine, register_bits: u32) -> Result<(), MachineError> {
        set_slice_width(register_bits);
        machine.run_passes(self, PIPELINE)?;
        let slices = Slices::of(self, register_bits);
        self.for_each_block(|block| self.order_block(block, &slices));
        Ok(())
    }

    fn for_each_block(&self, mut visit: impl FnMut(LLVMBasicBlockRef)) {
        // SAFETY: walks the lists of a module that lives; `visit` adds and removes no block.
        unsafe {
            let mut function = LLVMGetFirstFunction(self.module);
            while !function.is_null() {
                let mut block = LLVMGetFirstBasicBlock(function);
                while !block.is_null() {
                    visit(block);
                    block = LLVMGetNextBasicBlock(block);
                }
                function = LLVMGetNextFunction(function);
            }
        }
    }

    /// Orders the instructions between two that stay in their places.
    fn order_block(&self, block: LLVMBasicBlockRef, slices: &Slices) {
        let mut all = Vec::new();
        for_each_instruction(block, |instruction| all.push(instruction));
        let mut segment: Vec<(u32, LLVMValueRef)> = Vec::new();
        let mut turns: HashMap<LLVMValueRef, u32> = HashMap::new();
        for instruction in all {
            if stays(instruction) {
                self.place(&mut segment, instruction);
                turns.clear();
                continue;
            }
            // Never before an operand.
            let of_operands = operands(instruction).filter_map(|operand| turns.get(&operand).copied()).max();
            let turn = slices.turn(instruction).max(of_operands.unwrap_or(0));
            turns.insert(instruction, turn);
            segment.push((turn, instruction));
        }
    }

    /// Puts the instructions of a segment in order before `end`.
    fn place(&self, segment: &mut Vec<(u32, LLVMValueRef)>, end: LLVMValueRef) {
        if segment.windows(2).all(|pair| pair[0].0 <= pair[1].0) {
            return segment.clear();
        }
        segment.sort_by_key(|(turn, _)| *turn);
        for (_, instruction) in segment.drain(..) {
            // SAFETY: an instruction of the block, which is moved before a later one of the same block.
            unsafe {
                LLVMInstructionRemoveFromParent(instruction);
                LLVMPositionBuilderBefore(self.builder, end);
                LLVMInsertIntoBuilder(self.builder, instruction);
            }
        }
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

/// Which slices of 32 lanes each instruction depends on: a bit for each.
struct Slices(HashMap<LLVMValueRef, u32>);

impl Slices {
    /// Follows slices from where they are cut off, through loops too.
    fn of(ir: &Ir, register_bits: u32) -> Self {
        let mut instructions = Vec::new();
        ir.for_each_block(|block| for_each_instruction(block, |instruction| instructions.push(instruction)));
        let mut marks: HashMap<LLVMValueRef, u32> = HashMap::new();
        let mut changed = true;
        while changed {
            changed = false;
            for instruction in &instructions {
                let of_operands =
                    operands(*instruction).filter_map(|operand| marks.get(&operand)).fold(0, |a, b| a | b);
                let mark = cut_off(*instruction, register_bits).map_or(of_operands, |slice| 1 << slice);
                if mark != 0 && marks.insert(*instruction, mark) != Some(mark) {
                    changed = true;
                }
            }
        }
        Self(marks)
    }

    /// When an instruction is to be executed: with its slice, or after all slices.
    fn turn(&self, instruction: LLVMValueRef) -> u32 {
        let mark = self.0.get(&instruction).copied().unwrap_or(0);
        if mark.count_ones() > 1 { 32 } else { 31 - (mark | 1).leading_zeros() }
    }
}

/// The number of the slice that an instruction cuts off a wider vector, if it does.
fn cut_off(instruction: LLVMValueRef, register_bits: u32) -> Option<u32> {
    // SAFETY: an instruction of a module that lives; operands and mask are asked for only of shuffles.
    unsafe {
        if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMShuffleVector {
            return None;
        }
        let (to, from) = (LLVMTypeOf(instruction), LLVMTypeOf(LLVMGetOperand(instruction, 0)));
        if vector_bits(to) != register_bits || vector_bits(from) <= register_bits {
            return None;
        }
        let (first, width) = (LLVMGetMaskValue(instruction, 0), LLVMGetVectorSize(to) as i32);
        let in_order = (0..width).all(|index| LLVMGetMaskValue(instruction, index as u32) == first + index);
        (first >= 0 && first % width == 0 && in_order).then(|| (first / width) as u32)
    }
}

/// Whether other instructions may not be moved across.
fn stays(instruction: LLVMValueRef) -> bool {
    // SAFETY: an instruction of a module that lives; what is called is asked for only of calls.
    unsafe {
        match LLVMGetInstructionOpcode(instruction) {
            LLVMOpcode::LLVMPHI
            | LLVMOpcode::LLVMStore
            | LLVMOpcode::LLVMFence
            | LLVMOpcode::LLVMAtomicRMW
            | LLVMOpcode::LLVMAtomicCmpXchg
            | LLVMOpcode::LLVMAlloca => true,
            LLVMOpcode::LLVMLoad => LLVMGetVolatile(instruction) != 0 || is_atomic(instruction),
            LLVMOpcode::LLVMCall => !is_pure_call(instruction),
            _ => !LLVMIsATerminatorInst(instruction).is_null(),
        }
    }
}

/// Whether a load is atomic.
///
/// # Safety
/// `load` is a load of a module that lives.
unsafe fn is_atomic(load: LLVMValueRef) -> bool {
    // SAFETY: the caller has a load.
    unsafe { LLVMGetOrdering(load) != llvm_sys::LLVMAtomicOrdering::LLVMAtomicOrderingNotAtomic }
}

/// Whether a call may change places with others.
///
/// # Safety
/// `call` is a call of a module that lives.
unsafe fn is_pure_call(call: LLVMValueRef) -> bool {
    // SAFETY: the caller has a call; a name ends with NUL.
    unsafe {
        let mut length = 0;
        let name = LLVMGetValueName2(LLVMGetCalledValue(call), &mut length);
        let name = CStr::from_ptr(name).to_string_lossy();
        PURE.iter().any(|pure| name.starts_with(pure))
    }
}

fn for_each_instruction(block: LLVMBasicBlockRef, mut visit: impl FnMut(LLVMValueRef)) {
    // SAFETY: walks the list of a block that lives; `visit` changes it only behind the instruction at hand.
    unsafe {
        let mut instruction = LLVMGetFirstInstruction(block);
        while !instruction.is_null() {
            visit(instruction);
            instruction = LLVMGetNextInstruction(instruction);
        }
    }
}

fn operands(instruction: LLVMValueRef) -> impl Iterator<Item = LLVMValueRef> {
    // SAFETY: an instruction of a module that lives; indices are below the number of operands.
    let count = unsafe { LLVMGetNumOperands(instruction) } as u32;
    (0..count).map(move |index| {
        // SAFETY: as above.
        unsafe { LLVMGetOperand(instruction, index) }
    })
}

/// Bits of a vector of numbers; 0 for what is none.
fn vector_bits(ty: LLVMTypeRef) -> u32 {
    // SAFETY: types of a module that lives; widths are asked for only of integers.
    unsafe {
        if LLVMGetTypeKind(ty) != LLVMTypeKind::LLVMVectorTypeKind {
            return 0;
        }
        let element = LLVMGetElementType(ty);
        let bits = match LLVMGetTypeKind(element) {
            LLVMTypeKind::LLVMIntegerTypeKind => LLVMGetIntTypeWidth(element),
            LLVMTypeKind::LLVMFloatTypeKind => 32,
            LLVMTypeKind::LLVMDoubleTypeKind | LLVMTypeKind::LLVMPointerTypeKind => 64,
            LLVMTypeKind::LLVMHalfTypeKind => 16,
            _ => 0,
        };
        bits * LLVMGetVectorSize(ty)
    }
}
