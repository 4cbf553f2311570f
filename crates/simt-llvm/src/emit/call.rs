//! Calls that were not inlined: recursion and calls through pointers; and the local stack.

use std::mem::offset_of;

use simt_ir::abi::{LaunchContext, WarpContext};
use simt_ir::{FunctionId, Op, Type, Value};

use super::{FunctionEmitter, LANES, Unit};
use crate::Error;
use crate::llvm::{Cast, Fun, IntPredicate, Ty, Val};

/// Local memory charged for a call at least, so that recursion without local variables ends in a fault too.
const CALL_BYTES: u32 = 32;

/// Parameters of a device function before its own: launch, warp, block index (3), warp index, mask, stack base.
pub(super) const HIDDEN_PARAMETERS: u32 = 8;

impl Unit<'_> {
    /// LLVM's type of a device function: status and results as a struct, all values as vectors.
    pub fn device_function_type(&self, parameters: &[Type], returns: &[Type]) -> Ty {
        let ir = self.ir;
        let vector = |ty: &Type| ir.vector(super::scalar_type(ir, *ty), LANES);
        let word = ir.int(32);
        let mut types = vec![ir.ptr(), ir.ptr(), word, word, word, word, word, word];
        types.extend(parameters.iter().map(vector));
        let mut fields = vec![word];
        fields.extend(returns.iter().map(vector));
        ir.function_type(ir.structure(&fields), &types)
    }
}

