//! Sums of matrix products that a warp keeps in its frame: they are loaded where a product adds to them, not where the warp goes on, and stored when the
//! product is made, not where the warp waits. A warp's tile has several times as many sums as there are registers; all at once they would go
//! to the stack and back on their way.

use std::collections::{HashMap, HashSet};

use simt_ir::{BlockId, Op, Terminator, Value};

use super::FunctionEmitter;
use super::frame::Saved;
use super::value::Variable;

/// Where the sums are in the block that is being emitted.
#[derive(Default)]
pub(super) struct FrameSums {
    /// By block that a wait leads to: sums that are still in the frame where it begins.
    left: HashMap<BlockId, Vec<(Value, Saved)>>,
    /// Those that have not been loaded yet.
    waiting: Vec<(Value, Saved)>,
    /// Slots that the wait at the block's end saves, and those of them that are in the frame already.
    saved_at_end: HashSet<usize>,
    stored: HashSet<usize>,
}

impl FunctionEmitter<'_> {
    /// Of what is saved at a wait, what may stay in the frame until `next`, to which nothing else leads, uses it.
    pub fn leave_sums(&mut self, next: BlockId, values: &[Value]) -> HashSet<usize> {
        let mut added_to = HashSet::new();
        for instruction in &self.function.block(next).instructions {
            if let Op::MatrixProduct { c, .. } = &instruction.op {
                added_to.extend(c.iter().copied());
            }
        }
        let sums = values.iter().copied().filter(|value| added_to.contains(value) && self.is_only_added_to(*value));
        let left: Vec<(Value, Saved)> = sums.filter_map(|value| Some((value, self.vector_slot(value)?))).collect();
        let slots = left.iter().map(|(_, item)| item.slot.key()).collect();
        self.frame_sums.left.insert(next, left);
        slots
    }

    /// Whether nothing but products and phis uses a value.
    fn is_only_added_to(&self, value: Value) -> bool {
        let function = self.function;
        let elsewhere = |op: &Op| {
            let operands = op.operands();
            let uses = operands.iter().filter(|operand| **operand == value).count();
            let sums = if let Op::MatrixProduct { c, .. } = op { c.as_slice() } else { &[] };
            uses > sums.iter().filter(|sum| **sum == value).count()
        };
        let mut instructions = function.blocks.iter().flat_map(|block| &block.instructions);
        !instructions.any(|instruction| elsewhere(&instruction.op))
    }

    fn vector_slot(&self, value: Value) -> Option<Saved> {
        match self.variables[value.0 as usize] {
            Some(Variable::Vector(_)) => self.slots_of(value).first().copied(),
            _ => None,
        }
    }

    /// At the start of a block: what it finds in the frame, and what its end wants there.
    pub fn begin_sums(&mut self, block: BlockId) {
        let data = self.function.block(block);
        self.frame_sums.waiting = self.frame_sums.left.remove(&block).unwrap_or_default();
        self.frame_sums.saved_at_end.clear();
        self.frame_sums.stored.clear();
        if let (Some(last), Terminator::Branch(next)) = (data.instructions.last(), &data.terminator)
            && data.instructions.iter().any(|instruction| matches!(instruction.op, Op::MatrixProduct { .. }))
            && self.suspends_after(last)
        {
            let (_, values) = self.what_to_save(*next, self.presence.is_alone(block));
            let slots = values.into_iter().filter_map(|value| self.vector_slot(value));
            self.frame_sums.saved_at_end = slots.map(|item| item.slot.key()).collect();
        }
    }

    /// Loads those of the values that are still in the frame.
    pub fn fetch_sums(&mut self, wanted: impl Fn(Value, &Saved) -> bool) {
        if self.frame_sums.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.frame_sums.waiting);
        let (fetched, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(value, item)| wanted(*value, item));
        self.frame_sums.waiting = waiting;
        self.restore(fetched.iter().map(|(_, item)| item));
    }

    /// Loads what is still at the place in the frame that a slot is about to be stored to.
    pub fn fetch_sums_instead_of(&mut self, item: &Saved) {
        let Self { waits, frame_sums, .. } = self;
        let place = waits.frame.offset(item);
        let there = frame_sums.waiting.iter().filter(|(_, other)| waits.frame.offset(other) == place);
        let there: HashSet<usize> = there.map(|(_, other)| other.slot.key()).collect();
        self.fetch_sums(|_, other| there.contains(&other.slot.key()));
    }

    /// Stores a sum that has just been made, if the wait at the block's end saves it.
    pub fn store_sum(&mut self, value: Value) {
        let Some(item) = self.vector_slot(value) else { return };
        let key = item.slot.key();
        if self.frame_sums.saved_at_end.contains(&key) && !self.waits.frame.is_kept(&item) {
            self.save(&[item]);
            self.frame_sums.stored.insert(key);
        }
    }

    /// Whether a slot's value is in the frame already, at the wait that ends the block.
    pub fn is_stored_sum(&self, item: &Saved) -> bool {
        self.frame_sums.stored.contains(&item.slot.key())
    }
}
