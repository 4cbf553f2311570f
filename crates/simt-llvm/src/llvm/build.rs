//! Instructions. Arithmetic works on scalars and vectors alike.

use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::{LLVMAtomicOrdering, LLVMAtomicRMWBinOp, LLVMOpcode};

use super::{Bb, Fun, IN_REGISTERS, Ir, Ty, Val};

/// Names instructions get: none.
const UNNAMED: *const i8 = c"".as_ptr();

/// Two-operand instructions, by LLVM's names.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "LLVM's names")]
pub enum Bin {
    Add,
    Sub,
    Mul,
    UDiv,
    SDiv,
    URem,
    And,
    Or,
    Xor,
    Shl,
    LShr,
    AShr,
    FAdd,
    FSub,
    FMul,
    FDiv,
}

/// Conversions, by LLVM's names.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, clippy::enum_variant_names, reason = "LLVM's names")]
pub enum Cast {
    Trunc,
    ZExt,
    SExt,
    FPTrunc,
    FPExt,
    FPToSI,
    FPToUI,
    SIToFP,
    UIToFP,
    BitCast,
    IntToPtr,
    PtrToInt,
}

/// Read-modify-write operations, by LLVM's names.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "LLVM's names")]
pub enum Rmw {
    Xchg,
    Add,
    And,
    Or,
    Xor,
    Max,
    Min,
    UMax,
    UMin,
}

pub use llvm_sys::LLVMAtomicOrdering as Ordering;
pub use llvm_sys::LLVMIntPredicate as IntPredicate;
pub use llvm_sys::LLVMRealPredicate as FloatPredicate;

impl Ir {
    /// Puts the insertion point at the end of a block.
    pub fn position(&self, block: Bb) {
        // SAFETY: handles of this `Ir`.
        unsafe { LLVMPositionBuilderAtEnd(self.builder, block.0) }
    }

    /// The block of the insertion point.
    pub fn current_block(&self) -> Bb {
        // SAFETY: callers have positioned the builder.
        Bb(unsafe { LLVMGetInsertBlock(self.builder) })
    }

    /// A two-operand instruction.
    pub fn bin(&self, op: Bin, a: Val, b: Val) -> Val {
        let opcode = match op {
            Bin::Add => LLVMOpcode::LLVMAdd,
            Bin::Sub => LLVMOpcode::LLVMSub,
            Bin::Mul => LLVMOpcode::LLVMMul,
            Bin::UDiv => LLVMOpcode::LLVMUDiv,
            Bin::SDiv => LLVMOpcode::LLVMSDiv,
            Bin::URem => LLVMOpcode::LLVMURem,
            Bin::And => LLVMOpcode::LLVMAnd,
            Bin::Or => LLVMOpcode::LLVMOr,
            Bin::Xor => LLVMOpcode::LLVMXor,
            Bin::Shl => LLVMOpcode::LLVMShl,
            Bin::LShr => LLVMOpcode::LLVMLShr,
            Bin::AShr => LLVMOpcode::LLVMAShr,
            Bin::FAdd => LLVMOpcode::LLVMFAdd,
            Bin::FSub => LLVMOpcode::LLVMFSub,
            Bin::FMul => LLVMOpcode::LLVMFMul,
            Bin::FDiv => LLVMOpcode::LLVMFDiv,
        };
        // SAFETY: handles of this `Ir`, both of one type by the callers' contract (LLVM's verifier checks the module).
        Val(unsafe { LLVMBuildBinOp(self.builder, opcode, a.0, b.0, UNNAMED) })
    }

    /// Sum.
    pub fn add(&self, a: Val, b: Val) -> Val {
        self.bin(Bin::Add, a, b)
    }

    /// Difference.
    pub fn sub(&self, a: Val, b: Val) -> Val {
        self.bin(Bin::Sub, a, b)
    }

    /// Product.
    pub fn mul(&self, a: Val, b: Val) -> Val {
        self.bin(Bin::Mul, a, b)
    }

