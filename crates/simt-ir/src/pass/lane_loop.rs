//! A loop as a function for one lane.
//!
//! Where lanes leave a loop after different numbers of turns, a few of them may go on for long. The rest of the loop is then better done
//! for each of these by itself, in scalar code: threads owe each other no order there.

use std::collections::HashMap;

use crate::analysis::{Layout, LoopId};
use crate::{AddressSpace, Block, BlockId, Function, FunctionKind, Instruction, Op, Phi, Terminator, Type, Value};

/// Operations that a loop may have.
const OPERATIONS_MAX: usize = 400;

/// The turns that one lane has left of a loop.
#[derive(Clone, Debug)]
pub struct LaneLoop {
    /// The head of the loop.
    pub header: BlockId,
    /// Runs the loop from its head on, until the lane leaves it. Returns the index of the edge by which it does, and what is wanted behind it.
    pub function: Function,
    /// The values that the function takes, as the lane has them at the head.
    pub arguments: Vec<Value>,
    /// The edges out of the loop.
    pub exits: Vec<LaneExit>,
    /// From the same parameters, the addresses in global memory that the head of the loop will load from.
    pub ahead: Option<Function>,
}

/// An edge out of a loop.
#[derive(Clone, Debug)]
pub struct LaneExit {
    /// The block in the loop.
    pub from: BlockId,
    /// The block behind it.
    pub to: BlockId,
    /// Values of the loop that phis take along the edge, and at which place of the results they are returned.
    pub values: Vec<(Value, usize)>,
}

/// The function for a loop, if its lanes can do it one by one: if it has one entry, and nothing that lanes do together or that
/// depends on a lane's number.
pub fn lane_loop(function: &Function, layout: &Layout, id: LoopId) -> Option<LaneLoop> {
    let info = layout.loop_info(id);
    let blocks = &layout.order[info.first..=info.last];
    let operations = || blocks.iter().flat_map(|block| &function.block(*block).instructions);
    if info.is_irreducible() || operations().count() > OPERATIONS_MAX || !operations().all(|i| fits(&i.op)) {
        return None;
    }
    let mut maker = Maker::new(function, blocks);
    maker.take_arguments(info.entries[0]);
    let made = maker.make(info.entries[0]);
    // Such have no constants, which stand for results that are not wanted.
    (!made.function.returns.contains(&Type::I128)).then_some(made)
}

/// Whether one lane can do the operation without the others.
fn fits(op: &Op) -> bool {
    match op {
        Op::Load { space, .. } | Op::Store { space, .. } | Op::Atomic { space, .. } => *space != AddressSpace::Local,
        Op::Special(register) => register.is_uniform() && !register.is_volatile(),
        Op::ToGeneric { space, .. } | Op::FromGeneric { space, .. } => *space != AddressSpace::Local,
        Op::Fence { .. } => true,
        other => other.is_pure(),
    }
}

/// Whether an operation is better done again than its value handed over.
fn is_made_anew(op: &Op) -> bool {
    matches!(op, Op::Const { .. } | Op::LoadParam { .. } | Op::SymbolAddress(_) | Op::FunctionAddress(_))
}

/// Finds the addresses of the loads in the first block of a lane's loop as far as they do not depend on loads themselves.
fn first_addresses(lane: &Function) -> Option<Function> {
    let (entry, head) = (lane.block(Function::ENTRY), lane.block(BlockId(1)));
    let mut made = Function { name: format!("{} ahead", lane.name), returns: Vec::new(), ..lane.clone() };
    let mut values: HashMap<Value, Value> = (0..lane.parameters.len() as u32).map(|n| (Value(n), Value(n))).collect();
    for phi in &head.phis {
        let (_, first) = phi.incoming.iter().find(|(from, _)| *from == Function::ENTRY)?;
        values.insert(phi.result, *first);
    }
    let (mut instructions, mut addresses) = (Vec::new(), Vec::<Value>::new());
    for instruction in entry.instructions.iter().chain(&head.instructions) {
        match &instruction.op {
            Op::Load { space: AddressSpace::Global | AddressSpace::Generic, address, .. } => {
                let known = values.get(address).copied().filter(|address| !addresses.contains(address));
                addresses.extend(known);
            }
            op if op.is_pure() && op.operands().iter().all(|operand| values.contains_key(operand)) => {
                let mut copy = instruction.clone();
                copy.op.for_each_operand_mut(|value| *value = values[value]);
                values.extend(copy.results.iter().map(|result| (*result, *result)));
                instructions.push(copy);
            }
            _ => {}
        }
    }
    made.returns = vec![Type::I64; addresses.len()];
    let terminator = Terminator::Return(addresses);
    made.blocks = vec![Block { phis: Vec::new(), instructions, terminator, terminator_line: 0 }];
    (!made.returns.is_empty()).then_some(made)
}

