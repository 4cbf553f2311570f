//! Copies of blocks, and the phis that are needed where lanes may come with a value or with its copy.

use std::collections::HashMap;

use super::dead_code::remove_unreachable;
use crate::analysis::liveness_uses;
use crate::{Block, BlockId, Function, Instruction, Phi, Value};

/// Blocks that were copied, with the values that they make.
#[derive(Default)]
pub(super) struct Twins {
    /// For each value the block that makes it, the block that makes the copy, and the copy.
    copies: Vec<(Value, BlockId, BlockId, Value)>,
}

impl Twins {
    /// A copy of a block for a place. Its results are new values; what it uses of other blocks are the values of the code that there was.
    pub fn copy_block(&mut self, function: &mut Function, original: &Function, from: BlockId, to: BlockId) -> Block {
        let mut own: HashMap<Value, Value> = HashMap::new();
        let mut renew = |function: &mut Function, value: Value| {
            let copy = function.new_value(original.ty(value));
            self.copies.push((value, from, to, copy));
            own.insert(value, copy);
            copy
        };
        let mut block = original.block(from).clone();
        for phi in &mut block.phis {
            phi.result = renew(function, phi.result);
        }
        for instruction in &mut block.instructions {
            instruction.results.iter_mut().for_each(|result| *result = renew(function, *result));
        }
        let rename = |value: &mut Value| *value = own.get(value).copied().unwrap_or(*value);
        for instruction in &mut block.instructions {
            instruction.op.for_each_operand_mut(rename);
        }
        block.terminator.for_each_operand_mut(rename);
        block
    }
}

/// Where a value is used that the block itself does not make.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Inside(BlockId),
    Incoming(BlockId, usize, usize),
}

/// Makes each use of a value that has a copy use what reaches it. Afterwards nothing is unreachable but empty blocks.
pub(super) fn repair(function: &mut Function, twins: &Twins) {
    remove_unreachable(function);
    let uses = uses(function);
    let mut reaching =
        Reaching { predecessors: function.predecessors(), function, known: HashMap::new(), made: Vec::new() };
    for &(value, home, copy_home, copy) in &twins.copies {
        let Some(places) = uses.get(&value) else { continue };
        reaching.known = HashMap::from([(home, value), (copy_home, copy)]);
        for &place in places {
            match place {
                Use::Inside(block) if block == home => {}
                Use::Inside(block) => {
                    let new = reaching.at_start(block, value);
                    replace_inside(reaching.function.block_mut(block), value, new);
                }
                Use::Incoming(block, phi, entry) => {
                    let from = reaching.function.block(block).phis[phi].incoming[entry].0;
                    let new = reaching.at_end(from, value);
                    reaching.function.block_mut(block).phis[phi].incoming[entry].1 = new;
                }
            }
        }
    }
    let made = std::mem::take(&mut reaching.made);
    remove_needless(function, made);
}

fn uses(function: &Function) -> HashMap<Value, Vec<Use>> {
    let mut uses: HashMap<Value, Vec<Use>> = HashMap::new();
    for id in function.block_ids() {
        let block = function.block(id);
        let mut note = |value: Value, place: Use| {
            let places = uses.entry(value).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
        };
        for (index, phi) in block.phis.iter().enumerate() {
            for (entry, (_, value)) in phi.incoming.iter().enumerate() {
                note(*value, Use::Incoming(id, index, entry));
            }
        }
        block.instructions.iter().for_each(|it| it.op.for_each_operand(|value| note(value, Use::Inside(id))));
        liveness_uses(&block.terminator, |value| note(value, Use::Inside(id)));
    }
    uses
}

fn replace_inside(block: &mut Block, old: Value, new: Value) {
    let replace = |operand: &mut Value| {
        if *operand == old {
            *operand = new;
        }
    };
    block
        .instructions
        .iter_mut()
        .for_each(|instruction: &mut Instruction| instruction.op.for_each_operand_mut(replace));
    block.terminator.for_each_operand_mut(replace);
}

/// What stands for a value that two blocks make (Braun et al., *Simple and Efficient Construction of SSA Form*).
struct Reaching<'a> {
    function: &'a mut Function,
    predecessors: Vec<Vec<BlockId>>,
    /// At the ends of blocks.
    known: HashMap<BlockId, Value>,
    /// Phis that were made, and where.
    made: Vec<(BlockId, Value)>,
}

impl Reaching<'_> {
    fn at_end(&mut self, block: BlockId, value: Value) -> Value {
        match self.known.get(&block) {
            Some(known) => *known,
            None => self.at_start(block, value),
        }
    }

    /// In a block that does not make the value.
    fn at_start(&mut self, block: BlockId, value: Value) -> Value {
        if let Some(known) = self.known.get(&block) {
            return *known;
        }
        let predecessors = self.predecessors[block.0 as usize].clone();
        if let [only] = predecessors[..] {
            let result = self.at_end(only, value);
            self.known.insert(block, result);
            return result;
        }
        let ty = self.function.ty(value);
        let result = self.function.new_value(ty);
        self.known.insert(block, result);
        self.made.push((block, result));
        self.function.block_mut(block).phis.push(Phi { result, incoming: Vec::new() });
        let incoming = predecessors.iter().map(|from| (*from, self.at_end(*from, value))).collect();
        let phi = self.function.block_mut(block).phis.iter_mut().find(|phi| phi.result == result);
        phi.expect("phis are not removed here").incoming = incoming;
        result
    }
}

/// Removes phis that choose between one value and themselves.
fn remove_needless(function: &mut Function, mut made: Vec<(BlockId, Value)>) {
    loop {
        let found = made.iter().enumerate().find_map(|(index, &(block, result))| {
            let phi = function.block(block).phis.iter().find(|phi| phi.result == result)?;
            let mut others = phi.incoming.iter().map(|(_, value)| *value).filter(|value| *value != result);
            let only = others.next()?;
            others.all(|value| value == only).then_some((index, block, result, only))
        });
        let Some((index, block, old, new)) = found else { return };
        made.swap_remove(index);
        function.block_mut(block).phis.retain(|phi| phi.result != old);
        for block in &mut function.blocks {
            for (_, value) in block.phis.iter_mut().flat_map(|phi| &mut phi.incoming) {
                if *value == old {
                    *value = new;
                }
            }
            replace_inside(block, old, new);
        }
    }
}
