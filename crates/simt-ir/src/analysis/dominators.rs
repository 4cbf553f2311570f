//! Dominator tree, by the iterative algorithm of Cooper, Harvey and Kennedy.

use crate::{BlockId, Function};

/// Dominators of the blocks that the entry reaches.
pub struct Dominators {
    /// Immediate dominator by block index; `None` for the entry and for unreachable blocks.
    immediate: Vec<Option<BlockId>>,
    /// Position in reverse post-order; `u32::MAX` for unreachable blocks.
    order: Vec<u32>,
    reverse_post_order: Vec<BlockId>,
}

impl Dominators {
    /// Computes the tree.
    pub fn new(function: &Function) -> Self {
        let reverse_post_order = reverse_post_order(function);
        let mut order = vec![u32::MAX; function.blocks.len()];
        for (position, block) in reverse_post_order.iter().enumerate() {
            order[block.0 as usize] = position as u32;
        }
        let predecessors = function.predecessors();
        let mut immediate: Vec<Option<BlockId>> = vec![None; function.blocks.len()];
        let entry = Function::ENTRY;
        immediate[entry.0 as usize] = Some(entry);
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &reverse_post_order[1..] {
                let mut candidate: Option<BlockId> = None;
                for &from in &predecessors[block.0 as usize] {
                    if immediate[from.0 as usize].is_none() {
                        continue;
                    }
                    candidate = Some(match candidate {
                        None => from,
                        Some(other) => intersect(&immediate, &order, from, other),
                    });
                }
                if immediate[block.0 as usize] != candidate {
                    immediate[block.0 as usize] = candidate;
                    changed = true;
                }
            }
        }
        immediate[entry.0 as usize] = None;
        Self { immediate, order, reverse_post_order }
    }

    /// The closest block, other than itself, that every path to `block` passes.
    pub fn immediate(&self, block: BlockId) -> Option<BlockId> {
        self.immediate[block.0 as usize]
    }

    /// Whether every path from the entry to `b` passes `a`; true for `a == b`.
    pub fn dominates(&self, a: BlockId, b: BlockId) -> bool {
        let mut at = b;
        loop {
            if at == a {
                return true;
            }
            match self.immediate(at) {
                Some(up) => at = up,
                None => return false,
            }
        }
    }

    /// Whether the entry reaches the block.
    pub fn is_reachable(&self, block: BlockId) -> bool {
        self.order[block.0 as usize] != u32::MAX
    }

    /// The reachable blocks in reverse post-order.
    pub fn reverse_post_order(&self) -> &[BlockId] {
        &self.reverse_post_order
    }
}

fn intersect(immediate: &[Option<BlockId>], order: &[u32], mut a: BlockId, mut b: BlockId) -> BlockId {
    let up = |block: BlockId| immediate[block.0 as usize].expect("processed blocks have a dominator");
    while a != b {
        while order[a.0 as usize] > order[b.0 as usize] {
            a = up(a);
        }
        while order[b.0 as usize] > order[a.0 as usize] {
            b = up(b);
        }
    }
    a
}

/// The reachable blocks in reverse post-order, without recursion (bodies can be large).
fn reverse_post_order(function: &Function) -> Vec<BlockId> {
    let mut seen = vec![false; function.blocks.len()];
    let mut post_order = Vec::new();
    let mut stack = vec![(Function::ENTRY, function.block(Function::ENTRY).terminator.successors())];
    seen[0] = true;
    while let Some((block, successors)) = stack.last_mut() {
        match successors.pop() {
            Some(next) if !seen[next.0 as usize] => {
                seen[next.0 as usize] = true;
                stack.push((next, function.block(next).terminator.successors()));
            }
            Some(_) => {}
            None => {
                post_order.push(*block);
                stack.pop();
            }
        }
    }
    post_order.reverse();
    post_order
}
