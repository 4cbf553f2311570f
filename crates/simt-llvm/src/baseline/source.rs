//! A view of LLVM's IR for reading: types, values, constants.

use std::marker::PhantomData;
use std::rc::Rc;

use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

use super::Unsupported;
use crate::llvm::Ir;

/// A type without parts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scalar {
    /// An integer of so many bits.
    Int(u32),
    Half,
    Single,
    Double,
    Pointer,
}

impl Scalar {
    pub fn bits(self) -> u32 {
        match self {
            Scalar::Int(bits) => bits,
            Scalar::Half => 16,
            Scalar::Single => 32,
            Scalar::Double | Scalar::Pointer => 64,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, Scalar::Half | Scalar::Single | Scalar::Double)
    }
}

/// A scalar or a vector of scalars.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Plain {
    pub scalar: Scalar,
    /// 0 for what is no vector.
    pub lanes: u32,
}

impl Plain {
    pub fn scalar(scalar: Scalar) -> Self {
        Self { scalar, lanes: 0 }
    }

    pub fn is_vector(self) -> bool {
        self.lanes > 0
    }

    /// Whether it is a vector of single bits.
    pub fn is_mask(self) -> bool {
        self.lanes > 0 && self.scalar == Scalar::Int(1)
    }

    /// Bytes in memory.
    pub fn bytes(self) -> u32 {
        if self.is_mask() { self.lanes.div_ceil(8) } else { self.lanes.max(1) * self.scalar.bits().div_ceil(8) }
    }

    /// Bytes of a place for it: whole registers.
    pub fn place_bytes(self) -> u32 {
        match self.is_vector() && !self.is_mask() {
            true => self.bytes().next_multiple_of(64),
            false => self.bytes().next_multiple_of(8),
        }
    }

    /// Lanes in a vector register.
    pub fn chunk_lanes(self) -> u32 {
        512 / self.scalar.bits()
    }

    /// Vector registers that hold it.
    pub fn chunks(self) -> u32 {
        if self.is_vector() { self.bytes().div_ceil(64) } else { 1 }
    }

    pub fn with(self, scalar: Scalar) -> Self {
        Self { scalar, ..self }
    }
}

/// A type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ty {
    Void,
    Plain(Plain),
    Struct(Rc<[Plain]>),
}

impl Ty {
    pub fn plain(&self) -> Result<Plain, Unsupported> {
        match self {
            Ty::Plain(plain) => Ok(*plain),
            _ => Err(Unsupported("a value of several parts")),
        }
    }

    /// Where the parts lie in a place, and the bytes of all.
    pub fn layout(&self) -> (Vec<u32>, u32) {
        let parts: &[Plain] = match self {
            Ty::Void => &[],
            Ty::Plain(plain) => std::slice::from_ref(plain),
            Ty::Struct(parts) => parts,
        };
        let mut at = 0u32;
        let mut offsets = Vec::with_capacity(parts.len());
        for part in parts {
            at = at.next_multiple_of(alignment(part.place_bytes()));
            offsets.push(at);
            at += part.place_bytes();
        }
        (offsets, at)
    }
}

/// Of a place of so many bytes.
pub fn alignment(bytes: u32) -> u32 {
    if bytes.is_multiple_of(64) { 64 } else { 8 }
}

/// A value of a module that lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Value<'a>(LLVMValueRef, PhantomData<&'a Ir>);

/// A block of a module that lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Block<'a>(LLVMBasicBlockRef, PhantomData<&'a Ir>);

/// The functions with bodies.
pub fn functions(ir: &Ir) -> Vec<Value<'_>> {
    let mut found = Vec::new();
    // SAFETY: the module lives; the list ends with null.
    unsafe {
        let mut function = LLVMGetFirstFunction(ir.module());
        while !function.is_null() {
            if LLVMIsDeclaration(function) == 0 {
                found.push(Value(function, PhantomData));
            }
            function = LLVMGetNextFunction(function);
        }
    }
    found
}

