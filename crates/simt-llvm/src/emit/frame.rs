//! The frame of a warp: what it keeps behind a wait, and where.

use std::collections::{HashMap, HashSet};
use std::mem::offset_of;

use simt_ir::abi::WarpContext;
use simt_ir::{BlockId, Op, Terminator, Type, Value};

use super::FunctionEmitter;
use super::value::{Home, Kept, Variable};
use crate::llvm::{Ty, Val};

/// The layout of a frame.
#[derive(Default)]
pub(super) struct Frame {
    /// Offset of each slot ever saved, or of each group of slots.
    offsets: HashMap<usize, u32>,
    /// Size so far.
    pub bytes: u32,
    /// Values that are stored to the frame when they are made, and their slots.
    kept_values: HashSet<Value>,
    kept: HashSet<usize>,
    /// Slots that share a place.
    groups: Groups,
}

impl Frame {
    /// Whether a slot is stored when its value is made.
    pub fn is_kept(&self, item: &Saved) -> bool {
        self.kept.contains(&item.slot.key())
    }

    /// Room for so many bytes, aligned to as many, or to 64.
    fn reserve(&mut self, bytes: u32) -> u32 {
        let offset = self.bytes.next_multiple_of(bytes.clamp(4, 64));
        self.bytes = offset + bytes;
        offset
    }

    /// Where a slot's place begins.
    pub fn offset(&mut self, item: &Saved) -> u32 {
        let key = self.groups.of(item.slot.key());
        if let Some(&offset) = self.offsets.get(&key) {
            return offset;
        }
        let offset = self.reserve(item.bytes);
        self.offsets.insert(key, offset);
        offset
    }
}

/// A stack slot with the type and size of what it holds.
#[derive(Clone, Copy)]
pub(super) struct Saved {
    pub slot: Val,
    pub ty: Ty,
    pub bytes: u32,
}

/// Groups of slots, each known by one of them.
#[derive(Default)]
struct Groups {
    leader: HashMap<usize, usize>,
    members: HashMap<usize, Vec<usize>>,
}

impl Groups {
    fn of(&self, slot: usize) -> usize {
        self.leader.get(&slot).copied().unwrap_or(slot)
    }

    /// Makes one group of two, if none of the sets has members of both.
    fn join(&mut self, a: usize, b: usize, apart: &[HashSet<usize>]) {
        let (a, b) = (self.of(a), self.of(b));
        if a == b {
            return;
        }
        let members = |slot: usize| self.members.get(&slot).cloned().unwrap_or_else(|| vec![slot]);
        let (of_a, of_b) = (members(a), members(b));
        let has = |set: &HashSet<usize>, members: &[usize]| members.iter().any(|slot| set.contains(slot));
        if apart.iter().any(|set| has(set, &of_a) && has(set, &of_b)) {
            return;
        }
        for &slot in &of_b {
            self.leader.insert(slot, a);
        }
        self.members.insert(a, [of_a, of_b].concat());
        self.members.remove(&b);
    }
}

