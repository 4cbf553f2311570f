//! How a warp walks through a function: which edges all its active lanes take at once, and where lanes that arrived at
//! different times meet.
//!
//! The walk follows the [`Layout`]. Each block has a *pending mask*. Executing a block consumes its mask; its terminator
//! adds lanes to the masks of the successors; then the next block in order with pending lanes runs. At the end of a loop
//! the walk goes back to the loop's entries while they have pending lanes. Lanes therefore meet again wherever their paths join,
//! whatever the shape of the control flow.
//!
//! Where a branch is uniform most of that is unnecessary: an edge is **immediate** if, when it is taken, no block that the
//! jump would skip can have pending lanes. Then it is an ordinary jump. In a function without divergence every edge is.
//!
//! *Irregular* functions are those where a lane may fall behind the others by whole iterations: irreducible loops, and loops in
//! which a lane may wait for another lane of its warp (these are left after a number of turns, so that the others get on).
//! There no edge is immediate, and every value that crosses blocks is kept per lane.

use super::{Layout, LoopId};
use crate::{BlockId, Function, MemoryOrder, Op, RuntimeFunction, Terminator, Value};

/// The walk of a warp through a function.
pub struct Schedule {
    /// Order and loops.
    pub layout: Layout,
    /// Whether lanes may fall behind each other (see the module's text).
    pub irregular: bool,
    /// Loops in which a warp may wait for others, by loop index: the back edge has to yield now and then.
    pub spins: Vec<bool>,
    /// For each block: predecessors whose edge into it is immediate.
    immediate: Vec<Vec<BlockId>>,
    /// For each block: whether lanes of different edges, or of different times, may meet there.
    blended: Vec<bool>,
}

impl Schedule {
    /// The walk of `function`, where `is_divergent` tells whether lanes may disagree at a block's terminator.
    pub fn new(function: &Function, is_divergent: impl Fn(BlockId) -> bool) -> Self {
        let layout = Layout::new(function);
        let predecessors = function.predecessors();
        let (spins, waits_for_lane) = find_spins(function, &layout, &is_divergent);
        let irregular = waits_for_lane || layout.loops.iter().any(|info| info.is_irreducible());
        let mut schedule = Self {
            irregular,
            spins,
            immediate: vec![Vec::new(); function.blocks.len()],
            blended: vec![irregular; function.blocks.len()],
            layout,
        };
        if !irregular {
            schedule.find_immediate(function, &predecessors, &is_divergent);
            schedule.find_blended(&predecessors);
        }
        schedule
    }

    /// Whether the edge is an ordinary jump taken by all active lanes.
    pub fn is_immediate(&self, from: BlockId, to: BlockId) -> bool {
        self.immediate[to.0 as usize].contains(&from)
    }

    /// Whether lanes that came by different edges, or at different times, may run the block together, so that its phis have to be
    /// kept per lane.
    pub fn is_blended(&self, block: BlockId) -> bool {
        self.blended[block.0 as usize]
    }

    /// Whether lanes may be pending at the block while others run.
    pub fn may_be_pending(&self, predecessors: &[BlockId], block: BlockId) -> bool {
        predecessors.iter().any(|from| !self.is_immediate(*from, block))
    }

    /// Starts with all uniform edges and removes those that could skip pending lanes, until nothing changes.
    fn find_immediate(
        &mut self,
        function: &Function,
        predecessors: &[Vec<BlockId>],
        is_divergent: &impl Fn(BlockId) -> bool,
    ) {
        for &from in &self.layout.order {
            if !is_divergent(from) {
                for to in function.block(from).terminator.successors() {
                    self.immediate[to.0 as usize].push(from);
                }
            }
        }
        loop {
            let mut removed = false;
            for &from in &self.layout.order {
                for to in function.block(from).terminator.successors() {
                    if self.is_immediate(from, to) && self.skips_pending(from, to, predecessors) {
                        self.immediate[to.0 as usize].retain(|block| *block != from);
                        removed = true;
                    }
                }
            }
            if !removed {
                return;
            }
        }
    }

    /// Whether a jump along the edge could pass over a block with pending lanes.
    fn skips_pending(&self, from: BlockId, to: BlockId, predecessors: &[Vec<BlockId>]) -> bool {
        let from_at = self.layout.position[from.0 as usize];
        let to_at = self.layout.position[to.0 as usize];
        let (first, last) = if to_at > from_at {
            (from_at + 1, to_at)
        } else {
            // Back to the entry of a loop that holds both: what follows in that loop is skipped.
            let Some(end) = self.loop_end(from, to) else { return true };
            (from_at + 1, end + 1)
        };
        let skipped = |block: BlockId| (first..last).contains(&self.layout.position[block.0 as usize]);
        self.layout.order[first..last].iter().any(|&block| {
            predecessors[block.0 as usize]
                .iter()
                .any(|&source| source != from && !skipped(source) && !self.is_immediate(source, block))
        })
    }

    /// Last position of the innermost loop that has `to` as an entry and contains `from`.
    fn loop_end(&self, from: BlockId, to: BlockId) -> Option<usize> {
        let mut at = self.layout.innermost[to.0 as usize];
        while let Some(id) = at {
            let info = self.layout.loop_info(id);
            if info.entries.contains(&to) && self.layout.contains(id, from) {
                return Some(info.last);
            }
            at = info.parent;
        }
        None
    }