impl FunctionEmitter<'_> {
    pub fn call(&mut self, op: &Op, results: &[Value]) -> Result<(), Error> {
        self.note_call(op);
        match op {
            Op::Call { function, arguments } => {
                let arguments: Vec<Val> = arguments.iter().map(|argument| self.observed(*argument)).collect();
                let returned = self.call_function(*function, &arguments, self.mask)?;
                for (result, value) in results.iter().zip(returned) {
                    self.define_vector(*result, value);
                }
            }
            Op::CallIndirect { target, arguments, returns } => {
                let types: Vec<Type> = arguments.iter().map(|argument| self.function.ty(*argument)).collect();
                let arguments: Vec<Val> = arguments.iter().map(|argument| self.observed(*argument)).collect();
                let target = self.vector(*target);
                let returned = self.call_pointers(target, &types, &arguments, returns)?;
                for (result, value) in results.iter().zip(returned) {
                    self.define_vector(*result, value);
                }
            }
            other => return Err(self.unsupported(&format!("{other}"))),
        }
        self.drop_exited();
        Ok(())
    }

    /// Lanes that exited in a callee are gone.
    fn drop_exited(&mut self) {
        let exited = self.load_warp(offset_of!(WarpContext, exited));
        let exited = self.mask_from_bits(exited);
        self.mask = self.ir.and(self.mask, self.ir.not(exited));
        self.segment = None;
    }

    fn declared(&self, function: FunctionId) -> Result<Fun, Error> {
        self.unit.functions[function.0 as usize].ok_or_else(|| self.unsupported("a call to a kernel"))
    }

    /// Calls a function for some lanes; its results as vectors.
    fn call_function(&mut self, function: FunctionId, arguments: &[Val], lanes: Val) -> Result<Vec<Val>, Error> {
        let fun = self.declared(function)?;
        let top = self.ir.load(self.ir.int(32), self.stack_top);
        let [x, y, z] = self.block_index;
        let mut all = vec![self.launch, self.warp, x, y, z, self.warp_index, self.mask_bits(lanes), top];
        all.extend_from_slice(arguments);
        let returned = self.ir.call(fun, &all);
        let status = self.ir.extract_field(returned, 0);
        let faulted = self.ir.icmp(IntPredicate::LLVMIntNE, status, self.i32(0));
        self.leave_by_fault(faulted);
        let count = self.unit.program.function(function).returns.len() as u32;
        Ok((0..count).map(|index| self.ir.extract_field(returned, index + 1)).collect())
    }

    /// Calls through pointers: for each distinct target once, with the lanes that have it.
    fn call_pointers(
        &mut self,
        target: Val,
        types: &[Type],
        arguments: &[Val],
        returns: &[Type],
    ) -> Result<Vec<Val>, Error> {
        let ir = self.ir;
        let remaining = self.slot(ir.int(32));
        ir.store(self.mask_bits(self.mask), remaining, 0);
        let slots: Vec<Val> = returns.iter().map(|ty| self.zeroed_slot(self.vector_type(*ty))).collect();
        let (head, body, done) = (self.new_block("targets"), self.new_block("target"), self.new_block("targets_done"));
        ir.br(head);
        ir.position(head);
        let lanes = ir.load(ir.int(32), remaining);
        ir.cond_br(ir.icmp(IntPredicate::LLVMIntNE, lanes, self.i32(0)), body, done);
        ir.position(body);
        let first = ir.intrinsic("llvm.cttz", &[ir.int(32)], &[lanes, ir.constant(ir.int(1), 1)]);
        let address = ir.extract(target, first);
        let same = ir.icmp(IntPredicate::LLVMIntEQ, target, ir.splat(address, LANES));
        let chosen = ir.and(same, self.mask_from_bits(lanes));
        ir.store(ir.and(lanes, ir.not(self.mask_bits(chosen))), remaining, 0);
        let wrong = self.new_block("no_function");
        let candidates: Vec<FunctionId> = self
            .unit
            .program
            .indirect_candidates()
            .filter(|id| {
                let function = self.unit.program.function(*id);
                function.parameters == types && function.returns == returns
            })
            .collect();
        let cases: Vec<_> =
            candidates.iter().map(|id| (self.unit.program.address_of(*id), self.new_block("candidate"))).collect();
        ir.switch(address, wrong, &cases);
        for (id, (_, block)) in candidates.iter().zip(&cases) {
            ir.position(*block);
            let returned = self.call_function(*id, arguments, chosen)?;
            for (slot, value) in slots.iter().zip(returned) {
                let old = ir.load(ir.type_of(value), *slot);
                ir.store(ir.select(chosen, value, old), *slot, 0);
            }
            ir.br(head);
        }
        ir.position(wrong);
        self.runtime_fault(super::runtime::FAULT_BAD_FUNCTION);
        ir.br(self.fault);
        ir.position(done);
        Ok(slots.iter().zip(returns).map(|(slot, ty)| ir.load(self.vector_type(*ty), *slot)).collect())
    }

    /// Takes the function's own local memory from the stack; a device function finds out here that there is none left.
    pub fn enter_frame(&mut self) {
        let ir = self.ir;
        let own = self.function.local_bytes.next_multiple_of(16);
        let device = self.function.kind == simt_ir::FunctionKind::Device;
        let own = if device { own.max(CALL_BYTES) } else { own };
        let top = ir.add(self.stack_base, self.i32(own));
        ir.store(top, self.stack_top, 0);
        if device {
            self.check_stack(top);
        }
    }

    fn check_stack(&mut self, top: Val) {
        let ir = self.ir;
        let limit = self.launch_i32(offset_of!(LaunchContext, local_stride));
        let over = ir.icmp(IntPredicate::LLVMIntUGT, top, limit);
        let (full, go_on) = (self.new_block("stack_full"), self.new_block("go_on"));
        ir.unlikely_br(over, full, go_on);
        ir.position(full);
        self.runtime_fault(super::runtime::FAULT_STACK);
        ir.br(self.fault);
        ir.position(go_on);
    }

    /// `alloca`, `stacksave`, `stackrestore`: one stack pointer for the warp, so that a lane gets what the greediest asks for.
    pub fn stack(&mut self, op: &Op, results: &[Value]) {
        let ir = self.ir;
        let top = ir.load(ir.int(32), self.stack_top);
        match op {
            Op::StackAlloc { size, align } => {
                let vector = self.vector(*size);
                let most = self.reduce_lanes(simt_ir::ReduceOp::MaxUnsigned, vector, self.mask);
                let bound = ir.intrinsic("llvm.umin", &[ir.int(64)], &[most, self.i64(1 << 30)]);
                let align = (*align).max(16);
                let aligned = ir.and(ir.add(top, self.i32(align - 1)), self.i32(!(align - 1)));
                let next = ir.add(aligned, ir.cast(Cast::Trunc, bound, ir.int(32)));
                let next = ir.and(ir.add(next, self.i32(15)), self.i32(!15));
                self.check_stack(next);
                ir.store(next, self.stack_top, 0);
                let offset = ir.cast(Cast::ZExt, aligned, ir.int(64));
                self.define(results[0], super::value::Repr::Uniform(offset));
            }
            Op::StackSave => {
                let offset = ir.cast(Cast::ZExt, top, ir.int(64));
                self.define(results[0], super::value::Repr::Uniform(offset));
            }
            Op::StackRestore { top } => {
                let saved = self.uniform(*top);
                ir.store(ir.cast(Cast::Trunc, saved, ir.int(32)), self.stack_top, 0);
            }
            _ => unreachable!("only stack operations come here"),
        }
    }
}
