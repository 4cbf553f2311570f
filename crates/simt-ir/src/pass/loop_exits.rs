//! Loop-closed form: a value made in a loop leaves it through a phi at the loop's exit.
//!
//! Lanes leave a loop at different times. With this form only phis have to keep the lanes that left apart from those that go on.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::analysis::{Layout, LoopId, liveness_uses};
use crate::{Block, BlockId, Function, Phi, Terminator, Value};

/// Gives every value that is used outside the natural loop it is defined in a phi on each edge out of that loop.
pub fn close_loops(function: &mut Function) {
    // A phi that closes one loop may lie in the loop around it, or in one that comes later, and has to be closed there in turn: by the order
    // of their ends, inner ones first. New blocks change the numbers of loops, not their headers.
    let mut loops = Layout::new(function).loops;
    loops.sort_by_key(|info| (info.last, Reverse(info.first)));
    let headers: Vec<BlockId> =
        loops.iter().filter(|info| !info.is_irreducible()).map(|info| info.entries[0]).collect();
    for header in headers {
        let layout = Layout::new(function);
        let index = layout.loops.iter().position(|info| info.entries == [header]);
        if let Some(index) = index {
            close_loop(function, &layout, LoopId(index as u32));
        }
    }
}

fn close_loop(function: &mut Function, layout: &Layout, id: LoopId) {
    let inside: Vec<bool> = function.block_ids().map(|block| layout.contains(id, block)).collect();
    let escaping = escaping_values(function, &inside);
    if escaping.is_empty() {
        return;
    }
    let exits = split_exit_edges(function, &inside);
    let mut closer = Closer { predecessors: function.predecessors(), function, inside, exits, current: HashMap::new() };
    for value in escaping {
        closer.current.clear();
        closer.close(value);
    }
}

/// Values defined inside that are used outside, in order.
fn escaping_values(function: &Function, inside: &[bool]) -> Vec<Value> {
    let mut defined = vec![false; function.value_types.len()];
    for id in function.block_ids().filter(|id| inside[id.0 as usize]) {
        let block = function.block(id);
        block.phis.iter().for_each(|phi| defined[phi.result.0 as usize] = true);
        block.instructions.iter().flat_map(|i| &i.results).for_each(|result| defined[result.0 as usize] = true);
    }
    let mut escaping: Vec<Value> = Vec::new();
    let mut note = |value: Value| {
        if std::mem::take(&mut defined[value.0 as usize]) {
            escaping.push(value);
        }
    };
    for id in function.block_ids() {
        let block = function.block(id);
        if !inside[id.0 as usize] {
            // Edges out of the loop get blocks of their own, so that what a phi takes along one is used outside as well.
            block.phis.iter().flat_map(|phi| &phi.incoming).for_each(|(_, value)| note(*value));
            block.instructions.iter().for_each(|instruction| instruction.op.for_each_operand(&mut note));
            liveness_uses(&block.terminator, &mut note);
        }
    }
    escaping
}

/// Puts a block of its own on every edge out of the loop; returns those blocks.
fn split_exit_edges(function: &mut Function, inside: &[bool]) -> Vec<BlockId> {
    let mut exits = Vec::new();
    for from in function.block_ids().filter(|id| inside[id.0 as usize]) {
        for to in function.block(from).terminator.successors() {
            if inside[to.0 as usize] {
                continue;
            }
            let exit = BlockId(function.blocks.len() as u32);
            function.blocks.push(Block {
                phis: Vec::new(),
                instructions: Vec::new(),
                terminator: Terminator::Branch(to),
                terminator_line: function.block(from).terminator_line,
            });
            retarget(&mut function.block_mut(from).terminator, to, exit);
            for phi in &mut function.block_mut(to).phis {
                phi.incoming.iter_mut().filter(|(block, _)| *block == from).for_each(|(block, _)| *block = exit);
            }
            exits.push(exit);
        }
    }
    exits
}

/// Replaces one successor by another.
fn retarget(terminator: &mut Terminator, old: BlockId, new: BlockId) {
    let change = |block: &mut BlockId| {
        if *block == old {
            *block = new;
        }
    };
    match terminator {
        Terminator::Branch(to) => change(to),
        Terminator::CondBranch { then, otherwise, .. } => {
            change(then);
            change(otherwise);
        }
        Terminator::Switch { targets, .. } => targets.iter_mut().for_each(change),
        Terminator::Return(_) | Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
    }
}

struct Closer<'a> {
    function: &'a mut Function,
    predecessors: Vec<Vec<BlockId>>,
    /// By block index; exit blocks, which are newer, are not inside.
    inside: Vec<bool>,
    exits: Vec<BlockId>,
    /// What stands for the value at the end of a block outside the loop.
    current: HashMap<BlockId, Value>,
}

