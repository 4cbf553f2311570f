//! Ends a block behind every operation at which a warp may have to wait for others.

use crate::{Block, BlockId, Function, Terminator};

/// Afterwards an operation that [may suspend](crate::Op::may_suspend) is the last of its block, which ends in a plain branch to a
/// block that nothing else leads to: what has to survive the wait is what is live into that block.
pub fn split_at_waits(function: &mut Function) {
    let mut at = 0;
    while at < function.blocks.len() {
        let block = &function.blocks[at];
        let wait = block.instructions.iter().position(|instruction| instruction.op.may_suspend());
        if let Some(index) = wait {
            split(function, BlockId(at as u32), index + 1);
        }
        at += 1;
    }
}

/// Moves everything from instruction `index` on to a new block.
pub(super) fn split(function: &mut Function, id: BlockId, index: usize) {
    let next = BlockId(function.blocks.len() as u32);
    let block = function.block_mut(id);
    let rest = Block {
        phis: Vec::new(),
        instructions: block.instructions.split_off(index),
        terminator: std::mem::replace(&mut block.terminator, Terminator::Branch(next)),
        terminator_line: block.terminator_line,
    };
    for successor in rest.terminator.successors() {
        for phi in &mut function.block_mut(successor).phis {
            for (from, _) in &mut phi.incoming {
                if *from == id {
                    *from = next;
                }
            }
        }
    }
    function.blocks.push(rest);
}