    /// Bitwise and.
    pub fn and(&self, a: Val, b: Val) -> Val {
        self.bin(Bin::And, a, b)
    }

    /// Bitwise or.
    pub fn or(&self, a: Val, b: Val) -> Val {
        self.bin(Bin::Or, a, b)
    }

    /// Bitwise exclusive or.
    pub fn xor(&self, a: Val, b: Val) -> Val {
        self.bin(Bin::Xor, a, b)
    }

    /// Bitwise complement.
    pub fn not(&self, a: Val) -> Val {
        // SAFETY: a handle of this `Ir`.
        Val(unsafe { LLVMBuildNot(self.builder, a.0, UNNAMED) })
    }

    /// Float negation.
    pub fn fneg(&self, a: Val) -> Val {
        // SAFETY: a handle of this `Ir`.
        Val(unsafe { LLVMBuildFNeg(self.builder, a.0, UNNAMED) })
    }

    /// Integer comparison.
    pub fn icmp(&self, predicate: IntPredicate, a: Val, b: Val) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildICmp(self.builder, predicate, a.0, b.0, UNNAMED) })
    }

    /// Float comparison.
    pub fn fcmp(&self, predicate: FloatPredicate, a: Val, b: Val) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildFCmp(self.builder, predicate, a.0, b.0, UNNAMED) })
    }

    /// `condition ? a : b`, per element if the condition is a vector.
    pub fn select(&self, condition: Val, a: Val, b: Val) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildSelect(self.builder, condition.0, a.0, b.0, UNNAMED) })
    }

    /// A conversion; nothing if the value has that type.
    pub fn cast(&self, cast: Cast, a: Val, to: Ty) -> Val {
        if self.type_of(a) == to {
            return a;
        }
        let opcode = match cast {
            Cast::Trunc => LLVMOpcode::LLVMTrunc,
            Cast::ZExt => LLVMOpcode::LLVMZExt,
            Cast::SExt => LLVMOpcode::LLVMSExt,
            Cast::FPTrunc => LLVMOpcode::LLVMFPTrunc,
            Cast::FPExt => LLVMOpcode::LLVMFPExt,
            Cast::FPToSI => LLVMOpcode::LLVMFPToSI,
            Cast::FPToUI => LLVMOpcode::LLVMFPToUI,
            Cast::SIToFP => LLVMOpcode::LLVMSIToFP,
            Cast::UIToFP => LLVMOpcode::LLVMUIToFP,
            Cast::BitCast => LLVMOpcode::LLVMBitCast,
            Cast::IntToPtr => LLVMOpcode::LLVMIntToPtr,
            Cast::PtrToInt => LLVMOpcode::LLVMPtrToInt,
        };
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildCast(self.builder, opcode, a.0, to.0, UNNAMED) })
    }

    /// A stack slot. Callers build it in the entry block.
    pub fn alloca(&self, ty: Ty) -> Val {
        // SAFETY: a handle of this `Ir`.
        Val(unsafe { LLVMBuildAlloca(self.builder, ty.0, UNNAMED) })
    }

    /// A load with the type's own alignment.
    pub fn load(&self, ty: Ty, pointer: Val) -> Val {
        // SAFETY: handles of this `Ir`.
        let load = Val(unsafe { LLVMBuildLoad2(self.builder, ty.0, pointer.0, UNNAMED) });
        self.set_elsewhere(load);
        load
    }

    /// A load with a given alignment in bytes.
    pub fn load_aligned(&self, ty: Ty, pointer: Val, align: u32) -> Val {
        let load = self.load(ty, pointer);
        // SAFETY: the instruction just built.
        unsafe { LLVMSetAlignment(load.0, align) };
        load
    }

    /// A load of what never changes while the function runs.
    pub fn load_invariant(&self, ty: Ty, pointer: Val, align: u32) -> Val {
        let load = self.load_aligned(ty, pointer, align);
        // SAFETY: the context lives; the instruction was just built; the metadata node is empty.
        unsafe {
            let name = "invariant.load";
            let kind = LLVMGetMDKindIDInContext(self.context, name.as_ptr().cast(), name.len() as u32);
            let node = LLVMMDNodeInContext2(self.context, std::ptr::null_mut(), 0);
            LLVMSetMetadata(load.0, kind, LLVMMetadataAsValue(self.context, node));
        }
        load
    }

    /// A store with a given alignment in bytes; 0 takes the type's own.
    pub fn store(&self, value: Val, pointer: Val, align: u32) -> Val {
        // SAFETY: handles of this `Ir`.
        let store = unsafe {
            let store = LLVMBuildStore(self.builder, value.0, pointer.0);
            if align > 0 {
                LLVMSetAlignment(store, align);
            }
            Val(store)
        };
        self.set_elsewhere(store);
        store
    }

    /// Marks a load or store volatile.
    pub fn set_volatile(&self, access: Val) {
        // SAFETY: a load or store of this `Ir`, by the callers' contract.
        unsafe { LLVMSetVolatile(access.0, 1) }
    }

    /// Has a store go past the caches.
    pub fn set_nontemporal(&self, store: Val) {
        // SAFETY: the context lives; a store of this `Ir`, by the callers' contract; the metadata is LLVM's documented node.
        unsafe {
            let name = "nontemporal";
            let kind = LLVMGetMDKindIDInContext(self.context, name.as_ptr().cast(), name.len() as u32);
            let mut one = [LLVMValueAsMetadata(LLVMConstInt(self.int(32).0, 1, 0))];
            let node = LLVMMDNodeInContext2(self.context, one.as_mut_ptr(), one.len());
            LLVMSetMetadata(store.0, kind, LLVMMetadataAsValue(self.context, node));
        }
    }

    /// Makes a scalar load or store atomic.
    pub fn set_ordering(&self, access: Val, ordering: Ordering) {
        // SAFETY: a load or store of this `Ir`, by the callers' contract.
        unsafe { LLVMSetOrdering(access.0, ordering) }
    }

    /// A pointer moved by a number of bytes (a constant, or an `i64`; a vector of either gives a vector of pointers).
    pub fn offset(&self, pointer: Val, bytes: Val) -> Val {
        let mut indices = [bytes.0];
        // SAFETY: handles of this `Ir`; one index for a byte-sized element.
        Val(unsafe { LLVMBuildGEP2(self.builder, self.int(8).0, pointer.0, indices.as_mut_ptr(), 1, UNNAMED) })
    }

    /// A pointer moved by a number of elements of a type, or by one for each lane.
    pub fn element_pointer(&self, element: Ty, pointer: Val, index: Val) -> Val {
        let mut indices = [index.0];
        // SAFETY: handles of this `Ir`; one index.
        Val(unsafe { LLVMBuildGEP2(self.builder, element.0, pointer.0, indices.as_mut_ptr(), 1, UNNAMED) })
    }

    /// A pointer moved by a constant number of bytes.
    pub fn offset_by(&self, pointer: Val, bytes: usize) -> Val {
        if bytes == 0 { pointer } else { self.offset(pointer, self.constant(self.int(64), bytes as u64)) }
    }

    /// One element of a vector.
    pub fn extract(&self, vector: Val, index: Val) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildExtractElement(self.builder, vector.0, index.0, UNNAMED) })
    }

    /// One element of a vector, by number.
    pub fn extract_at(&self, vector: Val, index: u32) -> Val {
        self.extract(vector, self.constant(self.int(32), u64::from(index)))
    }

    /// A vector with one element replaced.
    pub fn insert(&self, vector: Val, element: Val, index: Val) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildInsertElement(self.builder, vector.0, element.0, index.0, UNNAMED) })
    }

    /// Elements of `a` and `b` (numbered through), in a fixed order.
    pub fn shuffle(&self, a: Val, b: Val, order: &[u32]) -> Val {
        let i32_ty = self.int(32);
        let order: Vec<Val> = order.iter().map(|index| self.constant(i32_ty, u64::from(*index))).collect();
        let order = self.constant_vector(&order);
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildShuffleVector(self.builder, a.0, b.0, order.0, UNNAMED) })
    }

    /// A vector with the same value in each element.
    pub fn splat(&self, scalar: Val, count: u32) -> Val {
        let ty = self.vector(self.type_of(scalar), count);
        let first = self.insert(self.poison(ty), scalar, self.constant(self.int(32), 0));
        self.shuffle(first, self.poison(ty), &vec![0; count as usize])
    }

    /// A field of a struct value.
    pub fn extract_field(&self, aggregate: Val, index: u32) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildExtractValue(self.builder, aggregate.0, index, UNNAMED) })
    }

    /// A struct value with one field replaced.
    pub fn insert_field(&self, aggregate: Val, value: Val, index: u32) -> Val {
        // SAFETY: handles of this `Ir`.
        Val(unsafe { LLVMBuildInsertValue(self.builder, aggregate.0, value.0, index, UNNAMED) })
    }

    /// A phi with its incoming values.
    pub fn phi(&self, ty: Ty, incoming: &[(Val, Bb)]) -> Val {
        // SAFETY: a handle of this `Ir`.
        let phi = Val(unsafe { LLVMBuildPhi(self.builder, ty.0, UNNAMED) });
        self.add_incoming(phi, incoming);
        phi
    }

    /// Adds incoming values to a phi.
    pub fn add_incoming(&self, phi: Val, incoming: &[(Val, Bb)]) {
        let mut values: Vec<LLVMValueRef> = incoming.iter().map(|(value, _)| value.0).collect();
        let mut blocks: Vec<LLVMBasicBlockRef> = incoming.iter().map(|(_, block)| block.0).collect();
        // SAFETY: handles of this `Ir`; both arrays have the given length.
        unsafe { LLVMAddIncoming(phi.0, values.as_mut_ptr(), blocks.as_mut_ptr(), values.len() as u32) }
    }

    /// A jump.
    pub fn br(&self, to: Bb) {
        // SAFETY: handles of this `Ir`.
        unsafe { LLVMBuildBr(self.builder, to.0) };
    }

    /// A branch.
    pub fn cond_br(&self, condition: Val, then: Bb, otherwise: Bb) {
        // SAFETY: handles of this `Ir`.
        unsafe { LLVMBuildCondBr(self.builder, condition.0, then.0, otherwise.0) };
    }

    /// A branch whose first target is almost never taken.
    pub fn unlikely_br(&self, condition: Val, then: Bb, otherwise: Bb) {
        // SAFETY: handles of this `Ir`; the metadata is LLVM's documented `branch_weights` node.
        unsafe {
            let branch = LLVMBuildCondBr(self.builder, condition.0, then.0, otherwise.0);
            let text = "branch_weights";
            let name = LLVMMDStringInContext2(self.context, text.as_ptr().cast(), text.len());
            let weight = |value: u64| LLVMValueAsMetadata(LLVMConstInt(self.int(32).0, value, 0));
            let mut nodes = [name, weight(1), weight(1 << 20)];
            let node = LLVMMDNodeInContext2(self.context, nodes.as_mut_ptr(), nodes.len());
            let kind = LLVMGetMDKindIDInContext(self.context, c"prof".as_ptr(), 4);
            LLVMSetMetadata(branch, kind, LLVMMetadataAsValue(self.context, node));
        }
    }

    /// A jump by number.
    pub fn switch(&self, value: Val, default: Bb, cases: &[(u64, Bb)]) {
        let ty = self.type_of(value);
        // SAFETY: handles of this `Ir`; case values are constants of the value's type.
        unsafe {
            let switch = LLVMBuildSwitch(self.builder, value.0, default.0, cases.len() as u32);
            for (number, target) in cases {
                LLVMAddCase(switch, self.constant(ty, *number).0, target.0);
            }
        }
    }

    /// Returns a value.
    pub fn ret(&self, value: Val) {
        // SAFETY: handles of this `Ir`.
        unsafe { LLVMBuildRet(self.builder, value.0) };
    }

    /// Returns nothing.
    pub fn ret_void(&self) {
        // SAFETY: a handle of this `Ir`.
        unsafe { LLVMBuildRetVoid(self.builder) };
    }

    /// Calls a function.
    pub fn call(&self, function: Fun, arguments: &[Val]) -> Val {
        self.call_pointer(function.value, function.ty, arguments)
    }

    /// Calls a function that has [`Ir::pass_in_registers`].
    pub fn call_in_registers(&self, function: Fun, arguments: &[Val]) -> Val {
        let call = self.call(function, arguments);
        // SAFETY: the value is a call of this `Ir`.
        unsafe { LLVMSetInstructionCallConv(call.0, IN_REGISTERS) };
        call
    }

    /// Calls through a pointer.
    pub fn call_pointer(&self, target: Val, ty: Ty, arguments: &[Val]) -> Val {
        let mut arguments: Vec<LLVMValueRef> = arguments.iter().map(|value| value.0).collect();
        // SAFETY: handles of this `Ir`; the array has the given length; types match by the callers' contract.
        Val(unsafe {
            LLVMBuildCall2(self.builder, ty.0, target.0, arguments.as_mut_ptr(), arguments.len() as u32, UNNAMED)
        })
    }

    /// Calls one of LLVM's intrinsics, overloaded on `types`.
    pub fn intrinsic(&self, name: &str, types: &[Ty], arguments: &[Val]) -> Val {
        let mut types: Vec<LLVMTypeRef> = types.iter().map(|ty| ty.0).collect();
        // SAFETY: handles of this `Ir`; the name is given with its length; an unknown one gives id 0, which is asserted against.
        let function = unsafe {
            let id = LLVMLookupIntrinsicID(name.as_ptr().cast(), name.len());
            assert!(id != 0, "{name} is not an intrinsic of this LLVM");
            let value = LLVMGetIntrinsicDeclaration(self.module, id, types.as_mut_ptr(), types.len());
            Fun { value: Val(value), ty: Ty(LLVMGlobalGetValueType(value)) }
        };
        let call = self.call(function, arguments);
        if name.starts_with("llvm.masked.") {
            self.set_elsewhere(call);
        }
        call
    }

    /// An atomic read-modify-write; the result is the old value.
    pub fn atomic_rmw(&self, op: Rmw, pointer: Val, operand: Val, ordering: Ordering) -> Val {
        let op = match op {
            Rmw::Xchg => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpXchg,
            Rmw::Add => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpAdd,
            Rmw::And => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpAnd,
            Rmw::Or => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpOr,
            Rmw::Xor => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpXor,
            Rmw::Max => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpMax,
            Rmw::Min => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpMin,
            Rmw::UMax => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpUMax,
            Rmw::UMin => LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpUMin,
        };
        // SAFETY: handles of this `Ir`.
        let access = Val(unsafe { LLVMBuildAtomicRMW(self.builder, op, pointer.0, operand.0, ordering, 0) });
        self.set_elsewhere(access);
        access
    }

    /// An atomic compare-and-exchange; the result is the pair (old value, whether it was exchanged).
    pub fn compare_exchange(&self, pointer: Val, compare: Val, new: Val) -> Val {
        let ordering = LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent;
        // SAFETY: handles of this `Ir`.
        let access =
            Val(unsafe { LLVMBuildAtomicCmpXchg(self.builder, pointer.0, compare.0, new.0, ordering, ordering, 0) });
        self.set_elsewhere(access);
        access
    }

    /// A memory fence.
    pub fn fence(&self, ordering: Ordering) {
        // SAFETY: the builder is positioned.
        unsafe { LLVMBuildFence(self.builder, ordering, 0, UNNAMED) };
    }

    /// Keeps the compiler, not the machine, from reordering memory accesses.
    pub fn compiler_fence(&self) {
        let ordering = LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent;
        // SAFETY: the builder is positioned.
        unsafe { LLVMBuildFence(self.builder, ordering, 1, UNNAMED) };
    }
}
