//! Common subexpressions: of pure operations with the same operands in the same loop the one that dominates the others stands for all.
//!
//! Beyond the loop a value is made again: to carry it there costs a phi, in which each lane keeps what it left the loop with.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::analysis::{Dominators, Layout};
use crate::{BlockId, Function, Op, Value};

/// Replaces uses of an operation's result by that of an equal one that dominates it. What is left without uses is
/// [dead code](super::remove_dead_code).
pub fn share_values(function: &mut Function) {
    let dominators = Dominators::new(function);
    let around = Layout::new(function).innermost;
    let mut replaced: Vec<Value> = (0..function.value_types.len() as u32).map(Value).collect();
    let mut known: HashMap<Op, (BlockId, Value)> = HashMap::new();
    for &id in dominators.reverse_post_order() {
        for instruction in &mut function.block_mut(id).instructions {
            instruction.op.for_each_operand_mut(|operand| *operand = replaced[operand.0 as usize]);
            let (true, &[result]) = (instruction.op.is_pure(), &instruction.results[..]) else { continue };
            match known.entry(instruction.op.clone()) {
                Entry::Occupied(mut entry) => {
                    let (block, value) = *entry.get();
                    let in_one_loop = around[block.0 as usize] == around[id.0 as usize];
                    if in_one_loop && dominators.dominates(block, id) {
                        replaced[result.0 as usize] = value;
                    } else {
                        entry.insert((id, result));
                    }
                }
                Entry::Vacant(entry) => {
                    entry.insert((id, result));
                }
            }
        }
    }
    for block in &mut function.blocks {
        let incoming = block.phis.iter_mut().flat_map(|phi| &mut phi.incoming);
        incoming.for_each(|(_, value)| *value = replaced[value.0 as usize]);
        block.terminator.for_each_operand_mut(|value| *value = replaced[value.0 as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FunctionBuilder, FunctionKind, IntCondition, Terminator, Type};

    #[test]
    fn an_equal_operation_that_dominates_stands_for_the_others() {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let first = builder.push1(Op::LoadParam { ty: Type::I32, offset: 0 });
        let again = builder.push1(Op::LoadParam { ty: Type::I32, offset: 0 });
        let condition = builder.int_compare(IntCondition::Eq, again, first);
        let same = builder.int_compare(IntCondition::Eq, first, again);
        let (then, otherwise) = (builder.create_block(), builder.create_block());
        builder.terminate(Terminator::CondBranch { condition: same, then, otherwise });
        for block in [then, otherwise] {
            builder.switch_to(block);
            // Neither block dominates the other.
            builder.constant(Type::I32, 7);
            builder.terminate(Terminator::Exit);
        }
        let mut function = builder.finish();
        share_values(&mut function);
        let entry = function.block(Function::ENTRY);
        assert_eq!(entry.instructions[2].op.operands(), [first, first]);
        assert_eq!(entry.terminator, Terminator::CondBranch { condition, then, otherwise });
    }
}
