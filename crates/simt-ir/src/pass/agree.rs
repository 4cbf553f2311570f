//! A copy, for lanes that all go the same way, of what otherwise only some lanes run.
//!
//! Most branches at which lanes may part have them all go one way nearly always: bounds of arrays, remainders of loops, rows of a border. Behind
//! such a branch code needs masks, lanes leave a loop one by one, and what is the same in all lanes, or in order, is no more so where they meet.
//! So the branch asks first ([`Op::Agree`]): where all lanes agree they go on in a copy of the code in which nothing has parted, and only where
//! they do not, they go on in the code that there was. In a loop they ask in each turn, so that only the last turns need masks. Lanes meet again
//! where all of them always do.

use super::repair::{Twins, repair};
use crate::analysis::{LaunchShape, Layout, Presence, Shape, Shapes};
use crate::number::evaluate;
use crate::{Block, BlockId, Function, Instruction, Op, Phi, Program, Terminator, Type, Value};

/// Instructions that are copied, at most.
const COPIED_MAX: usize = 600;

/// For how many an atomic operation counts: it is done lane by lane, masks or none.
const ATOMIC_COST: usize = 150;

/// Copies parts of the kernel for lanes that agree, where that promises something. The kernel is to be computed by as many lanes as `launch` says.
pub fn copy_for_agreement(program: &mut Program, launch: LaunchShape) {
    let kernel = program.kernel();
    let calls = |op: &Op| matches!(op, Op::Call { .. } | Op::CallIndirect { .. });
    if !launch.starts_full() || kernel.blocks.iter().flat_map(|block| &block.instructions).any(|it| calls(&it.op)) {
        return;
    }
    let shapes = Shapes::new(program, kernel, launch);
    if !walks_together(&shapes) {
        return;
    }
    let Some(mut plan) = Plan::new(kernel, &shapes, launch.lanes) else { return };
    let original = kernel.clone();
    while plan.asks.contains(&true) {
        program.functions[0] = plan.copied(&original);
        let kernel = program.kernel();
        let shapes = Shapes::new(program, kernel, launch);
        let presence = Presence::new(kernel, &shapes.schedule, true);
        let layout = &shapes.schedule.layout;
        // Who asks where others are elsewhere might part from them for good.
        let asks_alone = |block: &BlockId| {
            let place = plan.converged(*block);
            let is_reached = layout.position[place.0 as usize] != usize::MAX;
            plan.asks[block.0 as usize] && (!is_reached || !presence.is_full(place))
        };
        let wrong: Vec<BlockId> = original.block_ids().filter(asks_alone).collect();
        if wrong.is_empty() && walks_together(&shapes) {
            return;
        }
        if wrong.is_empty() {
            break;
        }
        wrong.iter().for_each(|block| plan.asks[block.0 as usize] = false);
    }
    program.functions[0] = original;
}

fn walks_together(shapes: &Shapes) -> bool {
    !shapes.schedule.irregular && !shapes.schedule.spins.contains(&true)
}

/// What is copied, and where lanes are asked.
struct Plan {
    /// Blocks that perhaps not all lanes run.
    parted: Vec<bool>,
    /// Blocks at whose end lanes may part.
    divergent: Vec<bool>,
    /// Those at whose end, or at the end of whose copy, lanes are asked whether they agree.
    asks: Vec<bool>,
    /// Those that ask first whether lanes go the way of a true condition.
    then_first: Vec<bool>,
}

