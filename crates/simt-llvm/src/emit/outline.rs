//! Accesses in functions of their own: a kernel with hundreds of them would otherwise take LLVM minutes.

use simt_ir::abi::AccessKind;

use super::FunctionEmitter;
use super::memory::Access;
use crate::llvm::{Fun, IntPredicate, Ty, Val};

/// Loads and stores of a program from which on those with addresses of their own in each lane are called instead of inlined.
pub(super) const OUTLINE_FROM: usize = 320;

impl FunctionEmitter<'_> {
    /// Checks and gathers, or scatters `values`; leaves by the fault block if the access faults.
    pub fn call_outlined(&mut self, access: Access, addresses: Val, values: &[Val]) -> Vec<Val> {
        let helper = self.outlined(access);
        let line = self.i32(self.line);
        let mut arguments = vec![self.launch, self.warp, self.mask_bits(self.mask), addresses, line];
        arguments.extend_from_slice(values);
        let returned = self.ir.call(helper, &arguments);
        let status = self.ir.extract_field(returned, 0);
        let faulted = self.ir.icmp(IntPredicate::LLVMIntNE, status, self.i32(0));
        self.leave_by_fault(faulted);
        let count = if access.kind == AccessKind::Load { access.count } else { 0 };
        (0..count).map(|index| self.ir.extract_field(returned, index + 1)).collect()
    }

    /// The function for a kind of access: `(launch, warp, lanes, addresses, line, values…) -> {status, values…}`.
    fn outlined(&mut self, access: Access) -> Fun {
        let whole = if access.is_whole() { "_whole" } else { "" };
        let name = format!("access_{:?}_{:?}_{}x{}{whole}", access.kind, access.space, access.ty, access.count);
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let ir = self.ir;
        let (word, vector) = (ir.int(32), self.vector_type(access.ty));
        let row: Vec<Ty> = vec![vector; access.count as usize];
        let is_load = access.kind == AccessKind::Load;
        let mut parameters = vec![ir.ptr(), ir.ptr(), self.mask_int(), ir.vector(ir.int(64), self.lanes()), word];
        let mut fields = vec![word];
        if is_load {
            fields.extend(&row)
        } else {
            parameters.extend(&row)
        }
        let result = ir.structure(&fields);
        let fun = ir.add_function(&name, ir.function_type(result, &parameters), true);
        super::kernel::describe(ir, fun);
        ir.add_attribute(fun, u32::MAX, "noinline");

        // The methods that check and access work on whatever function the emitter stands in.
        let here = ir.current_block();
        let outer = (self.fun, self.launch, self.warp, self.mask, self.fault);
        let outer_slots = (self.slots, self.entrance, self.rounds.take());
        self.fun = fun;
        self.slots = ir.append_block(fun, "slots");
        self.entrance = self.slots;
        let (entry, fault) = (ir.append_block(fun, "entry"), ir.append_block(fun, "fault"));
        ir.position(entry);
        (self.launch, self.warp, self.fault) = (ir.parameter(fun, 0), ir.parameter(fun, 1), fault);
        self.mask = self.mask_from_bits(ir.parameter(fun, 2));
        self.line_value = Some(ir.parameter(fun, 4));
        let addresses = ir.parameter(fun, 3);
        self.check_addresses(access, addresses);
        let mut returned = ir.insert_field(ir.poison(result), self.i32(0), 0);
        if is_load {
            for (index, value) in self.gather(access, addresses).into_iter().enumerate() {
                returned = ir.insert_field(returned, value, index as u32 + 1);
            }
        } else {
            let values: Vec<Val> = (0..access.count).map(|index| ir.parameter(fun, 5 + index)).collect();
            self.scatter(access, addresses, &values);
        }
        ir.ret(returned);
        ir.position(fault);
        ir.ret(ir.insert_field(ir.zero(result), self.i32(1), 0));
        ir.position(self.slots);
        ir.br(entry);
        (self.fun, self.launch, self.warp, self.mask, self.fault) = outer;
        (self.slots, self.entrance, self.rounds) = outer_slots;
        self.line_value = None;
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }
}
