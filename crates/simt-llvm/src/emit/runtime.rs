//! Reaching the launch and warp contexts, and calling the engine's functions.

use std::mem::offset_of;

use simt_ir::abi::{LaunchContext, RuntimeTable, WarpContext};
use simt_ir::{DeviceCall, RuntimeFunction, Value};

use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Cast, IntPredicate, Ty, Val};

/// Fault kinds of [`RuntimeTable::fault`].
pub(super) const FAULT_TRAP: u32 = 0;
pub(super) const FAULT_BAD_FUNCTION: u32 = 1;
pub(super) const FAULT_STACK: u32 = 2;

impl FunctionEmitter<'_> {
    /// Pointer to a field of the warp's context.
    pub fn warp_field(&self, offset: usize) -> Val {
        self.ir.offset_by(self.warp, offset)
    }

    /// An `i32` field of the warp's context.
    pub fn load_warp(&self, offset: usize) -> Val {
        self.ir.load(self.ir.int(32), self.warp_field(offset))
    }

    pub fn store_warp(&self, offset: usize, value: Val) {
        self.ir.store(value, self.warp_field(offset), 0);
    }

    /// A pointer field of the warp's context, which the engine does not change while the code runs.
    pub fn warp_pointer(&self, offset: usize) -> Val {
        self.ir.load_invariant(self.ir.ptr(), self.warp_field(offset), 8)
    }

    /// A field of the launch's context.
    pub fn launch_field(&self, ty: Ty, offset: usize, align: u32) -> Val {
        self.ir.load_invariant(ty, self.ir.offset_by(self.launch, offset), align)
    }

    pub fn launch_i32(&self, offset: usize) -> Val {
        self.launch_field(self.ir.int(32), offset, 4)
    }

    pub fn launch_i64(&self, offset: usize) -> Val {
        self.launch_field(self.ir.int(64), offset, 8)
    }

    /// Calls a function of the engine by its place in [`RuntimeTable`].
    pub fn call_runtime(&self, offset: usize, returns: Ty, arguments: &[Val]) -> Val {
        let table = self.launch_field(self.ir.ptr(), offset_of!(LaunchContext, runtime), 8);
        let target = self.ir.load_invariant(self.ir.ptr(), self.ir.offset_by(table, offset), 8);
        let types: Vec<Ty> = arguments.iter().map(|argument| self.ir.type_of(*argument)).collect();
        let ty = self.ir.function_type(returns, &types);
        self.ir.call_pointer(target, ty, arguments)
    }

    /// Records a fault of the active lanes; the caller then leaves for the fault block.
    pub fn runtime_fault(&self, kind: u32) {
        let lanes = self.mask_bits(self.mask);
        let arguments = [self.launch, self.warp, lanes, self.i32(self.line), self.i32(kind)];
        self.call_runtime(offset_of!(RuntimeTable, fault), self.ir.void(), &arguments);
    }

    /// A slot holding 32 words of 64 bits with the lanes of an integer vector, zero-extended.
    pub fn spill_words(&self, vector: Val) -> Val {
        let words = self.ir.vector(self.ir.int(64), self.lanes());
        let slot = self.slot(words);
        self.ir.store(self.ir.cast(Cast::ZExt, vector, words), slot, 0);
        slot
    }

    pub fn runtime_call(
        &mut self,
        function: RuntimeFunction,
        arguments: &[Value],
        results: &[Value],
    ) -> Result<(), Error> {
        let lanes = self.mask_bits(self.mask);
        let words = self.ir.vector(self.ir.int(64), LANES);
        let halves = self.ir.vector(self.ir.int(32), LANES);
        let vectors: Vec<Val> = arguments.iter().map(|argument| self.vector(*argument)).collect();
        match function {
            RuntimeFunction::Vprintf => {
                let (formats, values) = (self.spill_words(vectors[0]), self.spill_words(vectors[1]));
                let result = self.slot(halves);
                self.ir.store(self.ir.zero(halves), result, 0);
                let arguments = [self.launch, self.warp, lanes, formats, values, result];
                self.call_runtime(offset_of!(RuntimeTable, vprintf), self.ir.void(), &arguments);
                self.define_vector(results[0], self.ir.load(halves, result));
            }
            RuntimeFunction::AssertFail => {
                let five = self.ir.vector(self.ir.int(64), LANES * 5);
                let block = self.slot(five);
                for (number, vector) in vectors.iter().enumerate() {
                    let place = self.ir.offset_by(block, number * 8 * LANES as usize);
                    self.ir.store(self.ir.cast(Cast::ZExt, *vector, words), place, 8);
                }
                let arguments = [self.launch, self.warp, lanes, block];
                self.call_runtime(offset_of!(RuntimeTable, assert_fail), self.ir.void(), &arguments);
                self.leave_by_fault(self.ir.constant(self.ir.int(1), 1));
            }
            RuntimeFunction::Malloc => {
                let sizes = self.spill_words(vectors[0]);
                let result = self.slot(words);
                self.ir.store(self.ir.zero(words), result, 0);
                let arguments = [self.launch, self.warp, lanes, sizes, result];
                self.call_runtime(offset_of!(RuntimeTable, malloc), self.ir.void(), &arguments);
                self.define_vector(results[0], self.ir.load(words, result));
            }
            RuntimeFunction::Free => {
                let addresses = self.spill_words(vectors[0]);
                let arguments = [self.launch, self.warp, lanes, addresses];
                self.call_runtime(offset_of!(RuntimeTable, free), self.ir.void(), &arguments);
            }
            RuntimeFunction::Nanosleep => {}
            RuntimeFunction::Device(call) => self.device_call(call, &vectors, results),
        }
        Ok(())
    }

    /// A call that the system answers.
    fn device_call(&mut self, call: DeviceCall, arguments: &[Val], results: &[Value]) {
        let ir = self.ir;
        let words = ir.vector(ir.int(64), LANES);
        let block = self.slot(ir.vector(ir.int(64), LANES * DeviceCall::ARGUMENTS_MAX as u32));
        for (number, vector) in arguments.iter().enumerate() {
            let place = ir.offset_by(block, number * 8 * LANES as usize);
            ir.store(ir.cast(Cast::ZExt, *vector, words), place, 8);
        }
        let result = self.slot(words);
        ir.store(ir.zero(words), result, 0);
        // A kernel that is launched sees what was stored before, and what is answered may be stored through pointers.
        self.compiler_fence();
        let lanes = self.mask_bits(self.mask);
        let arguments = [self.launch, self.warp, lanes, self.i32(self.line), self.i32(call.code()), block, result];
        let failed = self.call_runtime(offset_of!(RuntimeTable, device), ir.int(32), &arguments);
        let failed = ir.icmp(IntPredicate::LLVMIntNE, failed, self.i32(0));
        self.leave_by_fault(failed);
        self.compiler_fence();
        let bits = ir.load(words, result);
        let width = call.result().bits();
        let narrow = ir.cast(Cast::Trunc, bits, ir.vector(ir.int(width), LANES));
        self.define_vector(results[0], if width == 64 { bits } else { narrow });
    }

    /// Goes to the fault block if the condition (an `i1`) holds, on otherwise.
    pub fn leave_by_fault(&mut self, condition: Val) {
        let go_on = self.new_block("go_on");
        self.ir.unlikely_br(condition, self.fault, go_on);
        self.ir.position(go_on);
    }

    /// The lane's shared memory and local memory.
    pub fn shared_base(&self) -> Val {
        self.warp_pointer(offset_of!(WarpContext, shared))
    }

    pub fn local_base(&self) -> Val {
        self.warp_pointer(offset_of!(WarpContext, local))
    }
}