impl Plan {
    /// Nothing, if there is nothing to gain or too much to copy.
    fn new(kernel: &Function, shapes: &Shapes, lanes: u32) -> Option<Self> {
        let layout = &shapes.schedule.layout;
        let presence = Presence::new(kernel, &shapes.schedule, true);
        let is_reached = |block: BlockId| layout.position[block.0 as usize] != usize::MAX;
        let parted: Vec<bool> = kernel.block_ids().map(|block| is_reached(block) && !presence.is_full(block)).collect();
        let copied = || kernel.block_ids().filter(|block| parted[block.0 as usize]).map(|block| kernel.block(block));
        let gains = |op: &Op| matches!(op, Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. });
        let cost = |op: &Op| if matches!(op, Op::Atomic { .. }) { ATOMIC_COST } else { 1 };
        let instructions: usize = copied().flat_map(|block| &block.instructions).map(|it| cost(&it.op)).sum();
        if instructions > COPIED_MAX || !copied().flat_map(|block| &block.instructions).any(|it| gains(&it.op)) {
            return None;
        }
        let divergent: Vec<bool> = kernel.block_ids().map(|block| shapes.is_divergent(kernel, block)).collect();
        let data = data_dependent(kernel, layout);
        let asks = kernel.block_ids().map(|block| {
            let Terminator::CondBranch { condition, .. } = kernel.block(block).terminator else { return false };
            is_reached(block)
                && divergent[block.0 as usize]
                && !data[condition.0 as usize]
                && !is_always_mixed(kernel, shapes, condition, lanes)
                && (!parted[block.0 as usize] || enters_loops_at_heads(kernel, layout, &parted, block))
        });
        let asks = asks.collect();
        let then_first = kernel.block_ids().map(|block| match kernel.block(block).terminator {
            Terminator::CondBranch { then, .. } => is_reached(block) && layout.is_retreating(block, then),
            _ => false,
        });
        let then_first = then_first.collect();
        Some(Self { parted, divergent, asks, then_first })
    }

    fn is_parted(&self, block: BlockId) -> bool {
        self.parted[block.0 as usize]
    }

    fn asks(&self, block: BlockId) -> bool {
        self.asks[block.0 as usize]
    }

    /// The number of blocks before and including this one of which there are copies, or which ask.
    fn rank(&self, of: &[bool], block: BlockId) -> u32 {
        of[..block.0 as usize].iter().filter(|is| **is).count() as u32
    }

    /// The block that lanes which agree run: the copy, if there is one. Copies lie behind all blocks that there were.
    fn converged(&self, block: BlockId) -> BlockId {
        match self.is_parted(block) {
            true => BlockId(self.parted.len() as u32 + self.rank(&self.parted, block)),
            false => block,
        }
    }

    /// The blocks behind the copies where lanes that do not all go the first way are asked for the second, and where they part.
    fn questions(&self, block: BlockId) -> (BlockId, BlockId) {
        let copies = self.parted.iter().filter(|is| **is).count();
        let first = (self.parted.len() + copies) as u32 + 2 * self.rank(&self.asks, block);
        (BlockId(first), BlockId(first + 1))
    }

    /// From where lanes that agree at the end of a block, or of its copy, come to a successor.
    fn agreed_from(&self, function: &Function, block: BlockId, to: BlockId) -> BlockId {
        match function.block(block).terminator {
            Terminator::CondBranch { then, .. }
                if self.asks(block) && (then == to) != self.then_first[block.0 as usize] =>
            {
                self.questions(block).0
            }
            _ => self.converged(block),
        }
    }

    /// The function with copies and questions.
    fn copied(&self, original: &Function) -> Function {
        let mut function = original.clone();
        let mut twins = Twins::default();
        for id in original.block_ids().filter(|id| self.is_parted(*id)) {
            let copy = twins.copy_block(&mut function, original, id, self.converged(id));
            function.blocks.push(copy);
        }
        let agreed = |to: BlockId| self.converged(to);
        for id in original.block_ids().filter(|id| !self.asks(*id)) {
            // Where lanes part without being asked they go to the code that there was; from a copy, to copies, in which they meet again.
            if self.is_parted(id) || !self.divergent[id.0 as usize] {
                let place = self.converged(id);
                map_targets(&mut function.block_mut(place).terminator, agreed);
            }
        }
        for id in original.block_ids().filter(|id| self.asks(*id)) {
            self.ask(&mut function, original, id);
        }
        for id in original.block_ids() {
            self.set_incoming(&mut function, original, id);
        }
        repair(&mut function, &twins);
        function
    }

    /// Ends the block that lanes which agree run with the questions.
    fn ask(&self, function: &mut Function, original: &Function, id: BlockId) {
        let Terminator::CondBranch { condition, then, otherwise } = original.block(id).terminator else { return };
        let line = original.block(id).terminator_line;
        let then_first = self.then_first[id.0 as usize];
        let ways = if then_first { [then, otherwise] } else { [otherwise, then] };
        let (second, mixed) = self.questions(id);
        let mut question = |on: bool, then: BlockId, otherwise: BlockId| {
            let result = function.new_value(Type::I1);
            let instruction = Instruction { op: Op::Agree { condition, on }, results: vec![result], line };
            let terminator = Terminator::CondBranch { condition: result, then: self.converged(then), otherwise };
            (instruction, terminator)
        };
        let (first_asked, first_end) = question(then_first, ways[0], second);
        let (second_asked, second_end) = question(!then_first, ways[1], mixed);
        let block = function.block_mut(self.converged(id));
        // Both here, where what the condition compares may still be at hand.
        block.instructions.extend([first_asked, second_asked]);
        block.terminator = first_end;
        let new = |terminator| Block { phis: Vec::new(), instructions: Vec::new(), terminator, terminator_line: line };
        function.blocks.push(new(second_end));
        function.blocks.push(new(Terminator::CondBranch { condition, then, otherwise }));
    }

    /// Says for the phis of a block, and of its copy, which edges there are now. Values are those of the code that there was.
    fn set_incoming(&self, function: &mut Function, original: &Function, id: BlockId) {
        for index in 0..original.block(id).phis.len() {
            let (mut apart, mut together) = (Vec::new(), Vec::new());
            for &(from, value) in &original.block(id).phis[index].incoming {
                let parts_here = self.divergent[from.0 as usize] && !self.is_parted(from) && !self.asks(from);
                if self.is_parted(from) || parts_here {
                    apart.push((from, value));
                }
                if self.asks(from) {
                    apart.push((self.questions(from).1, value));
                }
                if !parts_here {
                    together.push((self.agreed_from(original, from, id), value));
                }
            }
            if self.is_parted(id) {
                function.block_mut(id).phis[index].incoming = apart;
                function.block_mut(self.converged(id)).phis[index].incoming = together;
            } else {
                apart.append(&mut together);
                function.block_mut(id).phis[index].incoming = apart;
            }
        }
    }
}

