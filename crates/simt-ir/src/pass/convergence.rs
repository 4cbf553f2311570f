//! Begins a block at every operation that lanes perform together.

use super::split_waits::split;
use crate::{BlockId, Function, Op};

/// In a function whose lanes may fall behind each other, an operation across lanes has to wait until all its members are there.
/// Afterwards each of them is the first of its block, so that waiting lanes are simply pending at that block.
pub fn split_at_convergence(function: &mut Function) {
    let mut at = 0;
    while at < function.blocks.len() {
        let instructions = &function.blocks[at].instructions;
        let found = instructions.iter().skip(1).position(|instruction| is_convergent(&instruction.op));
        if let Some(index) = found {
            split(function, BlockId(at as u32), index + 1);
        }
        at += 1;
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
            | Op::WarpSync { .. }
            | Op::Barrier { .. }
            | Op::ClusterBarrier { .. }
    )
}
