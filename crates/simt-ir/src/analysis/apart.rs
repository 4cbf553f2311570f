//! Where the lanes of a warp may be apart: how far those that leave a loop can get while others still turn in it.
//!
//! A lane *falls behind* in a loop in which it may wait for another lane of its warp (the loop is left after a number of turns, so that the
//! others get on), and in an irreducible loop, whose iterations do not line up. From there on lanes are apart, until an operation that
//! all lanes of the warp perform together: a barrier of the block, or a warp operation whose members are all lanes. It waits for
//! everyone who has not exited, and so behind it the warp is together again.
//!
//! The blocks that can be reached from such a loop without passing an operation of that kind are the *zone* in which lanes may be apart.

use super::observed::values_that_depend_on_others;
use super::{Layout, LoopId};
use crate::pass::is_convergent;
use crate::{BlockId, Function, Op, RuntimeFunction, Terminator};

/// Where lanes may be apart.
pub(super) struct Apart {
    /// Blocks at which lanes may arrive apart.
    pub zone: Vec<bool>,
    /// Blocks that begin with an operation of the whole warp.
    pub gathers: Vec<bool>,
    /// Loops in which a warp may wait for others, by loop index.
    pub spins: Vec<bool>,
}

impl Apart {
    /// Analyses a function, where `is_divergent` tells whether lanes may disagree at a block's terminator.
    pub fn new(function: &Function, layout: &Layout, is_divergent: &impl Fn(BlockId) -> bool) -> Self {
        let whole = whole_warp_operations(function);
        let (spins, waits_for_lane) = find_spins(function, layout, &whole, is_divergent);
        let gathers = whole.iter().map(|places| places.first() == Some(&0)).collect();
        let mut zone = vec![false; function.blocks.len()];
        let mut pending: Vec<BlockId> = Vec::new();
        for (index, info) in layout.loops.iter().enumerate() {
            if waits_for_lane[index] || info.is_irreducible() {
                pending.extend(&layout.order[info.first..=info.last]);
            }
        }
        while let Some(block) = pending.pop() {
            if !std::mem::replace(&mut zone[block.0 as usize], true) && whole[block.0 as usize].is_empty() {
                pending.extend(function.block(block).terminator.successors());
            }
        }
        Self { zone, gathers, spins }
    }
}

/// Where in each block operations stand that all lanes of the warp perform together.
pub(crate) fn whole_warp_operations(function: &Function) -> Vec<Vec<usize>> {
    let mut all_lanes = vec![false; function.value_types.len()];
    for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
        if let (Op::Const { bits, .. }, [result]) = (&instruction.op, &instruction.results[..]) {
            all_lanes[result.0 as usize] = *bits == u64::from(u32::MAX);
        }
    }
    let is_whole = |op: &Op| match op {
        Op::Barrier { .. } | Op::ClusterBarrier { .. } | Op::MatrixProduct { .. } => true,
        op => is_convergent(op) && op.members().is_some_and(|members| all_lanes[members.0 as usize]),
    };
    let places = |block: &crate::Block| {
        let instructions = block.instructions.iter().enumerate();
        instructions.filter(|(_, instruction)| is_whole(&instruction.op)).map(|(index, _)| index).collect()
    };
    function.blocks.iter().map(places).collect()
}

/// For each loop, whether a warp may wait in it for others; and whether a lane may wait there for a lane of its own warp.
///
/// That is so if what decides about leaving the loop depends on memory that others write meanwhile: a strong load, a
/// volatile one, or an atomic inside the loop.
fn find_spins(
    function: &Function,
    layout: &Layout,
    whole: &[Vec<usize>],
    is_divergent: &impl Fn(BlockId) -> bool,
) -> (Vec<bool>, Vec<bool>) {
    let mut spins = vec![false; layout.loops.len()];
    let mut waits_for_lane = vec![false; layout.loops.len()];
    let observed = values_that_depend_on_others(function, layout);
    for (index, info) in layout.loops.iter().enumerate() {
        let id = LoopId(index as u32);
        for &block in &layout.order[info.first..=info.last] {
            let terminator = &function.block(block).terminator;
            let leaves = terminator.successors().iter().any(|to| !layout.contains(id, *to));
            let depends = match terminator {
                Terminator::CondBranch { condition, .. } => observed[condition.0 as usize],
                Terminator::Switch { index, .. } => observed[index.0 as usize],
                _ => false,
            };
            if leaves && depends {
                spins[index] = true;
                // Though all that are in the loop leave it together, they may wait for one that is not.
                waits_for_lane[index] |=
                    is_divergent(block) || others_may_act(function, layout, id, whole, is_divergent);
            }
            let sleeps = |op: &Op| matches!(op, Op::RuntimeCall { function: RuntimeFunction::Nanosleep, .. });
            spins[index] |= function.block(block).instructions.iter().any(|i| sleeps(&i.op));
        }
    }
    (spins, waits_for_lane)
}

/// Whether, while some lanes turn in a loop, others of their warp may be on their way to something that those can wait for: behind a
/// divergent branch, by a way around the loop, either later in the walk or in another turn of a loop around. They get no further than to an
/// operation of the whole warp.
fn others_may_act(
    function: &Function,
    layout: &Layout,
    id: LoopId,
    whole: &[Vec<usize>],
    is_divergent: &impl Fn(BlockId) -> bool,
) -> bool {
    let last = layout.loop_info(id).last;
    let meet_at = |block: BlockId| whole[block.0 as usize].first().copied();
    let acts = |block: BlockId| {
        let instructions = &function.block(block).instructions;
        instructions[..meet_at(block).unwrap_or(instructions.len())]
            .iter()
            .any(|i| !i.op.is_removable() && i.op.members().is_none() && !matches!(i.op, Op::Mark { .. }))
    };
    // Blocks that lanes can come to, by whether they have gone back on their way.
    let mut seen = vec![[false; 2]; function.blocks.len()];
    let mut pending: Vec<(BlockId, bool)> = Vec::new();
    for block in leading_to(function, layout, id).into_iter().filter(|block| is_divergent(*block)) {
        let successors = function.block(block).terminator.successors();
        pending.extend(successors.into_iter().map(|to| (to, layout.is_retreating(block, to))));
    }
    while let Some((block, back)) = pending.pop() {
        let is_late = back || layout.position[block.0 as usize] > last;
        if layout.contains(id, block) || std::mem::replace(&mut seen[block.0 as usize][usize::from(back)], true) {
            continue;
        }
        if is_late && acts(block) {
            return true;
        }
        if meet_at(block).is_none() {
            let successors = function.block(block).terminator.successors();
            pending.extend(successors.into_iter().map(|to| (to, back || layout.is_retreating(block, to))));
        }
    }
    false
}

/// The blocks outside of a loop from which lanes can come to it.
fn leading_to(function: &Function, layout: &Layout, id: LoopId) -> Vec<BlockId> {
    let predecessors = function.predecessors();
    let mut found = vec![false; function.blocks.len()];
    let mut pending = layout.loop_info(id).entries.clone();
    while let Some(block) = pending.pop() {
        for &from in &predecessors[block.0 as usize] {
            let known = layout.position[from.0 as usize] == usize::MAX || layout.contains(id, from);
            if !known && !std::mem::replace(&mut found[from.0 as usize], true) {
                pending.push(from);
            }
        }
    }
    function.block_ids().filter(|block| found[block.0 as usize]).collect()
}