impl Closer<'_> {
    fn is_inside(&self, block: BlockId) -> bool {
        self.inside.get(block.0 as usize).copied().unwrap_or(false)
    }

    fn close(&mut self, value: Value) {
        for id in self.function.block_ids().collect::<Vec<_>>() {
            for index in 0..self.function.block(id).phis.len() {
                for entry in 0..self.function.block(id).phis[index].incoming.len() {
                    let (from, used) = self.function.block(id).phis[index].incoming[entry];
                    if used == value && !self.is_inside(from) {
                        let replacement = self.at_end(from, value);
                        self.function.block_mut(id).phis[index].incoming[entry].1 = replacement;
                    }
                }
            }
            if self.is_inside(id) || self.exits.contains(&id) || !self.uses(id, value) {
                continue;
            }
            let replacement = self.at_end(id, value);
            let block = self.function.block_mut(id);
            let replace = |operand: &mut Value| {
                if *operand == value {
                    *operand = replacement;
                }
            };
            block.instructions.iter_mut().for_each(|instruction| instruction.op.for_each_operand_mut(replace));
            match &mut block.terminator {
                Terminator::CondBranch { condition, .. } => replace(condition),
                Terminator::Switch { index, .. } => replace(index),
                Terminator::Return(values) => values.iter_mut().for_each(replace),
                _ => {}
            }
        }
    }

    fn uses(&self, id: BlockId, value: Value) -> bool {
        let block = self.function.block(id);
        let mut found = false;
        block.instructions.iter().for_each(|i| i.op.for_each_operand(|operand| found |= operand == value));
        liveness_uses(&block.terminator, |operand| found |= operand == value);
        found
    }

    /// The value that stands for `value` in a block outside the loop (Braun et al., *Simple and Efficient Construction of SSA Form*).
    fn at_end(&mut self, block: BlockId, value: Value) -> Value {
        if let Some(known) = self.current.get(&block) {
            return *known;
        }
        let predecessors = self.predecessors[block.0 as usize].clone();
        if self.exits.contains(&block) {
            let result = self.new_phi(block, value);
            self.function.block_mut(block).phis.last_mut().expect("just added").incoming =
                vec![(predecessors[0], value)];
            return result;
        }
        if let [only] = predecessors[..] {
            let result = self.at_end(only, value);
            self.current.insert(block, result);
            return result;
        }
        let result = self.new_phi(block, value);
        let incoming: Vec<(BlockId, Value)> =
            predecessors.iter().map(|from| (*from, self.at_end(*from, value))).collect();
        let phi = self.function.block_mut(block).phis.iter_mut().find(|phi| phi.result == result);
        phi.expect("phis are not removed here").incoming = incoming;
        result
    }

    fn new_phi(&mut self, block: BlockId, like: Value) -> Value {
        let ty = self.function.ty(like);
        let result = self.function.new_value(ty);
        self.function.block_mut(block).phis.push(Phi { result, incoming: Vec::new() });
        self.current.insert(block, result);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FunctionBuilder, FunctionKind, IntCondition, Op, Type};

    /// A loop of one block that counts to `bound`, entered from the current block; returns what it counts with, and its block.
    fn counting_loop(builder: &mut FunctionBuilder, bound: Value, step: Value) -> (Value, BlockId) {
        let before = builder.current_block();
        let start = builder.constant(Type::I32, 0);
        let (body, exit) = (builder.create_block(), builder.create_block());
        builder.terminate(Terminator::Branch(body));
        builder.switch_to(body);
        let counter = builder.push_phi(body, Type::I32);
        let next = builder.binary(crate::BinaryOp::Add, counter, step);
        let condition = builder.int_compare(IntCondition::LtUnsigned, next, bound);
        builder.terminate(Terminator::CondBranch { condition, then: body, otherwise: exit });
        builder.function_mut().block_mut(body).phis[0].incoming = vec![(before, start), (body, next)];
        builder.switch_to(exit);
        (next, body)
    }

    #[test]
    fn a_value_of_one_loop_used_in_and_behind_the_next_is_closed_in_both() {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let bound = builder.push1(Op::LoadParam { ty: Type::I32, offset: 0 });
        let one = builder.constant(Type::I32, 1);
        let (first, _) = counting_loop(&mut builder, bound, one);
        counting_loop(&mut builder, bound, first);
        counting_loop(&mut builder, bound, first);
        builder.terminate(Terminator::Exit);
        let mut function = builder.finish();
        close_loops(&mut function);
        let layout = Layout::new(&function);
        assert_eq!(layout.loops.len(), 3);
        for index in 0..layout.loops.len() as u32 {
            let inside: Vec<bool> = function.block_ids().map(|block| layout.contains(LoopId(index), block)).collect();
            let exits: Vec<BlockId> = function.block_ids().filter(|id| !inside[id.0 as usize]).collect();
            let escaping = escaping_values(&function, &inside);
            // Only phis of the loop's own exits may take what is made in it.
            for id in exits {
                let block = function.block(id);
                let mut uses: Vec<Value> = block.instructions.iter().flat_map(|i| i.op.operands()).collect();
                liveness_uses(&block.terminator, |value| uses.push(value));
                let far = block.phis.iter().flat_map(|phi| &phi.incoming).filter(|(from, _)| !inside[from.0 as usize]);
                uses.extend(far.map(|(_, value)| *value));
                assert!(uses.iter().all(|value| !escaping.contains(value)), "{function:?}");
            }
        }
    }
}