fn map_targets(terminator: &mut Terminator, map: impl Fn(BlockId) -> BlockId) {
    match terminator {
        Terminator::Branch(to) => *to = map(*to),
        Terminator::CondBranch { then, otherwise, .. } => {
            *then = map(*then);
            *otherwise = map(*otherwise);
        }
        Terminator::Switch { targets, .. } => targets.iter_mut().for_each(|to| *to = map(*to)),
        Terminator::Return(_) | Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
    }
}

/// Whether each successor of a block is the head of all loops that hold it and are copied: others cannot be entered from elsewhere.
fn enters_loops_at_heads(function: &Function, layout: &Layout, parted: &[bool], block: BlockId) -> bool {
    function.block(block).terminator.successors().into_iter().all(|to| {
        let mut around = layout.innermost[to.0 as usize];
        while let Some(id) = around {
            let info = layout.loop_info(id);
            // What begins with all lanes holds code and copies alike.
            if info.entries != [to] && parted[info.entries[0].0 as usize] {
                return false;
            }
            around = info.parent;
        }
        true
    })
}

/// By value: whether it depends on what is loaded or handed from lane to lane, about which there is no telling: loops over rows of different lengths have
/// few turns in which all lanes take part.
fn data_dependent(function: &Function, layout: &Layout) -> Vec<bool> {
    let mut data = vec![false; function.value_types.len()];
    loop {
        let mut changed = false;
        for &id in &layout.order {
            let block = function.block(id);
            for Phi { result, incoming } in &block.phis {
                let depends = incoming.iter().any(|(_, value)| data[value.0 as usize]);
                changed |= depends && !std::mem::replace(&mut data[result.0 as usize], true);
            }
            for Instruction { op, results, .. } in &block.instructions {
                let from_data = op.operands().iter().any(|operand| data[operand.0 as usize]);
                if from_data || !op.is_pure() {
                    for result in results {
                        changed |= !std::mem::replace(&mut data[result.0 as usize], true);
                    }
                }
            }
        }
        if !changed {
            return data;
        }
    }
}

/// Whether a condition compares what tells lanes apart with a constant such that it is never the same in all lanes.
fn is_always_mixed(function: &Function, shapes: &Shapes, condition: Value, lanes: u32) -> bool {
    let mut instructions = function.blocks.iter().flat_map(|block| &block.instructions);
    let Some(compare) = instructions.find(|it| it.results.contains(&condition)) else { return false };
    let Op::IntCompare { a, b, .. } = &compare.op else { return false };
    let known = |value: Value| -> Option<Vec<i64>> {
        let fact = shapes.fact(value);
        let (low, high) = fact.range;
        let (stride, length, outer) = match fact.shape {
            Shape::Uniform => (0, i64::from(lanes), 0),
            Shape::Affine { stride, speculative: false } => (stride, i64::from(lanes), 0),
            Shape::Segmented { stride, length, speculative: false, outer: Some(outer) } => {
                (stride, length.into(), outer)
            }
            _ => return None,
        };
        let of_lane = |lane: i64| lane % length * stride + lane / length * outer;
        let all: Vec<i64> = (0..i64::from(lanes)).map(of_lane).collect();
        // The range leaves room for one way only.
        let (least, most) = (*all.iter().min()?, *all.iter().max()?);
        let is_exact = high.checked_sub(low) == Some(most - least);
        is_exact.then(|| all.into_iter().map(|value| value - least + low).collect())
    };
    let (Some(a), Some(b)) = (known(*a), known(*b)) else { return false };
    let outcome = |(a, b): (&i64, &i64)| evaluate(&compare.op, &[*a as u64 as u128, *b as u64 as u128]);
    let outcomes: Vec<Option<u128>> = a.iter().zip(&b).map(outcome).collect();
    outcomes.contains(&Some(0)) && outcomes.contains(&Some(1))
}
