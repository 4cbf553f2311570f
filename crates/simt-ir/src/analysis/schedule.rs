//! How a warp walks through a function: which edges all its active lanes take at once, and where lanes that arrived at
//! different times meet.
//!
//! The walk follows the [`Layout`]. Each block has a *pending mask*. Executing a block consumes its mask; its terminator
//! adds lanes to the masks of the successors; then the next block in order with pending lanes runs. At the end of a loop
//! the walk goes back to the loop's entries while they have pending lanes. Lanes therefore meet again wherever their paths join,
//! whatever the shape of the control flow.
//!
//! Where a branch is uniform most of that is unnecessary: an edge is **immediate** if, when it is taken, no block that the
//! jump would skip can have pending lanes. Then it is an ordinary jump. In a function without divergence every edge is. Where all lanes run a
//! block none is pending anywhere, so that what leads on from there is immediate wherever it leads.
//!
//! Where lanes may be apart (see `apart.rs`) no edge is immediate, and every value that crosses blocks is kept per lane. A function with
//! such a zone is *irregular*: its walk starts over as long as lanes are pending anywhere.

use super::apart::Apart;
use super::{Layout, LoopId};
use crate::{BlockId, Function};

/// The walk of a warp through a function.
pub struct Schedule {
    /// Order and loops.
    pub layout: Layout,
    /// Whether lanes may be apart anywhere.
    pub irregular: bool,
    /// Blocks at which lanes may arrive apart.
    zone: Vec<bool>,
    /// Blocks that begin with an operation of the whole warp.
    gathers: Vec<bool>,
    /// Loops in which a warp may wait for others, by loop index: the back edge has to yield now and then.
    pub spins: Vec<bool>,
    /// For each block: predecessors whose edge into it is immediate.
    immediate: Vec<Vec<BlockId>>,
    /// For each block: whether lanes of different edges, or of different times, may meet there.
    blended: Vec<bool>,
}

impl Schedule {
    /// The walk of `function`, where `is_divergent` tells whether lanes may disagree at a block's terminator, and `is_full` which blocks are known to
    /// be run by all lanes at once.
    pub fn new(function: &Function, is_divergent: impl Fn(BlockId) -> bool, is_full: impl Fn(BlockId) -> bool) -> Self {
        let layout = Layout::new(function);
        let predecessors = function.predecessors();
        let Apart { zone, gathers, spins } = Apart::new(function, &layout, &is_divergent);
        let irregular = zone.contains(&true);
        let mut schedule = Self {
            irregular,
            zone,
            gathers,
            spins,
            immediate: vec![Vec::new(); function.blocks.len()],
            blended: vec![false; function.blocks.len()],
            layout,
        };
        let is_full = |block: BlockId| !irregular && is_full(block);
        schedule.find_immediate(function, &predecessors, &is_divergent, &is_full);
        schedule.find_blended(&predecessors);
        schedule
    }

    /// Whether lanes may come to the block apart, so that it has to gather those that its first operation needs.
    pub fn arrives_apart(&self, block: BlockId) -> bool {
        self.zone[block.0 as usize]
    }

    /// Whether lanes that run the block may do so while others of the warp are elsewhere.
    pub fn runs_apart(&self, block: BlockId) -> bool {
        self.zone[block.0 as usize] && !self.gathers[block.0 as usize]
    }

    /// Whether all lanes of the warp that have not exited run the block together, having come apart.
    pub fn gathers(&self, block: BlockId) -> bool {
        self.zone[block.0 as usize] && self.gathers[block.0 as usize]
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

    /// Whether no lane is pending at `to` when the edge is taken, and those that come by other edges come later: what the edge hands on may
    /// then be written for all lanes, and the others write over it for their own. Who goes straight to `to` from further up is not pending there.
    pub fn is_first(&self, from: BlockId, to: BlockId, predecessors: &[BlockId]) -> bool {
        let position = |block: BlockId| self.layout.position[block.0 as usize];
        let reached = predecessors.iter().copied().filter(|block| position(*block) != usize::MAX);
        !self.irregular
            && position(from) < position(to)
            && !self.leaves_loop(from, to)
            && reached.into_iter().all(|other| {
                let comes_later = position(from) <= position(other) || self.is_immediate(other, to);
                comes_later && position(other) < position(to)
            })
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
        is_full: &impl Fn(BlockId) -> bool,
    ) {
        for &from in &self.layout.order {
            if !is_divergent(from) && !self.runs_apart(from) {
                let successors = function.block(from).terminator.successors();
                for to in successors.into_iter().filter(|to| !self.zone[to.0 as usize]) {
                    self.immediate[to.0 as usize].push(from);
                }
            }
        }
        loop {
            let mut removed = false;
            for &from in self.layout.order.iter().filter(|from| !is_full(**from)) {
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
            self.blended[block.0 as usize] = self.zone[block.0 as usize] || meets(&forward) || meets(&back) || late;
        }
    }

    /// Whether the edge leaves a loop, so that lanes that took it may wait for other iterations to end.
    fn leaves_loop(&self, from: BlockId, to: BlockId) -> bool {
        self.layout.innermost[from.0 as usize].is_some_and(|id: LoopId| !self.layout.contains(id, to))
    }
}