impl FunctionEmitter<'_> {
    /// Stores slots to their places in the frame.
    pub(super) fn save(&mut self, items: &[Saved]) {
        let frame = self.warp_pointer(offset_of!(WarpContext, frame));
        for item in items {
            self.fetch_sums_instead_of(item);
            let place = self.place(frame, item);
            let store = self.ir.store(self.ir.load(item.ty, item.slot), place, 4);
            self.ir.set_in_frame(store);
        }
    }

    /// Loads slots from their places in the frame.
    pub(super) fn restore<'s>(&mut self, items: impl IntoIterator<Item = &'s Saved>) {
        let frame = self.warp_pointer(offset_of!(WarpContext, frame));
        for item in items {
            let place = self.place(frame, item);
            let value = self.ir.load_aligned(item.ty, place, 4);
            self.ir.set_in_frame(value);
            self.ir.store(value, item.slot, 0);
        }
    }

    /// Decides how values are kept over waits, before any code is made.
    pub fn plan_frame(&mut self) {
        if !self.can_suspend() {
            return;
        }
        let function = self.function;
        let mut waits = Vec::new();
        for &id in &self.shapes.schedule.layout.order {
            let block = function.block(id);
            if let (Some(last), Terminator::Branch(next)) = (block.instructions.last(), &block.terminator)
                && self.suspends_after(last)
            {
                let (_, values) = self.what_to_save(*next, self.presence.is_alone(id));
                waits.push((id, values));
            }
        }
        self.leave_distances(&waits);
        self.choose_kept(&waits);
        let schedule = &self.shapes.schedule;
        // Where loops spin there are more waits than these.
        if !schedule.irregular && !schedule.spins.contains(&true) {
            self.share_places(&waits);
        }
    }

    /// Leaves the distances of progressions that are only hoped for in the frame, where they survive waits: they are loaded where one turns out false.
    /// What moves on by a step that is the same in all lanes has the distances of what it moves from, and no place of its own.
    fn leave_distances(&mut self, waits: &[(BlockId, Vec<Value>)]) {
        let function = self.function;
        let schedule = &self.shapes.schedule;
        if schedule.irregular || schedule.spins.contains(&true) {
            return;
        }
        let survive: HashSet<Value> = waits.iter().flat_map(|(_, values)| values.iter().copied()).collect();
        for index in 0..self.shapes.schedule.layout.order.len() {
            let block = function.block(self.shapes.schedule.layout.order[index]);
            for phi in &block.phis {
                self.leave_distances_of(phi.result, &survive, None);
            }
            for instruction in &block.instructions {
                let source = match &instruction.op {
                    Op::Binary { op, a, b, .. } => self.keeps_distances(op, *a, *b),
                    _ => None,
                };
                for result in &instruction.results {
                    self.leave_distances_of(*result, &survive, source);
                }
            }
        }
    }

    fn leave_distances_of(&mut self, value: Value, survive: &HashSet<Value>, source: Option<Value>) {
        if !survive.contains(&value) || self.kept_of(value).is_none() {
            return;
        }
        let of_source = source.and_then(|source| self.kept_of(source)).and_then(|kept| match kept.distances {
            Home::Frame(offset) => Some(offset),
            Home::Slot(_) => None,
        });
        let bytes = self.vector_bytes(self.function.ty(value));
        let offset = of_source.unwrap_or_else(|| self.waits.frame.reserve(bytes));
        if let Some(kept) = self.kept_of(value) {
            kept.distances = Home::Frame(offset);
        }
    }

    /// What is kept of the progression of a value that is only hoped for.
    fn kept_of(&mut self, value: Value) -> Option<&mut Kept> {
        match &mut self.variables[value.0 as usize] {
            Some(Variable::Affine { speculation, .. } | Variable::Segments { speculation, .. }) => speculation.as_mut(),
            _ => None,
        }
    }

    /// Decides which values are stored to the frame when they are made: those that a barrier in a loop saves in every turn, though they are
    /// made outside of it, and those outside of loops altogether, which each barrier would store anew, and later, when they are in no register any more.
    fn choose_kept(&mut self, waits: &[(BlockId, Vec<Value>)]) {
        let function = self.function;
        let layout = &self.shapes.schedule.layout;
        let mut depth_of = vec![0; function.value_types.len()];
        for &id in &layout.order {
            let block = function.block(id);
            let results = block.instructions.iter().flat_map(|instruction| &instruction.results);
            for value in results.chain(block.phis.iter().map(|phi| &phi.result)) {
                depth_of[value.0 as usize] = layout.depth(id);
            }
        }
        let is_kept = |id: &BlockId, value: &Value| {
            let depth = depth_of[value.0 as usize];
            depth == 0 || depth < layout.depth(*id)
        };
        let kept: Vec<Value> =
            waits.iter().flat_map(|(id, values)| values.iter().copied().filter(|value| is_kept(id, value))).collect();
        for value in kept {
            self.set_kept(value);
        }
    }

    /// Gives a value that changes from turn to turn of a loop one place, before and behind the end of the turn: what a wait does not change then
    /// is not moved from one place to the other. No wait may need both.
    fn share_places(&mut self, waits: &[(BlockId, Vec<Value>)]) {
        let saved: Vec<HashSet<usize>> = waits
            .iter()
            .map(|(_, values)| {
                values.iter().flat_map(|value| self.slots_of(*value)).map(|item| item.slot.key()).collect()
            })
            .collect();
        let mut groups = Groups::default();
        for &id in &self.shapes.schedule.layout.order {
            for phi in &self.function.block(id).phis {
                let to = self.slots_of(phi.result);
                for &(_, value) in &phi.incoming {
                    let from = self.slots_of(value);
                    let alike = from.len() == to.len() && from.iter().zip(&to).all(|(a, b)| a.bytes == b.bytes);
                    for (a, b) in from.iter().zip(&to).filter(|_| alike) {
                        if !self.waits.frame.is_kept(a) && !self.waits.frame.is_kept(b) {
                            groups.join(a.slot.key(), b.slot.key(), &saved);
                        }
                    }
                }
            }
        }
        self.waits.frame.groups = groups;
        self.keep_shared(&saved);
    }

    /// Has phis stored when they are made whose place a wait of the loop stores to anyway: at the end of a turn there is nothing to do then, nor
    /// is there at the waits of the next.
    fn keep_shared(&mut self, saved: &[HashSet<usize>]) {
        let is_saved = |item: &Saved| saved.iter().any(|set| set.contains(&item.slot.key()));
        let mut kept = Vec::new();
        for &id in &self.shapes.schedule.layout.order {
            for phi in &self.function.block(id).phis {
                let to = self.slots_of(phi.result);
                let shares = |value: Value| {
                    let from = self.slots_of(value);
                    let groups = &self.waits.frame.groups;
                    let same = |(a, b): (&Saved, &Saved)| groups.of(a.slot.key()) == groups.of(b.slot.key());
                    !to.is_empty()
                        && from.len() == to.len()
                        && from.iter().all(is_saved)
                        && from.iter().zip(&to).all(same)
                };
                if to.iter().all(is_saved)
                    && phi.incoming.iter().any(|&(_, value)| value != phi.result && shares(value))
                {
                    kept.push(phi.result);
                }
            }
        }
        for value in kept {
            self.set_kept(value);
        }
    }

    fn set_kept(&mut self, value: Value) {
        // The first member of a pack writes for all, whichever of them is wanted.
        let writes = match (self.variables[value.0 as usize], self.packs.place(value)) {
            (Some(Variable::Part { .. }), Some((pack, _))) => self.packs.members(pack)[0],
            _ => value,
        };
        self.waits.frame.kept_values.insert(writes);
        for item in self.slots_of(value) {
            self.waits.frame.kept.insert(item.slot.key());
        }
    }

    /// Stores a value to the frame that has just been made.
    pub fn keep(&mut self, value: Value) {
        if self.waits.frame.kept_values.contains(&value) {
            let items = self.slots_of(value);
            self.save(&items);
        }
    }

    /// What is so many bytes into the frame.
    pub(super) fn frame_at(&self, offset: u32) -> Val {
        self.ir.offset_by(self.warp_pointer(offset_of!(WarpContext, frame)), offset as usize)
    }

    /// The place of a slot in the frame.
    pub(super) fn place(&mut self, frame: Val, item: &Saved) -> Val {
        let offset = self.waits.frame.offset(item);
        self.ir.offset_by(frame, offset as usize)
    }

    /// A word in the frame that nothing else uses.
    pub(super) fn frame_word(&mut self) -> Val {
        let offset = self.waits.frame.reserve(8);
        self.frame_at(offset)
    }

    /// Slots and values that have to survive a wait.
    pub(super) fn what_to_save(&self, next: BlockId, together: bool) -> (Vec<Saved>, Vec<Value>) {
        let mut values: Vec<Value> = Vec::new();
        let mut saved = vec![Saved { slot: self.stack_top, ty: self.ir.int(32), bytes: 4 }];
        for &block in &self.shapes.schedule.layout.order {
            let pendable =
                self.predecessors[block.0 as usize].iter().any(|from| !self.shapes.schedule.is_immediate(*from, block));
            if block != next && (together || !pendable) {
                continue;
            }
            let slot = self.pending[block.0 as usize].expect("every reachable block has a slot");
            // Of a block that is run by all lanes the walk needs to know who has come, but going on there needs nothing.
            if block != next || !self.presence.is_full(block) {
                saved.push(Saved { slot, ty: self.mask_type(), bytes: self.lanes() / 8 });
            }
            values.extend(self.liveness.live_in(block));
            values.extend(self.function.block(block).phis.iter().map(|phi| phi.result));
        }
        values.sort_unstable();
        values.dedup();
        (saved, values)
    }

    /// Where a value is kept between blocks.
    pub(super) fn slots_of(&self, value: Value) -> Vec<Saved> {
        let ty = self.function.ty(value);
        let scalar = |slot: Val| Saved { slot, ty: self.scalar_type(ty), bytes: ty.bytes() };
        let vector = |slot: Val| Saved { slot, ty: self.vector_type(ty), bytes: self.vector_bytes(ty) };
        let of_speculation = |kept: Kept| {
            let distances = match kept.distances {
                Home::Slot(slot) => Some(vector(slot)),
                Home::Frame(_) => None,
            };
            [Saved { slot: kept.holds, ty: self.ir.int(1), bytes: 1 }].into_iter().chain(distances)
        };
        match self.variables[value.0 as usize] {
            Some(Variable::Uniform(slot)) => vec![scalar(slot)],
            Some(Variable::Vector(slot)) => vec![vector(slot)],
            Some(Variable::Part { whole, count, .. }) => {
                vec![Saved { slot: whole, ty: self.pack_type(ty, count), bytes: self.vector_bytes(ty) * count }]
            }
            Some(Variable::Affine { base, speculation, .. }) => {
                [scalar(base)].into_iter().chain(speculation.into_iter().flat_map(of_speculation)).collect()
            }
            Some(Variable::Segments { bases, speculation, .. }) => {
                let bases = bases.iter().map(|slot| scalar(*slot));
                bases.chain(speculation.into_iter().flat_map(of_speculation)).collect()
            }
            None => Vec::new(),
        }
    }

    /// Bytes of all lanes in the frame; predicates are packed.
    fn vector_bytes(&self, ty: Type) -> u32 {
        if ty == Type::I1 { self.lanes() / 8 } else { ty.bytes() * self.lanes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_a_wait_needs_together_stay_apart() {
        let mut groups = Groups::default();
        let waits = [HashSet::from([1, 2]), HashSet::from([3, 4])];
        groups.join(1, 3, &waits);
        assert_eq!(groups.of(1), groups.of(3));
        // 4 is needed together with 3, which shares with 1.
        groups.join(1, 4, &waits);
        groups.join(4, 2, &waits);
        assert_eq!(groups.of(4), groups.of(2));
        assert_ne!(groups.of(4), groups.of(1));
        groups.join(2, 3, &waits);
        assert_ne!(groups.of(2), groups.of(3));
        assert_eq!(groups.of(7), 7);
    }
}
