//! Begins a block at every operation that lanes perform together, where they may be apart.

use super::split_waits::split;
use crate::analysis::{Schedule, whole_warp_operations};
use crate::{BlockId, Function, Op};

/// Where lanes may be apart, an operation across lanes has to wait until all its members are there. Afterwards each of
/// them is the first of its block, so that waiting lanes are simply pending at that block. Behind an operation of the whole warp lanes
/// are together again, and nothing has to be split.
pub fn split_at_convergence(function: &mut Function, schedule: &Schedule) {
    let whole = whole_warp_operations(function);
    let apart: Vec<BlockId> = function.block_ids().filter(|block| schedule.arrives_apart(*block)).collect();
    for block in apart {
        let end = whole[block.0 as usize].first().map_or(usize::MAX, |place| place + 1);
        let instructions = function.block(block).instructions.iter().enumerate();
        let places: Vec<usize> = instructions
            .take(end)
            .filter(|(index, instruction)| *index > 0 && is_convergent(&instruction.op))
            .map(|(index, _)| index)
            .collect();
        // From the last on, so that the indices of the others stay.
        for place in places.into_iter().rev() {
            split(function, block, place);
        }
    }
}

/// Whether the lanes of a warp perform the operation together.
pub fn is_convergent(op: &Op) -> bool {
    matches!(
        op,
        Op::Shuffle { .. }
            | Op::Vote { .. }
            | Op::Match { .. }
            | Op::Reduce { .. }
            | Op::Elect { .. }
            | Op::MatrixProduct { .. }
            | Op::WarpSync { .. }
            | Op::Barrier { .. }
            | Op::ClusterBarrier { .. }
    )
}