struct Maker<'a> {
    from: &'a Function,
    blocks: &'a [BlockId],
    function: Function,
    arguments: Vec<Value>,
    /// The function's value for each of the loop's.
    values: HashMap<Value, Value>,
    /// What the function begins with.
    made_anew: Vec<Instruction>,
}

impl<'a> Maker<'a> {
    fn new(from: &'a Function, blocks: &'a [BlockId]) -> Self {
        let function = Function {
            name: format!("{} for one lane", from.name),
            kind: FunctionKind::Lane,
            parameters: Vec::new(),
            returns: vec![Type::I32],
            param_bytes: from.param_bytes,
            local_bytes: 0,
            local_align: 1,
            block_limit: from.block_limit,
            value_types: Vec::new(),
            blocks: Vec::new(),
        };
        Self { from, blocks, function, arguments: Vec::new(), values: HashMap::new(), made_anew: Vec::new() }
    }

    fn defined(&self) -> Vec<Value> {
        let blocks = self.blocks.iter().map(|block| self.from.block(*block));
        let results = blocks.flat_map(|block| {
            let phis = block.phis.iter().map(|phi| phi.result);
            phis.chain(block.instructions.iter().flat_map(|instruction| instruction.results.iter().copied()))
        });
        results.collect()
    }

    /// Finds what comes from outside: the head's phis, and what else the loop uses. Parameters are a function's first values.
    fn take_arguments(&mut self, header: BlockId) {
        let inside = self.defined();
        let phis = &self.from.block(header).phis;
        for phi in phis {
            self.parameter(phi.result);
        }
        let mut anew: Vec<&Instruction> = Vec::new();
        for value in self.used() {
            if inside.contains(&value) || self.values.contains_key(&value) {
                continue;
            }
            let all = self.from.blocks.iter().flat_map(|block| &block.instructions);
            let maker = all.into_iter().find(|instruction| instruction.results.contains(&value));
            match maker.filter(|instruction| is_made_anew(&instruction.op)) {
                Some(instruction) if anew.iter().any(|known| known.results == instruction.results) => {}
                Some(instruction) => anew.push(instruction),
                None => {
                    let parameter = self.parameter(value);
                    self.values.insert(value, parameter);
                }
            }
        }
        for instruction in anew {
            let result = instruction.results[0];
            let value = self.function.new_value(self.from.ty(result));
            self.values.insert(result, value);
            self.made_anew.push(Instruction { results: vec![value], ..instruction.clone() });
        }
        for value in inside {
            let copy = self.function.new_value(self.from.ty(value));
            self.values.insert(value, copy);
        }
    }

    fn parameter(&mut self, value: Value) -> Value {
        let ty = self.from.ty(value);
        self.function.parameters.push(ty);
        self.arguments.push(value);
        self.function.new_value(ty)
    }

    /// All that the loop uses, along its edges out of it too.
    fn used(&self) -> Vec<Value> {
        let mut used = Vec::new();
        for &id in self.blocks {
            let block = self.from.block(id);
            let inner = block.phis.iter().flat_map(|phi| &phi.incoming).filter(|(from, _)| self.blocks.contains(from));
            used.extend(inner.map(|(_, value)| *value));
            block.instructions.iter().for_each(|instruction| used.extend(instruction.op.operands()));
            match block.terminator {
                Terminator::CondBranch { condition, .. } => used.push(condition),
                Terminator::Switch { index, .. } => used.push(index),
                _ => {}
            }
        }
        used
    }