    fn find_blended(&mut self, predecessors: &[Vec<BlockId>]) {
        for &block in &self.layout.order {
            let (back, forward): (Vec<BlockId>, Vec<BlockId>) = predecessors[block.0 as usize]
                .iter()
                .filter(|from| self.layout.position[from.0 as usize] != usize::MAX)
                .partition(|from| self.layout.is_retreating(**from, block));
            let meets =
                |group: &[BlockId]| group.len() > 1 && group.iter().any(|from| !self.is_immediate(*from, block));
            let late = forward.iter().any(|&from| !self.is_immediate(from, block) && self.leaves_loop(from, block));
            self.blended[block.0 as usize] = meets(&forward) || meets(&back) || late;
        }
    }

    /// Whether the edge leaves a loop, so that lanes that took it may wait for other iterations to end.
    fn leaves_loop(&self, from: BlockId, to: BlockId) -> bool {
        self.layout.innermost[from.0 as usize].is_some_and(|id: LoopId| !self.layout.contains(id, to))
    }
}

/// For each loop, whether a warp may wait in it for others; and whether a lane may wait there for a lane of its own warp.
///
/// That is so if what decides about leaving the loop depends on memory that others write meanwhile: a strong load, a
/// volatile one, or an atomic inside the loop.
fn find_spins(function: &Function, layout: &Layout, is_divergent: &impl Fn(BlockId) -> bool) -> (Vec<bool>, bool) {
    let mut spins = vec![false; layout.loops.len()];
    let mut waits_for_lane = false;
    let observed = values_that_depend_on_others(function, layout);
    for (index, info) in layout.loops.iter().enumerate() {
        let id = LoopId(index as u32);
        for &block in &layout.order[info.first..=info.last] {
            let terminator = &function.block(block).terminator;
            let leaves = terminator.successors().iter().any(|to| !layout.contains(id, *to));
            let depends = match terminator {
                Terminator::CondBranch { condition, .. } => observed[condition.0 as usize] == Some(()),
                Terminator::Switch { index, .. } => observed[index.0 as usize] == Some(()),
                _ => false,
            };
            if leaves && depends {
                spins[index] = true;
                waits_for_lane |= is_divergent(block);
            }
            let sleeps = |op: &Op| matches!(op, Op::RuntimeCall { function: RuntimeFunction::Nanosleep, .. });
            spins[index] |= function.block(block).instructions.iter().any(|i| sleeps(&i.op));
        }
    }
    (spins, waits_for_lane)
}

/// Values computed from strong loads or atomics, transitively; or chosen, within a loop, by a branch on such a value (a flag
/// that says that the lock was taken).
fn values_that_depend_on_others(function: &Function, layout: &Layout) -> Vec<Option<()>> {
    let mut observed: Vec<Option<()>> = vec![None; function.value_types.len()];
    let mut changed = true;
    while changed {
        changed = false;
        let mut mark = |observed: &mut Vec<Option<()>>, value: Value| {
            if observed[value.0 as usize].replace(()).is_none() {
                changed = true;
            }
        };
        let choosing = loops_with_observed_branches(function, layout, &observed);
        for (index, block) in function.blocks.iter().enumerate() {
            let around = layout.innermost[index];
            for phi in &block.phis {
                let inside = |from: &BlockId| around.is_some_and(|id| layout.contains(id, *from));
                let chosen = around.is_some_and(|id| choosing[id.0 as usize])
                    && phi.incoming.iter().filter(|(from, _)| inside(from)).count() > 1;
                if chosen || phi.incoming.iter().any(|(_, value)| observed[value.0 as usize].is_some()) {
                    mark(&mut observed, phi.result);
                }
            }
            for instruction in &block.instructions {
                let source = match &instruction.op {
                    Op::Load { order, .. } => *order != MemoryOrder::Weak,
                    Op::Atomic { .. } | Op::Call { .. } | Op::CallIndirect { .. } => true,
                    _ => false,
                };
                let mut depends = source;
                if !matches!(instruction.op, Op::Load { .. }) {
                    instruction.op.for_each_operand(|value| depends |= observed[value.0 as usize].is_some());
                }
                if depends {
                    for &result in &instruction.results {
                        mark(&mut observed, result);
                    }
                }
            }
        }
    }
    observed
}

/// Loops in which a branch depends on an observed value.
fn loops_with_observed_branches(function: &Function, layout: &Layout, observed: &[Option<()>]) -> Vec<bool> {
    let mut marks = vec![false; layout.loops.len()];
    for &block in &layout.order {
        let decides = match function.block(block).terminator {
            Terminator::CondBranch { condition, .. } => condition,
            Terminator::Switch { index, .. } => index,
            _ => continue,
        };
        let mut around = layout.innermost[block.0 as usize];
        while let Some(id) = around.filter(|_| observed[decides.0 as usize].is_some()) {
            marks[id.0 as usize] = true;
            around = layout.loop_info(id).parent;
        }
    }
    marks
}
