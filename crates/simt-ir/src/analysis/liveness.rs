//! Which values are live at the start of each block.

use crate::{Function, Terminator, Value};

/// Live-in sets, as bit sets over values.
pub struct Liveness {
    words: usize,
    live_in: Vec<u64>,
}

impl Liveness {
    /// Backward data flow to a fixed point. A phi's operands are live at the end of the predecessors they come from, and its result is
    /// not live-in at its own block.
    pub fn new(function: &Function) -> Self {
        let words = function.value_types.len().div_ceil(64).max(1);
        let count = function.blocks.len();
        let mut live_in = vec![0u64; words * count];
        let predecessors = function.predecessors();
        let mut pending: Vec<usize> = (0..count).collect();
        let mut queued = vec![true; count];
        let mut live = vec![0u64; words];
        while let Some(at) = pending.pop() {
            queued[at] = false;
            let block = &function.blocks[at];
            live.fill(0);
            block.terminator.for_each_successor(|to| {
                let to_at = to.0 as usize;
                for (word, bits) in live.iter_mut().zip(&live_in[to_at * words..(to_at + 1) * words]) {
                    *word |= bits;
                }
                for phi in &function.blocks[to_at].phis {
                    for (from, value) in &phi.incoming {
                        if from.0 as usize == at {
                            set(&mut live, *value);
                        }
                    }
                }
            });
            terminator_uses(&block.terminator, |value| set(&mut live, value));
            for instruction in block.instructions.iter().rev() {
                for result in &instruction.results {
                    clear(&mut live, *result);
                }
                instruction.op.for_each_operand(|value| set(&mut live, value));
            }
            for phi in &block.phis {
                clear(&mut live, phi.result);
            }
            let stored = &mut live_in[at * words..(at + 1) * words];
            if stored != live.as_slice() {
                stored.copy_from_slice(&live);
                for from in &predecessors[at] {
                    if !std::mem::replace(&mut queued[from.0 as usize], true) {
                        pending.push(from.0 as usize);
                    }
                }
            }
        }
        Self { words, live_in }
    }

    /// Whether a value defined elsewhere is used in, or after, the block.
    pub fn is_live_in(&self, block: crate::BlockId, value: Value) -> bool {
        let at = block.0 as usize * self.words + value.0 as usize / 64;
        self.live_in[at] >> (value.0 % 64) & 1 == 1
    }

    /// The values live at the start of a block.
    pub fn live_in(&self, block: crate::BlockId) -> Vec<Value> {
        let start = block.0 as usize * self.words;
        let mut list = Vec::new();
        for (word, bits) in self.live_in[start..start + self.words].iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                list.push(Value((word * 64) as u32 + bits.trailing_zeros()));
                bits &= bits - 1;
            }
        }
        list
    }
}

fn set(bits: &mut [u64], value: Value) {
    bits[value.0 as usize / 64] |= 1 << (value.0 % 64);
}

fn clear(bits: &mut [u64], value: Value) {
    bits[value.0 as usize / 64] &= !(1 << (value.0 % 64));
}

/// Calls `visit` with each value a terminator uses.
pub(crate) fn terminator_uses(terminator: &Terminator, mut visit: impl FnMut(Value)) {
    match terminator {
        Terminator::CondBranch { condition, .. } => visit(*condition),
        Terminator::Switch { index, .. } => visit(*index),
        Terminator::Return(values) => values.iter().copied().for_each(visit),
        Terminator::Branch(_) | Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
    }
}
