//! Stores to global memory behind the loads from shared memory that follow them.
//!
//! A processor that has stores under way lets a load wait whose address ends in the same twelve bits, since it may be the same place. A gather
//! from shared memory has many addresses, and waits for a store's cache line to come from memory. The two spaces have no address in common,
//! so that a block of code may load all it needs first.

use crate::{AddressSpace, Function, Instruction, MemoryOrder, Op};

/// Stores that are held back at a time: what they store stays in registers.
const HELD_MAX: usize = 8;

/// Moves weak stores to global memory behind weak loads from shared memory, within blocks.
pub fn sink_stores(function: &mut Function) {
    for block in &mut function.blocks {
        let has = |test: fn(&Op) -> bool| block.instructions.iter().any(|instruction| test(&instruction.op));
        if has(is_global_store) && has(is_shared_load) {
            block.instructions = sunk(std::mem::take(&mut block.instructions));
        }
    }
}

fn sunk(instructions: Vec<Instruction>) -> Vec<Instruction> {
    let mut result = Vec::with_capacity(instructions.len());
    let mut held: Vec<Instruction> = Vec::new();
    for instruction in instructions {
        match &instruction.op {
            op if is_global_store(op) && held.len() < HELD_MAX => held.push(instruction),
            op if op.is_pure() || is_shared_load(op) => result.push(instruction),
            _ => {
                result.append(&mut held);
                result.push(instruction);
            }
        }
    }
    result.append(&mut held);
    result
}

fn is_global_store(op: &Op) -> bool {
    matches!(op, Op::Store { space: AddressSpace::Global, order: MemoryOrder::Weak, .. })
}

fn is_shared_load(op: &Op) -> bool {
    matches!(op, Op::Load { space: AddressSpace::Shared, order: MemoryOrder::Weak, .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FunctionBuilder, FunctionKind, Terminator, Type, Value};

    fn load(builder: &mut FunctionBuilder, space: AddressSpace, address: Value) -> Value {
        let (ty, order) = (Type::I32, MemoryOrder::Weak);
        builder.push1(Op::Load { space, ty, count: 1, order, address, offset: 0, guard: None })
    }

    fn store(builder: &mut FunctionBuilder, space: AddressSpace, order: MemoryOrder, address: Value, value: Value) {
        let values = vec![value];
        builder.push(Op::Store { space, ty: Type::I32, order, address, offset: 0, values, guard: None });
    }

    #[test]
    fn stores_wait_for_shared_loads_and_for_nothing_else() {
        let (global, shared, weak) = (AddressSpace::Global, AddressSpace::Shared, MemoryOrder::Weak);
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let address = builder.constant(Type::I64, 64);
        let first = load(&mut builder, shared, address);
        store(&mut builder, global, weak, address, first);
        let second = load(&mut builder, shared, address);
        store(&mut builder, global, weak, address, second);
        let third = load(&mut builder, global, address);
        store(&mut builder, global, MemoryOrder::Relaxed, address, third);
        let fourth = load(&mut builder, shared, address);
        store(&mut builder, shared, weak, address, fourth);
        builder.terminate(Terminator::Exit);
        let mut function = builder.finish();
        let names = |function: &Function| -> String {
            let of = |op: &Op| match op {
                Op::Load { space: AddressSpace::Shared, .. } => 'l',
                Op::Load { .. } => 'L',
                Op::Store { space: AddressSpace::Shared, .. } => 's',
                Op::Store { .. } => 'S',
                _ => '.',
            };
            function.block(Function::ENTRY).instructions.iter().map(|instruction| of(&instruction.op)).collect()
        };
        assert_eq!(names(&function), ".lSlSLSls");
        sink_stores(&mut function);
        assert_eq!(names(&function), ".llSSLSls");
    }
}
