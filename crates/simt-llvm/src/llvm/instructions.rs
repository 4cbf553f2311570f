//! Walking over a module's instructions, and what they do to memory.

use std::collections::HashMap;
use std::ffi::CStr;

use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::LLVMSizeOfTypeInBits;
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

use super::Ir;

/// Intrinsics that touch no memory.
const PURE: &[&str] = &[
    "llvm.fma.",
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

/// Intrinsics that read memory.
const READING: &[&str] = &["llvm.masked.load.", "llvm.masked.gather."];

/// Bytes of the frame, from a pointer that is the same for all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    base: LLVMValueRef,
    start: i64,
    bytes: i64,
    is_stored: bool,
}

impl Place {
    /// Whether two accesses must keep their order.
    pub(super) fn meets(self, other: Place) -> bool {
        let apart = self.base == other.base
            && (self.start + self.bytes <= other.start || other.start + other.bytes <= self.start);
        (self.is_stored || other.is_stored) && !apart
    }
}

/// What keeps an instruction in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// Its operands alone.
    None,
    /// It reads memory other than the frame.
    Loads,
    /// It writes memory other than the frame.
    Stores,
    /// It reads or writes the frame.
    Frame(Place),
    /// No instruction may be moved across.
    Stays,
}

/// The effect of an instruction.
pub(super) fn effect(ir: &Ir, instruction: LLVMValueRef) -> Effect {
    // SAFETY: an instruction of a module that lives; each question is asked of the kind of instruction that has an answer.
    unsafe {
        match LLVMGetInstructionOpcode(instruction) {
            LLVMOpcode::LLVMPHI
            | LLVMOpcode::LLVMFence
            | LLVMOpcode::LLVMAtomicRMW
            | LLVMOpcode::LLVMAtomicCmpXchg
            | LLVMOpcode::LLVMAlloca => Effect::Stays,
            LLVMOpcode::LLVMLoad | LLVMOpcode::LLVMStore if !is_plain(instruction) => Effect::Stays,
            LLVMOpcode::LLVMLoad | LLVMOpcode::LLVMStore if ir.is_in_frame(instruction) => {
                Effect::Frame(place(ir, instruction))
            }
            LLVMOpcode::LLVMLoad => Effect::Loads,
            LLVMOpcode::LLVMStore => Effect::Stores,
            LLVMOpcode::LLVMCall => of_call(instruction),
            _ if !LLVMIsATerminatorInst(instruction).is_null() => Effect::Stays,
            _ => Effect::None,
        }
    }
}

/// Whether a load or a store is neither volatile nor atomic.
///
/// # Safety
/// `access` is a load or a store of a module that lives.
unsafe fn is_plain(access: LLVMValueRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        LLVMGetVolatile(access) == 0
            && LLVMGetOrdering(access) == llvm_sys::LLVMAtomicOrdering::LLVMAtomicOrderingNotAtomic
    }
}

/// The name of what an instruction calls, if it is a call.
pub(super) fn callee_name(instruction: LLVMValueRef) -> Option<String> {
    // SAFETY: an instruction of a module that lives; only a call is asked for what it calls; a name ends with NUL.
    unsafe {
        let mut length = 0;
        (LLVMGetInstructionOpcode(instruction) == LLVMOpcode::LLVMCall).then(|| {
            CStr::from_ptr(LLVMGetValueName2(LLVMGetCalledValue(instruction), &mut length))
                .to_string_lossy()
                .into_owned()
        })
    }
}

/// The effect of a call.
///
/// # Safety
/// `call` is a call of a module that lives.
unsafe fn of_call(call: LLVMValueRef) -> Effect {
    let name = callee_name(call).expect("it is a call");
    let is_one_of = |names: &[&str]| names.iter().any(|start| name.starts_with(start));
    if is_one_of(PURE) {
        Effect::None
    } else if is_one_of(READING) {
        Effect::Loads
    } else {
        Effect::Stays
    }
}

/// The bytes that an access to the frame touches.
///
/// # Safety
/// `access` is a load or a store of `ir`.
unsafe fn place(ir: &Ir, access: LLVMValueRef) -> Place {
    // SAFETY: the caller's promise; the layout is the module's.
    unsafe {
        let is_stored = LLVMGetInstructionOpcode(access) == LLVMOpcode::LLVMStore;
        let value = if is_stored { LLVMGetOperand(access, 0) } else { access };
        let layout = llvm_sys::target::LLVMGetModuleDataLayout(ir.module);
        let bytes = LLVMSizeOfTypeInBits(layout, LLVMTypeOf(value)).div_ceil(8) as i64;
        let (base, start) = base_and_offset(LLVMGetOperand(access, u32::from(is_stored)));
        Place { base, start, bytes, is_stored }
    }
}