impl<'a> Value<'a> {
    fn new(value: LLVMValueRef) -> Self {
        Self(value, PhantomData)
    }

    pub fn ty(self) -> Result<Ty, Unsupported> {
        // SAFETY: a value of a module that lives.
        unsafe { type_of(LLVMTypeOf(self.0)) }
    }

    pub fn plain(self) -> Result<Plain, Unsupported> {
        self.ty()?.plain()
    }

    /// Of a function: what it returns.
    pub fn returns(self) -> Result<Ty, Unsupported> {
        // SAFETY: a function of a module that lives.
        unsafe { type_of(LLVMGetReturnType(LLVMGlobalGetValueType(self.0))) }
    }

    pub fn name(self) -> String {
        let mut length = 0;
        // SAFETY: a value of a module that lives; the name has this length.
        unsafe {
            let start = LLVMGetValueName2(self.0, &mut length);
            String::from_utf8_lossy(std::slice::from_raw_parts(start.cast::<u8>(), length)).into_owned()
        }
    }

    /// Of a function.
    pub fn is_internal(self) -> bool {
        // SAFETY: a function of a module that lives.
        unsafe { LLVMGetLinkage(self.0) == llvm_sys::LLVMLinkage::LLVMInternalLinkage }
    }

    /// Of a function.
    pub fn parameters(self) -> Vec<Value<'a>> {
        // SAFETY: a function of a module that lives; the index is below the count.
        unsafe { (0..LLVMCountParams(self.0)).map(|index| Self::new(LLVMGetParam(self.0, index))).collect() }
    }

    /// Of a function.
    pub fn blocks(self) -> Vec<Block<'a>> {
        let mut found = Vec::new();
        // SAFETY: a function of a module that lives; the list ends with null.
        unsafe {
            let mut block = LLVMGetFirstBasicBlock(self.0);
            while !block.is_null() {
                found.push(Block(block, PhantomData));
                block = LLVMGetNextBasicBlock(block);
            }
        }
        found
    }

    pub fn opcode(self) -> LLVMOpcode {
        // SAFETY: an instruction of a module that lives.
        unsafe { LLVMGetInstructionOpcode(self.0) }
    }

    pub fn operand_count(self) -> u32 {
        // SAFETY: an instruction of a module that lives.
        unsafe { LLVMGetNumOperands(self.0) as u32 }
    }

    pub fn operand(self, index: u32) -> Value<'a> {
        // SAFETY: an instruction of a module that lives; callers stay below the count.
        unsafe { Self::new(LLVMGetOperand(self.0, index)) }
    }

    pub fn as_instruction(self) -> Option<Value<'a>> {
        // SAFETY: a value of a module that lives.
        let found = unsafe { LLVMIsAInstruction(self.0) };
        (!found.is_null()).then_some(self)
    }

    pub fn as_function(self) -> Option<Value<'a>> {
        // SAFETY: a value of a module that lives.
        let found = unsafe { LLVMIsAFunction(self.0) };
        (!found.is_null()).then_some(self)
    }

    pub fn is_phi(self) -> bool {
        // SAFETY: a value of a module that lives.
        unsafe { !LLVMIsAPHINode(self.0).is_null() }
    }

    /// Of an instruction.
    pub fn block(self) -> Block<'a> {
        // SAFETY: an instruction of a module that lives.
        Block(unsafe { LLVMGetInstructionParent(self.0) }, PhantomData)
    }

    /// The instructions that use an instruction or a parameter.
    pub fn users(self) -> Vec<Value<'a>> {
        let mut found = Vec::new();
        // SAFETY: such a value of a module that lives has instructions as users; the list ends with null.
        unsafe {
            let mut next = LLVMGetFirstUse(self.0);
            while !next.is_null() {
                found.push(Self::new(LLVMGetUser(next)));
                next = LLVMGetNextUse(next);
            }
        }
        found
    }

    /// Of a phi.
    pub fn incoming(self) -> Vec<(Value<'a>, Block<'a>)> {
        // SAFETY: a phi of a module that lives; the index is below the count.
        unsafe {
            (0..LLVMCountIncoming(self.0))
                .map(|index| {
                    let block = Block(LLVMGetIncomingBlock(self.0, index), PhantomData);
                    (Self::new(LLVMGetIncomingValue(self.0, index)), block)
                })
                .collect()
        }
    }

    /// Of a terminator.
    pub fn successors(self) -> Vec<Block<'a>> {
        // SAFETY: a terminator of a module that lives; the index is below the count.
        unsafe {
            (0..LLVMGetNumSuccessors(self.0)).map(|index| Block(LLVMGetSuccessor(self.0, index), PhantomData)).collect()
        }
    }

    /// Of a shuffle: by result lane, the lane of both operands one behind the other; `None` for any.
    pub fn shuffle_order(self) -> Vec<Option<u32>> {
        // SAFETY: a shuffle of a module that lives; the index is below the count.
        unsafe {
            let any = LLVMGetUndefMaskElem();
            (0..LLVMGetNumMaskElements(self.0))
                .map(|index| LLVMGetMaskValue(self.0, index))
                .map(|lane| if lane == any { None } else { u32::try_from(lane).ok() })
                .collect()
        }
    }

    /// Of a call.
    pub fn callee(self) -> Value<'a> {
        // SAFETY: a call of a module that lives.
        unsafe { Self::new(LLVMGetCalledValue(self.0)) }
    }

    /// Of a call.
    pub fn arguments(self) -> Vec<Value<'a>> {
        // SAFETY: a call of a module that lives.
        let count = unsafe { LLVMGetNumArgOperands(self.0) };
        (0..count).map(|index| self.operand(index)).collect()
    }

    /// Of an integer comparison.
    pub fn int_predicate(self) -> llvm_sys::LLVMIntPredicate {
        // SAFETY: a comparison of a module that lives.
        unsafe { LLVMGetICmpPredicate(self.0) }
    }

    /// Of a comparison of floats.
    pub fn float_predicate(self) -> llvm_sys::LLVMRealPredicate {
        // SAFETY: a comparison of a module that lives.
        unsafe { LLVMGetFCmpPredicate(self.0) }
    }

    /// Of a `getelementptr`: whether it is one of bytes with a single index.
    pub fn is_byte_offset(self) -> bool {
        // SAFETY: a `getelementptr` of a module that lives.
        unsafe {
            let element = LLVMGetGEPSourceElementType(self.0);
            LLVMGetTypeKind(element) == LLVMTypeKind::LLVMIntegerTypeKind
                && LLVMGetIntTypeWidth(element) == 8
                && self.operand_count() == 2
        }
    }

    /// Of an `extractvalue` or `insertvalue`: the part, where it is one of a plain structure.
    pub fn part(self) -> Option<usize> {
        // SAFETY: such an instruction of a module that lives has this many indices.
        unsafe { (LLVMGetNumIndices(self.0) == 1).then(|| *LLVMGetIndices(self.0) as usize) }
    }

    /// Of an `alloca`.
    pub fn allocated(self) -> Result<Ty, Unsupported> {
        // SAFETY: an `alloca` of a module that lives.
        unsafe { type_of(LLVMGetAllocatedType(self.0)) }
    }

    /// Of a load or a store: whether it is neither volatile nor atomic.
    pub fn is_plain_access(self) -> bool {
        // SAFETY: such an instruction of a module that lives.
        let is_volatile = unsafe { LLVMGetVolatile(self.0) != 0 };
        !is_volatile && self.ordering() == llvm_sys::LLVMAtomicOrdering::LLVMAtomicOrderingNotAtomic
    }

    /// Of a load, a store or a fence.
    pub fn ordering(self) -> llvm_sys::LLVMAtomicOrdering {
        // SAFETY: such an instruction of a module that lives.
        unsafe { LLVMGetOrdering(self.0) }
    }

    /// Of a fence.
    pub fn is_for_one_thread(self) -> bool {
        // SAFETY: a fence of a module that lives.
        unsafe { LLVMIsAtomicSingleThread(self.0) != 0 }
    }

    /// Of an `atomicrmw`.
    pub fn modification(self) -> llvm_sys::LLVMAtomicRMWBinOp {
        // SAFETY: an `atomicrmw` of a module that lives.
        unsafe { LLVMGetAtomicRMWBinOp(self.0) }
    }

    /// Whether any value will do.
    pub fn is_undefined(self) -> bool {
        // SAFETY: a value of a module that lives. Poison counts as undefined.
        unsafe { LLVMIsUndef(self.0) != 0 }
    }

    /// An integer of up to 64 bits that is known.
    pub fn as_integer(self) -> Option<u64> {
        // SAFETY: a value of a module that lives.
        unsafe {
            let known = LLVMIsAConstantInt(self.0);
            if known.is_null() || LLVMGetIntTypeWidth(LLVMTypeOf(known)) > 64 {
                return None;
            }
            Some(LLVMConstIntGetZExtValue(known))
        }
    }

    /// The bytes of a constant as they lie in a place of its type; `None` if the value is none.
    pub fn constant(self) -> Result<Option<Vec<u8>>, Unsupported> {
        // SAFETY: a value of a module that lives.
        if unsafe { LLVMIsConstant(self.0) } == 0 {
            return Ok(None);
        }
        let ty = self.ty()?;
        let (_, total) = ty.layout();
        let mut bytes = vec![0; total as usize];
        // SAFETY: as above.
        if self.is_undefined() || unsafe { LLVMIsNull(self.0) } != 0 {
            return Ok(Some(bytes));
        }
        // SAFETY: as above; an expression has an operation.
        let recast =
            unsafe { !LLVMIsAConstantExpr(self.0).is_null() && LLVMGetConstOpcode(self.0) == LLVMOpcode::LLVMBitCast };
        if recast {
            let known = self.operand(0).constant()?;
            return Ok(known.map(|mut known| {
                known.resize(total as usize, 0);
                known
            }));
        }
        if let Ty::Struct(parts) = &ty {
            for (index, at) in (0..parts.len() as u32).zip(ty.layout().0) {
                // SAFETY: a constant structure has an element for each part.
                let part = Self::new(unsafe { LLVMGetAggregateElement(self.0, index) });
                let known = part.constant()?.ok_or(Unsupported("a constant"))?;
                bytes[at as usize..][..known.len()].copy_from_slice(&known);
            }
            return Ok(Some(bytes));
        }
        let plain = ty.plain()?;
        if !plain.is_vector() {
            bytes[..8].copy_from_slice(&self.bits()?.to_le_bytes());
            return Ok(Some(bytes));
        }
        let width = plain.scalar.bits();
        for lane in 0..plain.lanes {
            // SAFETY: a constant vector has an element for each lane.
            let element = Self::new(unsafe { LLVMGetAggregateElement(self.0, lane) });
            let bits = element.bits()?;
            if plain.is_mask() {
                bytes[lane as usize / 8] |= (bits as u8) << (lane % 8);
            } else {
                let size = width as usize / 8;
                bytes[lane as usize * size..][..size].copy_from_slice(&bits.to_le_bytes()[..size]);
            }
        }
        Ok(Some(bytes))
    }

    /// The bits of a scalar constant.
    fn bits(self) -> Result<u64, Unsupported> {
        // SAFETY: a constant of a module that lives; a float's bits are an integer of its width.
        unsafe {
            if self.is_undefined() || LLVMIsNull(self.0) != 0 {
                return Ok(0);
            }
            if let Some(bits) = self.as_integer() {
                return Ok(bits);
            }
            if !LLVMIsAConstantFP(self.0).is_null() {
                let ty = LLVMTypeOf(self.0);
                let int = LLVMIntTypeInContext(LLVMGetTypeContext(ty), self.plain()?.scalar.bits());
                let bits = Self::new(LLVMConstBitCast(self.0, int));
                return bits.as_integer().ok_or(Unsupported("a constant"));
            }
            if !LLVMIsAConstantExpr(self.0).is_null() && LLVMGetConstOpcode(self.0) == LLVMOpcode::LLVMIntToPtr {
                return self.operand(0).as_integer().ok_or(Unsupported("a constant"));
            }
        }
        Err(Unsupported("a constant"))
    }
}

