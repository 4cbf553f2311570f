//! Addresses of array elements where they are used.
//!
//! An address takes twice as many registers as the index that it is made of, and the processor makes it on the way to memory. So each block
//! that accesses memory at such an address computes it, and what is kept from block to block is the index.

use std::collections::HashMap;

use super::remove_dead_code;
use crate::analysis::{Indexed, indexed};
use crate::{AddressSpace, Block, BlockId, Function, Instruction, Op, Value};

/// Computes the addresses of elements in global memory in each block that accesses them.
pub fn place_addresses(function: &mut Function) {
    let makers = Makers::new(function);
    let mut changed = false;
    for id in function.block_ids() {
        let is_foreign =
            |address: &Value| makers.indexed(*address).filter(|found| makers.is_foreign(id, *address, found));
        let accessed =
            function.block(id).instructions.iter().filter_map(|instruction| element_address(&instruction.op));
        let wanted: Vec<(Value, Indexed)> =
            accessed.filter_map(|address| Some((address, is_foreign(&address)?))).collect();
        if !wanted.is_empty() {
            changed = true;
            let instructions = std::mem::take(&mut function.block_mut(id).instructions);
            let placed = place(function, &makers, instructions, &wanted);
            function.block_mut(id).instructions = placed;
        }
    }
    if changed {
        remove_dead_code(function);
    }
}

/// Where an operation accesses the memory whose elements indices reach.
fn element_address(op: &Op) -> Option<Value> {
    let is_global =
        |space: &AddressSpace| matches!(space, AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const);
    match op {
        Op::Load { space, address, .. } | Op::Store { space, address, .. } | Op::Atomic { space, address, .. } => {
            is_global(space).then_some(*address)
        }
        _ => None,
    }
}

/// The instructions of a block with copies of what makes the addresses before the first access to each.
fn place(
    function: &mut Function,
    makers: &Makers,
    instructions: Vec<Instruction>,
    wanted: &[(Value, Indexed)],
) -> Vec<Instruction> {
    let mut placed = Vec::with_capacity(instructions.len() + 3 * wanted.len());
    let mut copies: HashMap<Value, Value> = HashMap::new();
    for mut instruction in instructions {
        let address = element_address(&instruction.op);
        if let Some((address, found)) = wanted.iter().find(|(known, _)| Some(*known) == address) {
            for value in found.steps.into_iter().chain([*address]) {
                if copies.contains_key(&value) {
                    continue;
                }
                let mut copy = makers.makers[&value].1.clone();
                copy.op.for_each_operand_mut(|operand| *operand = *copies.get(operand).unwrap_or(operand));
                copy.results = vec![function.new_value(function.ty(value))];
                copies.insert(value, copy.results[0]);
                placed.push(copy);
            }
            let copied = copies[address];
            match &mut instruction.op {
                Op::Load { address, .. } | Op::Store { address, .. } | Op::Atomic { address, .. } => *address = copied,
                _ => unreachable!("only these access memory"),
            }
        }
        placed.push(instruction);
    }
    placed
}

/// Which instruction of which block makes a value.
struct Makers {
    makers: HashMap<Value, (BlockId, Instruction)>,
}

impl Makers {
    fn new(function: &Function) -> Self {
        let of_block = |id: BlockId| {
            let Block { instructions, .. } = function.block(id);
            let pure = instructions.iter().filter(|instruction| instruction.op.is_pure());
            pure.filter_map(move |instruction| Some((*instruction.results.first()?, (id, instruction.clone()))))
        };
        Self { makers: function.block_ids().flat_map(of_block).collect() }
    }

    fn indexed(&self, address: Value) -> Option<Indexed> {
        indexed(&|value| self.makers.get(&value).map(|(_, instruction)| &instruction.op), address)
    }

    /// Whether another block computes the address, or a part of it.
    fn is_foreign(&self, block: BlockId, address: Value, found: &Indexed) -> bool {
        found.steps.iter().chain([&address]).any(|value| self.makers[value].0 != block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BinaryOp, FunctionBuilder, FunctionKind, MemoryOrder, Terminator, Type};

    #[test]
    fn an_address_is_computed_in_each_block_that_uses_it() {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let base = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
        let index = builder.push1(Op::LoadParam { ty: Type::I32, offset: 8 });
        let extended = builder.push1(Op::Extend { signed: true, from: Type::I32, to: Type::I64, a: index });
        let address = builder.push1(Op::Binary { op: BinaryOp::Add, ty: Type::I64, a: base, b: extended });
        let load = |builder: &mut FunctionBuilder, offset| {
            let (space, ty, order) = (AddressSpace::Global, Type::I8, MemoryOrder::Volatile);
            builder.push1(Op::Load { space, ty, count: 1, order, address, offset, guard: None });
        };
        load(&mut builder, 0);
        let next = builder.create_block();
        builder.terminate(Terminator::Branch(next));
        builder.switch_to(next);
        load(&mut builder, 1);
        load(&mut builder, 2);
        builder.terminate(Terminator::Exit);
        let mut function = builder.finish();
        place_addresses(&mut function);
        let addresses = |id: BlockId| -> Vec<Value> {
            function.block(id).instructions.iter().filter_map(|instruction| element_address(&instruction.op)).collect()
        };
        assert_eq!(addresses(Function::ENTRY), [address]);
        let block = function.block(next);
        assert_eq!(block.instructions.len(), 4);
        assert_eq!(addresses(next), [block.instructions[1].results[0]; 2]);
        assert_eq!(block.instructions[0].op.operands(), [index]);
    }
}
