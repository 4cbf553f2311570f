//! Which lanes run a block: all 32, or at least all that there still are.
//!
//! Both start at the entry and go along immediate edges. Where lanes part and meet again they are known by *control equivalence*: every
//! lane that runs a block `d` comes to a block `b` of the same loop before it leaves the loop or begins another turn, and the walk
//! runs `b` only when all of them are there.

use super::{Dominators, Schedule};
use crate::{BlockId, Function, Op, Terminator};

/// Which lanes run the blocks of a function.
pub struct Presence {
    full: Vec<bool>,
    alone: Vec<bool>,
    /// For each block the one from which all lanes come to it.
    origins: Vec<Option<BlockId>>,
}

/// How a lane may get lost on its way from one block to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Not at all.
    None,
    /// By ending.
    Exits,
    /// By going elsewhere.
    Strays,
}

impl Presence {
    /// Analyses a function. `starts_full`: it is only ever called for all 32 lanes.
    pub fn new(function: &Function, schedule: &Schedule, starts_full: bool) -> Self {
        let dominators = Dominators::new(function);
        let predecessors = function.predecessors();
        let calls = |block: BlockId| {
            let instructions = &function.block(block).instructions;
            instructions.iter().any(|i| matches!(i.op, Op::Call { .. } | Op::CallIndirect { .. }))
        };
        let any_calls = function.block_ids().any(calls);
        let equivalents: Vec<Option<(BlockId, Loss)>> = function
            .block_ids()
            .map(|block| {
                // Control equivalence does not see what callees do.
                let dominator = equivalent(schedule, &dominators, block).filter(|_| !any_calls);
                dominator.map(|from| (from, loss(function, schedule, from, block)))
            })
            .collect();
        let spread = |starts: bool, accepts: Loss, gathered: &dyn Fn(BlockId) -> bool| {
            let mut known = vec![starts; function.blocks.len()];
            let mut changed = true;
            while changed {
                changed = false;
                for &block in &schedule.layout.order {
                    let by_edges = || {
                        let reached = predecessors[block.0 as usize]
                            .iter()
                            .filter(|from| schedule.layout.position[from.0 as usize] != usize::MAX);
                        reached
                            .into_iter()
                            .all(|from| known[from.0 as usize] && !calls(*from) && schedule.is_immediate(*from, block))
                    };
                    let by_equivalence = || match equivalents[block.0 as usize] {
                        Some((from, loss)) => known[from.0 as usize] && (loss == Loss::None || loss == accepts),
                        None => false,
                    };
                    let keeps = match (block == Function::ENTRY, schedule.runs_apart(block)) {
                        (_, true) => false,
                        (true, false) => predecessors[0].is_empty() || by_edges(),
                        (false, false) => gathered(block) || by_edges() || by_equivalence(),
                    };
                    if known[block.0 as usize] && !keeps {
                        known[block.0 as usize] = false;
                        changed = true;
                    }
                }
            }
            known
        };
        let full = spread(starts_full, Loss::None, &|_| false);
        let alone = spread(true, Loss::Exits, &|block| schedule.gathers(block));
        let origin = |equivalent: Option<(BlockId, Loss)>| {
            equivalent.filter(|(_, loss)| *loss == Loss::None).map(|(from, _)| from)
        };
        let origins = equivalents.into_iter().map(origin).collect();
        Self { full, alone, origins }
    }

    /// A block in the same loop all lanes of which come to this one, before they leave the loop or begin another turn.
    pub fn all_come_from(&self, block: BlockId) -> Option<BlockId> {
        self.origins[block.0 as usize]
    }

    /// Whether the block is only ever run by all 32 lanes.
    pub fn is_full(&self, block: BlockId) -> bool {
        self.full[block.0 as usize]
    }

    /// Whether, when the block runs, no lane that has not exited is elsewhere.
    pub fn is_alone(&self, block: BlockId) -> bool {
        self.alone[block.0 as usize]
    }
}

/// The nearest dominator of a block in the same loop.
fn equivalent(schedule: &Schedule, dominators: &Dominators, block: BlockId) -> Option<BlockId> {
    let around = |block: BlockId| schedule.layout.innermost[block.0 as usize];
    let mut at = dominators.immediate(block)?;
    while around(at) != around(block) {
        at = dominators.immediate(at)?;
    }
    Some(at)
}

/// What becomes of lanes that run `from` and not `to`, which `from` dominates and which is in the same loop.
fn loss(function: &Function, schedule: &Schedule, from: BlockId, to: BlockId) -> Loss {
    let layout = &schedule.layout;
    let around = layout.innermost[from.0 as usize];
    let mut loss = Loss::None;
    let mut seen = vec![false; function.blocks.len()];
    let mut pending = vec![from];
    while let Some(block) = pending.pop() {
        match &function.block(block).terminator {
            // The whole launch ends.
            Terminator::Trap => continue,
            Terminator::Return(_) | Terminator::Exit => loss = Loss::Exits,
            Terminator::Unreachable => return Loss::Strays,
            _ => {}
        }
        for next in function.block(block).terminator.successors() {
            let stays = around.is_none_or(|id| layout.contains(id, next));
            if next == from || !stays {
                return Loss::Strays;
            }
            if next != to && !std::mem::replace(&mut seen[next.0 as usize], true) {
                pending.push(next);
            }
        }
    }
    loss
}