/// A pointer as another one and a constant number of bytes.
///
/// # Safety
/// `pointer` is a pointer of a module that lives.
unsafe fn base_and_offset(pointer: LLVMValueRef) -> (LLVMValueRef, i64) {
    // SAFETY: the caller's promise; operands are asked for only of instructions, the type only of `getelementptr`.
    unsafe {
        let is_offset = !LLVMIsAGetElementPtrInst(pointer).is_null() && LLVMGetNumOperands(pointer) == 2;
        if is_offset {
            let (element, index) = (LLVMGetGEPSourceElementType(pointer), LLVMGetOperand(pointer, 1));
            let is_byte = LLVMGetTypeKind(element) == LLVMTypeKind::LLVMIntegerTypeKind
                && LLVMGetIntTypeWidth(element) == 8
                && !LLVMIsAConstantInt(index).is_null();
            if is_byte {
                return (LLVMGetOperand(pointer, 0), LLVMConstIntGetSExtValue(index));
            }
        }
        (pointer, 0)
    }
}

pub(super) fn for_each_block(module: LLVMModuleRef, mut visit: impl FnMut(LLVMBasicBlockRef)) {
    // SAFETY: walks the lists of a module that lives; `visit` adds and removes no block.
    unsafe {
        let mut function = LLVMGetFirstFunction(module);
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

pub(super) fn for_each_instruction(block: LLVMBasicBlockRef, mut visit: impl FnMut(LLVMValueRef)) {
    // SAFETY: walks the list of a block that lives; `visit` changes it only behind the instruction at hand.
    unsafe {
        let mut instruction = LLVMGetFirstInstruction(block);
        while !instruction.is_null() {
            visit(instruction);
            instruction = LLVMGetNextInstruction(instruction);
        }
    }
}

pub(super) fn operands(instruction: LLVMValueRef) -> impl Iterator<Item = LLVMValueRef> {
    // SAFETY: an instruction of a module that lives; indices are below the number of operands.
    let count = unsafe { LLVMGetNumOperands(instruction) } as u32;
    (0..count).map(move |index| {
        // SAFETY: as above.
        unsafe { LLVMGetOperand(instruction, index) }
    })
}

/// What uses a value, each once.
pub(super) fn users(value: LLVMValueRef) -> Vec<LLVMValueRef> {
    let mut users = Vec::new();
    // SAFETY: walks the uses of a value of a module that lives.
    unsafe {
        let mut of = LLVMGetFirstUse(value);
        while !of.is_null() {
            let user = LLVMGetUser(of);
            if !users.contains(&user) {
                users.push(user);
            }
            of = LLVMGetNextUse(of);
        }
    }
    users
}

impl Ir {
    /// Gives an instruction copies of those of its operands that `wants` says, and them of theirs; `done` are the copies so far. Who asks knows
    /// that what is copied has the same result here.
    pub(super) fn copy_operands(
        &self,
        user: LLVMValueRef,
        done: &mut HashMap<LLVMValueRef, LLVMValueRef>,
        wants: &mut impl FnMut(LLVMValueRef) -> bool,
    ) {
        for (index, operand) in operands(user).enumerate().collect::<Vec<_>>() {
            let copy = match done.get(&operand) {
                Some(copy) => *copy,
                None if !wants(operand) => continue,
                None => {
                    // SAFETY: an instruction of this `Ir`, copied in front of one that it dominates.
                    let copy = unsafe {
                        let copy = LLVMInstructionClone(operand);
                        LLVMPositionBuilderBefore(self.builder, user);
                        LLVMInsertIntoBuilder(self.builder, copy);
                        copy
                    };
                    self.copy_operands(copy, done, wants);
                    done.insert(operand, copy);
                    copy
                }
            };
            // SAFETY: the copy is the same value.
            unsafe { LLVMSetOperand(user, index as u32, copy) };
        }
    }
}

/// Bits of a value that is a vector of numbers; 0 for others.
pub(super) fn vector_bits(value: LLVMValueRef) -> u32 {
    // SAFETY: a value of a module that lives; widths are asked for only of integers.
    unsafe {
        let ty = LLVMTypeOf(value);
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