    fn make(mut self, header: BlockId) -> LaneLoop {
        let exits = self.exits();
        for exit in &exits {
            self.function.returns.extend(exit.values.iter().map(|(value, _)| self.from.ty(*value)));
        }
        let place = |block: BlockId| self.blocks.iter().position(|other| *other == block);
        let first_exit = 1 + self.blocks.len();
        let target = |from: BlockId, to: BlockId| {
            let exit = || exits.iter().position(|exit| exit.from == from && exit.to == to).map(|at| first_exit + at);
            BlockId(place(to).map_or_else(|| exit().expect("an edge stays or leaves"), |at| 1 + at) as u32)
        };
        let mut blocks = vec![Block {
            phis: Vec::new(),
            instructions: std::mem::take(&mut self.made_anew),
            terminator: Terminator::Branch(target(header, header)),
            terminator_line: 0,
        }];
        for &id in self.blocks {
            let mut block = self.from.block(id).clone();
            for (index, phi) in block.phis.iter_mut().enumerate() {
                let inner = phi.incoming.iter().filter_map(|(from, value)| Some((place(*from)?, self.values[value])));
                let mut incoming: Vec<(BlockId, Value)> =
                    inner.map(|(at, value)| (BlockId(1 + at as u32), value)).collect();
                if id == header {
                    // The head's phis are the first parameters, in their order.
                    incoming.insert(0, (Function::ENTRY, Value(index as u32)));
                }
                *phi = Phi { result: self.values[&phi.result], incoming };
            }
            for instruction in &mut block.instructions {
                instruction.op.for_each_operand_mut(|value| *value = self.values[value]);
                instruction.results.iter_mut().for_each(|value| *value = self.values[value]);
            }
            block.terminator.for_each_operand_mut(|value| *value = self.values[value]);
            match &mut block.terminator {
                Terminator::Branch(to) => *to = target(id, *to),
                Terminator::CondBranch { then, otherwise, .. } => {
                    (*then, *otherwise) = (target(id, *then), target(id, *otherwise));
                }
                Terminator::Switch { targets, .. } => targets.iter_mut().for_each(|to| *to = target(id, *to)),
                _ => unreachable!("what ends a thread is no part of a loop"),
            }
            blocks.push(block);
        }
        for (index, exit) in exits.iter().enumerate() {
            blocks.push(self.leave(index, exit));
        }
        self.function.blocks = blocks;
        let ahead = first_addresses(&self.function);
        LaneLoop { header, function: self.function, arguments: self.arguments, exits, ahead }
    }

    fn exits(&self) -> Vec<LaneExit> {
        let defined = self.defined();
        let mut exits = Vec::new();
        let mut place = 1;
        for &from in self.blocks {
            for to in self.from.block(from).terminator.successors() {
                if self.blocks.contains(&to) {
                    continue;
                }
                let mut values: Vec<(Value, usize)> = Vec::new();
                let taken = self.from.block(to).phis.iter().flat_map(|phi| &phi.incoming);
                for (_, value) in taken.filter(|(source, _)| *source == from) {
                    let inside = defined.contains(value);
                    if inside && !values.iter().any(|(known, _)| known == value) {
                        values.push((*value, place));
                        place += 1;
                    }
                }
                exits.push(LaneExit { from, to, values });
            }
        }
        exits
    }

    /// The block that returns what one exit gives; results of the others are anything.
    fn leave(&mut self, index: usize, exit: &LaneExit) -> Block {
        let mut instructions = Vec::new();
        let mut results = Vec::new();
        for place in 0..self.function.returns.len() {
            let ty = self.function.returns[place];
            if let Some((value, _)) = exit.values.iter().find(|(_, at)| *at == place) {
                results.push(self.values[value]);
                continue;
            }
            let bits = if place == 0 { index as u64 } else { 0 };
            let value = self.function.new_value(ty);
            instructions.push(Instruction { op: Op::Const { ty, bits }, results: vec![value], line: 0 });
            results.push(value);
        }
        Block { phis: Vec::new(), instructions, terminator: Terminator::Return(results), terminator_line: 0 }
    }
}
