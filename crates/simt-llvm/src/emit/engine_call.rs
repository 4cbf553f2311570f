//! Textures, surfaces and tensors: calls of the engine, which does them lane by lane.

use simt_ir::{Type, Value};

use super::{FunctionEmitter, LANES};
use crate::llvm::{Cast, IntPredicate, Val};

/// Bytes of an operand or result of all lanes, as the engine takes it.
const WORDS_BYTES: usize = 8 * LANES as usize;

impl FunctionEmitter<'_> {
    /// Calls the engine's function at this place in its table with an operation, as a number, and what it works on.
    pub fn engine_call(&mut self, function: usize, operation: u64, operands: &[Value], results: &[Value]) {
        let ir = self.ir;
        let words = ir.vector(ir.int(64), LANES);
        let bits: Vec<Val> = operands.iter().map(|operand| self.lane_words(*operand)).collect();
        let place = |this: &Self, count: usize| this.slot(ir.vector(ir.int(64), LANES * count.max(1) as u32));
        let (given, found) = (place(self, operands.len()), place(self, results.len()));
        for (index, vector) in bits.into_iter().enumerate() {
            ir.store(vector, ir.offset_by(given, index * WORDS_BYTES), 8);
        }
        // What lanes that take no part find is not left to chance.
        for index in 0..results.len() {
            ir.store(ir.zero(words), ir.offset_by(found, index * WORDS_BYTES), 8);
        }
        // Surfaces and tensors are memory that other accesses see.
        self.compiler_fence();
        let lanes = self.mask_bits(self.mask);
        let arguments = [self.launch, self.warp, lanes, self.i32(self.line), self.i64(operation), given, found];
        let failed = self.call_runtime(function, ir.int(32), &arguments);
        let failed = ir.icmp(IntPredicate::LLVMIntNE, failed, self.i32(0));
        self.leave_by_fault(failed);
        self.compiler_fence();
        for (index, result) in results.iter().enumerate() {
            let bits = ir.load_aligned(words, ir.offset_by(found, index * WORDS_BYTES), 8);
            let width = self.function.ty(*result).bits();
            let narrow = |bits| ir.cast(Cast::Trunc, bits, ir.vector(ir.int(width), LANES));
            self.define_vector(*result, if width == 64 { bits } else { narrow(bits) });
        }
    }

    /// The bits of a value in all lanes, zero-extended to 64.
    fn lane_words(&mut self, value: Value) -> Val {
        let (ir, ty) = (self.ir, self.function.ty(value));
        let vector = self.vector(value);
        let bits = match ty {
            Type::F32 | Type::F64 => ir.cast(Cast::BitCast, vector, ir.vector(ir.int(ty.bits()), LANES)),
            _ => vector,
        };
        if ty.bits() == 64 { bits } else { ir.cast(Cast::ZExt, bits, ir.vector(ir.int(64), LANES)) }
    }
}