impl<'a> Block<'a> {
    pub fn instructions(self) -> Vec<Value<'a>> {
        let mut found = Vec::new();
        // SAFETY: a block of a module that lives; the list ends with null.
        unsafe {
            let mut instruction = LLVMGetFirstInstruction(self.0);
            while !instruction.is_null() {
                found.push(Value::new(instruction));
                instruction = LLVMGetNextInstruction(instruction);
            }
        }
        found
    }

    pub fn phis(self) -> Vec<Value<'a>> {
        let mut found = Vec::new();
        // SAFETY: a block of a module that lives; the list ends with null.
        unsafe {
            let mut instruction = LLVMGetFirstInstruction(self.0);
            while !instruction.is_null() && !LLVMIsAPHINode(instruction).is_null() {
                found.push(Value::new(instruction));
                instruction = LLVMGetNextInstruction(instruction);
            }
        }
        found
    }

    /// An operand that stands for a block.
    pub fn of(value: Value<'a>) -> Self {
        // SAFETY: a value of a module that lives, which callers know to be a block.
        Self(unsafe { LLVMValueAsBasicBlock(value.0) }, PhantomData)
    }
}

/// # Safety
/// `ty` is a type of a context that lives.
unsafe fn type_of(ty: LLVMTypeRef) -> Result<Ty, Unsupported> {
    // SAFETY: the caller's promise; parts of types live as long as they do.
    unsafe {
        Ok(match LLVMGetTypeKind(ty) {
            LLVMTypeKind::LLVMVoidTypeKind => Ty::Void,
            LLVMTypeKind::LLVMStructTypeKind => {
                let count = LLVMCountStructElementTypes(ty);
                let parts: Result<Vec<Plain>, Unsupported> =
                    (0..count).map(|index| type_of(LLVMStructGetTypeAtIndex(ty, index))?.plain()).collect();
                Ty::Struct(parts?.into())
            }
            LLVMTypeKind::LLVMVectorTypeKind => {
                let element = type_of(LLVMGetElementType(ty))?.plain()?;
                Ty::Plain(Plain { scalar: element.scalar, lanes: LLVMGetVectorSize(ty) })
            }
            LLVMTypeKind::LLVMIntegerTypeKind => {
                let bits = LLVMGetIntTypeWidth(ty);
                if bits > 64 {
                    return Err(Unsupported("an integer of more than 64 bits"));
                }
                Ty::Plain(Plain::scalar(Scalar::Int(bits)))
            }
            LLVMTypeKind::LLVMHalfTypeKind => Ty::Plain(Plain::scalar(Scalar::Half)),
            LLVMTypeKind::LLVMFloatTypeKind => Ty::Plain(Plain::scalar(Scalar::Single)),
            LLVMTypeKind::LLVMDoubleTypeKind => Ty::Plain(Plain::scalar(Scalar::Double)),
            LLVMTypeKind::LLVMPointerTypeKind => Ty::Plain(Plain::scalar(Scalar::Pointer)),
            _ => return Err(Unsupported("a type")),
        })
    }
}
