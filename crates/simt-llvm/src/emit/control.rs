//! Walking the blocks: pending masks, immediate jumps, loops, phis.

use std::mem::offset_of;

use simt_ir::abi::WarpContext;
use simt_ir::analysis::LoopInfo;
use simt_ir::{BlockId, FunctionKind, Op, Terminator, Type, Value};

use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bb, IntPredicate, Ty, Val};

impl FunctionEmitter<'_> {
    /// Emits all blocks. The builder stands where the function's code begins; `start` is where a fresh call begins.
    pub fn walk(&mut self, start: Bb, parameters: &[Val]) -> Result<(), Error> {
        let order = self.shapes.schedule.layout.order.clone();
        self.make_blocks(&order);
        self.make_variables(&order);
        self.plan_frame();
        let entry = order[0];
        let entry_slot = self.pending_slot(entry);
        self.ir.store(self.entry_mask, entry_slot, 0);
        self.define_parameters(parameters);
        self.ir.br(self.body_of(entry));
        for (position, &block) in order.iter().enumerate() {
            self.test(position, block);
            self.body(position, block)?;
        }
        self.loop_tests();
        self.lane_loop_tests();
        self.finish(start)
    }

    fn make_blocks(&mut self, order: &[BlockId]) {
        for &block in order {
            self.tests[block.0 as usize] = Some(self.new_block(&format!("test{}", block.0)));
            self.bodies[block.0 as usize] = Some(self.new_block(&format!("body{}", block.0)));
            self.pending[block.0 as usize] = Some(self.zeroed_slot(self.mask_type()));
        }
        for index in 0..self.shapes.schedule.layout.loops.len() {
            self.loop_ends.push(self.new_block(&format!("loop{index}")));
        }
    }

    /// Slots for every phi, and for every value used outside the block that defines it.
    fn make_variables(&mut self, order: &[BlockId]) {
        let count = self.function.value_types.len();
        let mut home: Vec<Option<BlockId>> = vec![None; count];
        let function = self.function;
        for &id in order {
            for instruction in &function.block(id).instructions {
                instruction.results.iter().for_each(|result| home[result.0 as usize] = Some(id));
                if is_cheap(&instruction.op) {
                    self.made_anew[instruction.results[0].0 as usize] = Some(&instruction.op);
                }
            }
        }
        let mut crosses = vec![false; count];
        for &id in order {
            for value in self.liveness.live_in(id) {
                crosses[value.0 as usize] |= home[value.0 as usize].is_some();
            }
            self.function.block(id).phis.iter().for_each(|phi| crosses[phi.result.0 as usize] = true);
        }
        for (index, crosses) in crosses.into_iter().enumerate() {
            let parameter = index < self.function.parameters.len();
            let kept = self.made_anew[index].is_none() && self.shapes.fact(Value(index as u32)).constant.is_none();
            if (crosses && kept) || parameter {
                self.make_variable(Value(index as u32));
            }
        }
    }

    /// Reads what the phis of all successors take from this block, before any of them is assigned.
    fn preload_phi_sources(&mut self, block: BlockId, successors: &[BlockId]) {
        let function = self.function;
        for successor in successors {
            for phi in &function.block(*successor).phis {
                for (_, source) in phi.incoming.iter().filter(|(from, _)| *from == block) {
                    let repr = self.get(*source);
                    let read = self.read_for(phi.result, repr);
                    self.at_hand.insert(*source, read);
                }
            }
        }
    }

    fn pending_slot(&self, block: BlockId) -> Val {
        self.pending[block.0 as usize].expect("every reachable block has a slot")
    }

    fn body_of(&self, block: BlockId) -> Bb {
        self.bodies[block.0 as usize].expect("every reachable block has a body")
    }

    fn may_be_pending(&self, block: BlockId) -> bool {
        self.shapes.schedule.may_be_pending(&self.reached_predecessors(block), block)
    }

    /// Whether lanes may be pending at a block when others come to it at once: at the head of a loop that are lanes which ended their turn by another
    /// edge, if these go back, since those that entered the loop have been taken along by the turn that ends.
    fn may_wait_before(&self, block: BlockId, goes_back: bool) -> bool {
        let schedule = &self.shapes.schedule;
        let mut predecessors = self.reached_predecessors(block);
        predecessors.retain(|from| !goes_back || schedule.layout.is_retreating(*from, block));
        schedule.may_be_pending(&predecessors, block)
    }

    fn reached_predecessors(&self, block: BlockId) -> Vec<BlockId> {
        let reached = |from: &BlockId| self.shapes.schedule.layout.position[from.0 as usize] != usize::MAX;
        self.predecessors[block.0 as usize].iter().copied().filter(reached).collect()
    }

    /// Where the walk goes when it is done with a position.
    pub fn after(&self, position: usize) -> Bb {
        let layout = &self.shapes.schedule.layout;
        // The innermost loop that ends here decides first.
        let ending = layout.loops.iter().enumerate().rev().find(|(_, info)| info.last == position);
        match ending {
            Some((index, _)) => self.loop_ends[index],
            None => self.next_test(position),
        }
    }

    pub fn next_test(&self, position: usize) -> Bb {
        match self.shapes.schedule.layout.order.get(position + 1) {
            Some(next) => self.tests[next.0 as usize].expect("made for every block"),
            None => self.end,
        }
    }

    /// `if any lane is pending, run the block, else go on`.
    fn test(&mut self, position: usize, block: BlockId) {
        self.ir.position(self.tests[block.0 as usize].expect("made for every block"));
        if self.is_always_reached(position, block) {
            self.ir.br(self.body_of(block));
        } else if self.may_be_pending(block) || (self.shapes.schedule.irregular && position == 0) {
            let mask = self.ir.load(self.mask_type(), self.pending_slot(block));
            let ready = self.ready_lanes(block, mask);
            if self.shapes.schedule.arrives_apart(block) {
                self.ir.cond_br(self.any(ready), self.body_of(block), self.after(position));
                return;
            }
            // Said again, because LLVM does not conclude from the test that the slot is zero.
            let nobody = self.new_block("nobody");
            self.ir.cond_br(self.any(ready), self.body_of(block), nobody);
            self.ir.position(nobody);
            self.ir.store(self.no_lanes(), self.pending_slot(block), 0);
            self.ir.br(self.without(position));
        } else {
            self.ir.br(self.without(position));
        }
    }

    /// Of the lanes pending at a block, those that may run it now.
    ///
    /// Where lanes fall behind each other, an operation across lanes waits until all members that are still there have come; a barrier of
    /// the block waits for the whole warp.
    fn ready_lanes(&mut self, block: BlockId, pending: Val) -> Val {
        let function = self.function;
        let first = function.block(block).instructions.first().map(|instruction| &instruction.op);
        let Some(op) = first.filter(|op| self.shapes.schedule.arrives_apart(block) && simt_ir::pass::is_convergent(op))
        else {
            return pending;
        };
        let alive = self.alive_lanes();
        let missing = self.mask_bits(self.ir.and(alive, self.ir.not(pending)));
        let missing = self.ir.splat(missing, self.lanes());
        self.at_hand.clear();
        let members = match op.members().filter(|_| !self.shapes.schedule.gathers(block)) {
            Some(members) => self.vector(members),
            None => self.ir.constant(self.ir.type_of(missing), u64::MAX),
        };
        self.at_hand.clear();
        let absent = self.ir.and(missing, members);
        let complete = self.ir.icmp(IntPredicate::LLVMIntEQ, absent, self.ir.zero(self.ir.type_of(absent)));
        self.ir.and(pending, complete)
    }

    /// Lanes of an irregular function that are still in it; while no block runs, all of them are pending somewhere.
    pub fn alive_lanes(&mut self) -> Val {
        let exited = self.load_warp(offset_of!(WarpContext, exited));
        let exited = self.mask_from_bits(exited);
        let returned = self.ir.load(self.mask_type(), self.returned);
        self.ir.and(self.entry_mask, self.ir.not(self.ir.or(exited, returned)))
    }

    fn body(&mut self, position: usize, block: BlockId) -> Result<(), Error> {
        self.ir.position(self.body_of(block));
        self.block = block;
        self.segment = None;
        self.at_hand.clear();
        let slot = self.pending_slot(block);
        if self.presence.is_full(block) {
            self.mask = self.all_lanes();
            self.ir.store(self.no_lanes(), slot, 0);
        } else {
            let pending = self.ir.load(self.mask_type(), slot);
            self.mask = self.ready_lanes(block, pending);
            self.ir.store(self.ir.and(pending, self.ir.not(self.mask)), slot, 0);
        }
        let function = self.function;
        let data = function.block(block);
        self.begin_sums(block);
        self.begin_strided(block);
        self.begin_records(block);
        for (index, instruction) in data.instructions.iter().enumerate() {
            let is_done = self.is_in_rounds(index)?
                || self.strided_instruction(index, instruction)
                || self.record_instruction(index, instruction);
            if !is_done {
                self.instruction(instruction)?;
            }
        }
        self.fetch_sums(|_, _| true);
        self.line = data.terminator_line;
        if let (Some(last), Terminator::Branch(next)) = (data.instructions.last(), &data.terminator)
            && self.suspends_after(last)
        {
            self.line = last.line;
            self.wait_before(block, *next, last);
            return Ok(());
        }
        self.terminator(position, block, &data.terminator)
    }

    fn terminator(&mut self, position: usize, block: BlockId, terminator: &Terminator) -> Result<(), Error> {
        match terminator {
            Terminator::Branch(to) => self.take_edge(position, block, *to, self.mask),
            Terminator::CondBranch { condition, then, otherwise } => {
                if self.shape(*condition).is_uniform() {
                    let condition = self.uniform(*condition);
                    let (on_true, on_false) = (self.new_block("then"), self.new_block("else"));
                    self.ir.cond_br(condition, on_true, on_false);
                    let at_hand = self.at_hand.clone();
                    self.ir.position(on_true);
                    self.take_edge(position, block, *then, self.mask);
                    self.at_hand = at_hand;
                    self.ir.position(on_false);
                    self.take_edge(position, block, *otherwise, self.mask);
                } else {
                    self.note_branch(*condition);
                    let condition = self.vector(*condition);
                    let mask = self.mask;
                    let true_lanes = self.ir.and(mask, condition);
                    let false_lanes = self.ir.and(mask, self.ir.not(condition));
                    self.observe_branch(true_lanes);
                    self.preload_phi_sources(block, &[*then, *otherwise]);
                    if self.begins_next_turn(position, *then) {
                        self.turn_together(block, *then, self.any(false_lanes));
                    } else if self.begins_next_turn(position, *otherwise) {
                        self.turn_together(block, *otherwise, self.any(true_lanes));
                    }
                    self.add_pending(block, *then, true_lanes);
                    self.add_pending(block, *otherwise, false_lanes);
                    self.ir.br(self.after(position));
                }
            }
            Terminator::Switch { index, targets } => self.switch(position, block, *index, targets),
            Terminator::Return(values) => {
                if self.function.kind == FunctionKind::Lane {
                    for (number, value) in values.iter().enumerate() {
                        let scalar = self.observed_uniform(*value);
                        self.ir.store(scalar, self.returns[number], 0);
                    }
                } else if self.function.kind == FunctionKind::Device {
                    for (number, value) in values.iter().enumerate() {
                        let vector = self.observed(*value);
                        let slot = self.returns[number];
                        let old = self.ir.load(self.ir.type_of(vector), slot);
                        self.ir.store(self.ir.select(self.mask, vector, old), slot, 0);
                    }
                    let returned = self.ir.load(self.mask_type(), self.returned);
                    self.ir.store(self.ir.or(returned, self.mask), self.returned, 0);
                } else if self.unit.suspendable || self.shapes.schedule.irregular {
                    // Neither barriers nor lanes wait for threads that are gone.
                    self.note_exit();
                }
                self.ir.br(self.after(position));
            }
            Terminator::Exit => {
                self.note_exit();
                self.ir.br(self.after(position));
            }
            Terminator::Trap => {
                self.runtime_fault(super::runtime::FAULT_TRAP);
                self.ir.br(self.fault);
            }
            Terminator::Unreachable => {
                // Nobody may wait for lanes that are lost here.
                self.note_exit();
                self.ir.br(self.after(position));
            }
        }
        Ok(())
    }

    /// Whether all that a block of the kernel does is to end its threads.
    fn only_ends(&self, block: BlockId) -> bool {
        let data = self.function.block(block);
        self.function.kind == FunctionKind::Kernel
            && data.instructions.iter().all(|instruction| matches!(instruction.op, Op::Mark { .. }))
            && matches!(data.terminator, Terminator::Return(_) | Terminator::Exit)
    }

    /// Counts the active lanes among those that have exited.
    fn note_exit(&mut self) {
        if self.lanes() != LANES {
            // Nobody waits for a team's threads, which end behind its last barrier.
            return;
        }
        let field = self.warp_field(offset_of!(WarpContext, exited));
        let old = self.ir.load(self.ir.int(32), field);
        self.ir.store(self.ir.or(old, self.mask_bits(self.mask)), field, 0);
    }

    fn switch(&mut self, position: usize, block: BlockId, index: Value, targets: &[BlockId]) {
        let last = targets.len() - 1;
        if self.shape(index).is_uniform() {
            let index = self.uniform(index);
            let mut cases = Vec::new();
            let mut blocks: Vec<(BlockId, Bb)> = Vec::new();
            for (number, target) in targets.iter().enumerate() {
                let known = blocks.iter().find(|(block, _)| block == target).map(|(_, bb)| *bb);
                let bb = known.unwrap_or_else(|| {
                    let bb = self.new_block("case");
                    blocks.push((*target, bb));
                    bb
                });
                cases.push((number as u64, bb));
            }
            let default = cases[last].1;
            self.ir.switch(index, default, &cases[..last]);
            let at_hand = self.at_hand.clone();
            for (target, bb) in blocks {
                self.ir.position(bb);
                self.at_hand = at_hand.clone();
                self.take_edge(position, block, target, self.mask);
            }
            return;
        }
        self.note_branch(index);
        let index = self.vector(index);
        self.observe_switch(index);
        let ty = self.ir.type_of(index);
        let mut distinct: Vec<(BlockId, Val)> = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            let bound = self.ir.constant(ty, number as u64);
            let predicate = if number == last { IntPredicate::LLVMIntUGE } else { IntPredicate::LLVMIntEQ };
            let lanes = self.ir.and(self.mask, self.ir.icmp(predicate, index, bound));
            match distinct.iter_mut().find(|(block, _)| block == target) {
                Some((_, mask)) => *mask = self.ir.or(*mask, lanes),
                None => distinct.push((*target, lanes)),
            }
        }
        let successors: Vec<BlockId> = distinct.iter().map(|(target, _)| *target).collect();
        self.preload_phi_sources(block, &successors);
        for (target, lanes) in distinct {
            self.add_pending(block, target, lanes);
        }
        self.ir.br(self.after(position));
    }

    /// All active lanes go from `from` to `to`.
    pub fn take_edge(&mut self, position: usize, from: BlockId, to: BlockId, mask: Val) {
        let immediate = self.shapes.schedule.is_immediate(from, to);
        if !immediate {
            self.add_pending(from, to, mask);
            self.ir.br(self.after(position));
            return;
        }
        self.copy_phis(from, to, mask);
        let slot = self.pending_slot(to);
        let goes_back = self.shapes.schedule.layout.is_retreating(from, to);
        if self.may_wait_before(to, goes_back) {
            let old = self.ir.load(self.mask_type(), slot);
            self.ir.store(self.ir.or(old, mask), slot, 0);
        } else {
            self.ir.store(mask, slot, 0);
        }
        if goes_back {
            self.next_turn(from, to);
            let next = self.next_turn_at(to);
            self.ir.br(next);
            return;
        }
        self.ir.br(self.body_of(to));
    }

    /// Whether a branch at the end of a loop's last block to `to` goes on with the loop.
    fn begins_next_turn(&self, position: usize, to: BlockId) -> bool {
        let schedule = &self.shapes.schedule;
        let ends = |info: &LoopInfo| info.last == position && info.entries == [to];
        !schedule.arrives_apart(to) && schedule.layout.loops.iter().any(ends)
    }

    /// From a divergent branch straight to the head of the loop unless `some_leave`: what is done for lanes that leave need not be done for
    /// none. Goes on emitting for the case that some do.
    fn turn_together(&mut self, from: BlockId, to: BlockId, some_leave: Val) {
        let (together, apart) = (self.new_block("together"), self.new_block("apart"));
        self.ir.unlikely_br(some_leave, apart, together);
        let at_hand = self.at_hand.clone();
        self.ir.position(together);
        self.copy_phis(from, to, self.mask);
        let slot = self.pending_slot(to);
        let old = self.ir.load(self.mask_type(), slot);
        self.ir.store(self.ir.or(old, self.mask), slot, 0);
        self.next_turn(from, to);
        let next = self.next_turn_at(to);
        self.ir.br(next);
        self.at_hand = at_hand;
        self.ir.position(apart);
    }

    /// At an edge back to the head of a loop.
    fn next_turn(&mut self, from: BlockId, to: BlockId) {
        self.yield_in_loop(from, to);
        let loops = &self.shapes.schedule.layout.loops;
        if let Some(index) = loops.iter().position(|info| info.entries == [to]) {
            self.forget_turn(index);
        }
    }

    /// At the end of a loop's turn: what was computed in it is dead, since only its entry's phis go on and what leaves the loop does so
    /// through phis too. LLVM cannot know, because on the walk a block that uses a value can be reached without the one that makes it.
    fn forget_turn(&mut self, index: usize) {
        let layout = &self.shapes.schedule.layout;
        let info = &layout.loops[index];
        let blocks = &layout.order[info.first..=info.last];
        let apart = blocks.iter().any(|block| self.shapes.schedule.arrives_apart(*block));
        if apart || info.is_irreducible() {
            return;
        }
        let (function, header) = (self.function, info.entries[0]);
        let mut values: Vec<Value> = Vec::new();
        for &id in blocks {
            let block = function.block(id);
            values.extend(block.phis.iter().map(|phi| phi.result).filter(|_| id != header));
            values.extend(block.instructions.iter().flat_map(|instruction| &instruction.results));
        }
        for value in values {
            self.forget_variable(value);
        }
    }

    /// Lets lanes wait at `to` until the walk gets there.
    pub fn add_pending(&mut self, from: BlockId, to: BlockId, lanes: Val) {
        if self.only_ends(to) {
            // At once, not when the walk gets there: a barrier on the way must not wait for them.
            let mask = std::mem::replace(&mut self.mask, lanes);
            self.note_exit();
            self.mark_ending(to, lanes);
            self.mask = mask;
            return;
        }
        self.copy_phis(from, to, lanes);
        let slot = self.pending_slot(to);
        let old = self.ir.load(self.mask_type(), slot);
        self.ir.store(self.ir.or(old, lanes), slot, 0);
    }

    /// Assigns the phis of `to` for lanes that come from `from`, all at once.
    fn copy_phis(&mut self, from: BlockId, to: BlockId, lanes: Val) {
        let function = self.function;
        let schedule = &self.shapes.schedule;
        let blend = schedule.is_blended(to);
        let is_first = schedule.is_first(from, to, &self.predecessors[to.0 as usize]);
        let mut copies: Vec<(Value, Repr)> = Vec::new();
        for phi in &function.block(to).phis {
            if let Some((_, source)) = phi.incoming.iter().find(|(block, _)| *block == from) {
                let mixed = !self.arithmetic_nans[phi.result.0 as usize];
                let repr = if mixed { self.get_observed(*source) } else { self.get(*source) };
                copies.push((phi.result, self.read_for(phi.result, repr)));
            }
        }
        let mask = std::mem::replace(&mut self.mask, lanes);
        for (result, repr) in copies {
            // What is defined nowhere must not take the place of something.
            let for_all = is_first && !matches!(repr, Repr::Vector(vector) if self.ir.is_poison(vector));
            self.write_variable(result, repr, blend && !for_all);
            // The source block may read the phi's old value again (a loop's own phi): only the slot has changed.
        }
        self.mask = mask;
    }

    /// At the end of each loop: back to its entries while lanes are pending there.
    fn loop_tests(&mut self) {
        let loops = self.shapes.schedule.layout.loops.clone();
        for (index, info) in loops.iter().enumerate() {
            self.ir.position(self.loop_ends[index]);
            let outward = self.outward(index, info.last);
            let pending: Vec<BlockId> =
                info.entries.iter().copied().filter(|entry| self.may_be_pending(*entry)).collect();
            if pending.is_empty() {
                self.ir.br(outward);
                continue;
            }
            let mut mask = self.no_lanes();
            for &entry in &pending {
                let lanes = self.ir.load(self.mask_type(), self.pending_slot(entry));
                mask = self.ir.or(mask, lanes);
            }
            let again = self.new_block("again");
            self.ir.cond_br(self.any(mask), again, outward);
            self.ir.position(again);
            let first = self.shapes.schedule.layout.order[info.first];
            let target = if info.is_irreducible() {
                self.tests[first.0 as usize].expect("made for every block")
            } else {
                self.next_turn_at(first)
            };
            self.yield_at_loop_end(index, outward);
            self.forget_turn(index);
            self.ir.br(target);
        }
    }

    /// Where the walk goes when a loop that ends at `last` is left: the end of the loop around it, if that ends there too.
    pub fn outward(&self, index: usize, last: usize) -> Bb {
        let layout = &self.shapes.schedule.layout;
        match layout.loops[index].parent {
            Some(parent) if layout.loop_info(parent).last == last => self.loop_ends[parent.0 as usize],
            _ => self.next_test(last),
        }
    }

    /// The function's end, its faults, and the jump from the slots to the code.
    fn finish(&mut self, start: Bb) -> Result<(), Error> {
        self.ir.position(self.end);
        if self.shapes.schedule.irregular {
            self.restart_if_pending()?;
        }
        self.end_warp();
        self.ir.position(self.fault);
        self.return_status(simt_ir::abi::Status::Fault);
        self.ir.position(self.entrance);
        self.resume_dispatch(start);
        self.enter_round();
        Ok(())
    }

    /// The entry block, and the head of the walk when it starts over.
    pub fn first_test(&self) -> Bb {
        let first = self.shapes.schedule.layout.order[0];
        self.tests[first.0 as usize].expect("made for every block")
    }

    /// What a function returns of a type.
    pub fn returned_type(&self, ty: Type) -> Ty {
        if self.function.kind == FunctionKind::Lane { self.scalar_type(ty) } else { self.vector_type(ty) }
    }

    /// Leaves the function with a status; functions that are called add their results.
    pub fn return_status(&self, status: simt_ir::abi::Status) {
        let status = self.i32(status as u32);
        if self.function.kind == FunctionKind::Kernel {
            self.ir.ret(status);
            return;
        }
        let mut fields = vec![self.ir.int(32)];
        fields.extend(self.function.returns.iter().map(|ty| self.returned_type(*ty)));
        let mut result = self.ir.insert_field(self.ir.poison(self.ir.structure(&fields)), status, 0);
        for (number, slot) in self.returns.iter().enumerate() {
            let value = self.ir.load(fields[number + 1], *slot);
            result = self.ir.insert_field(result, value, number as u32 + 1);
        }
        self.ir.ret(result);
    }

    /// Lanes below a number of lanes: `lane < count`.
    pub fn lanes_below(&self, count: Val) -> Val {
        let numbers = self.lane_numbers(self.ir.int(32));
        self.ir.icmp(IntPredicate::LLVMIntULT, numbers, self.ir.splat(count, self.lanes()))
    }
}

/// Whether a value is better made again in each block that uses it than kept.
fn is_cheap(op: &Op) -> bool {
    matches!(op, Op::Const { .. } | Op::LoadParam { .. } | Op::SymbolAddress(_) | Op::FunctionAddress(_))
}
