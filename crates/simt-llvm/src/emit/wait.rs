//! Suspension: a warp that has to wait saves what it still needs in its frame and returns; the next call goes on behind it.

use std::collections::HashSet;
use std::mem::offset_of;

use simt_ir::abi::{BARRIER_ARRIVE_ONLY, Status, WarpContext};
use simt_ir::{BarrierKind, BlockId, FunctionKind, Instruction, Op, Value};

use super::frame::{Frame, Saved};
use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bb, IntPredicate, Val};

/// Turns of a spinning loop between two yields.
const TURNS_BEFORE_YIELD: u32 = 16;

/// How a warp's code stops to wait.
#[derive(Clone, Copy)]
enum Wait {
    /// By a return to the engine.
    Return(Status),
    /// At a barrier behind which the next warp has its turn.
    EndOfTurn,
}

impl Wait {
    fn status(self) -> Status {
        match self {
            Wait::Return(status) => status,
            Wait::EndOfTurn => Status::Barrier,
        }
    }
}

/// The places where a function goes on after a wait, and its frame.
#[derive(Default)]
pub(super) struct Waits {
    /// Resume points, numbered from 1.
    resumes: Vec<Bb>,
    /// The layout of the frame.
    pub frame: Frame,
}

impl FunctionEmitter<'_> {
    pub(super) fn can_suspend(&self) -> bool {
        self.unit.suspendable && self.function.kind == FunctionKind::Kernel
    }

    /// Whether code behind this instruction runs only after a wait. At a barrier of its block a lone warp has nobody to wait for; at that of its
    /// cluster it has.
    pub fn suspends_after(&self, instruction: &Instruction) -> bool {
        let lone_warp = self.unit.is_lone();
        match &instruction.op {
            Op::Barrier { .. } if lone_warp => false,
            op => op.may_suspend() && self.can_suspend(),
        }
    }

    /// Emits a barrier's arrival; the wait itself is [`FunctionEmitter::wait_before`].
    pub fn barrier(&mut self, op: &Op, results: &[Value]) -> Result<(), Error> {
        if self.function.kind != FunctionKind::Kernel {
            return Err(self.unsupported("a barrier in a function that is recursive or called through a pointer"));
        }
        let Op::Barrier { kind, id, threads, predicate } = op else { return Ok(()) };
        self.observe_barrier(*id, *threads);
        if self.unit.is_lone() && *kind == BarrierKind::Sync && results.is_empty() {
            self.note_passed_barrier();
            return Ok(());
        }
        if self.ends_turn(self.block, op) {
            return Ok(());
        }
        let active = match self.lanes() == LANES {
            true => self.mask_bits(self.mask),
            false => self.i32(u32::MAX),
        };
        let (id, kind) = (self.uniform(*id), *kind);
        let mut count = match threads {
            Some(threads) => self.uniform(*threads),
            None => self.i32(0),
        };
        if kind == BarrierKind::Arrive {
            count = self.ir.or(count, self.i32(BARRIER_ARRIVE_ONLY));
        }
        let votes = match predicate {
            Some(predicate) => {
                let lanes = self.active_where(*predicate);
                self.mask_bits(lanes)
            }
            None => self.i32(0),
        };
        self.store_warp(offset_of!(WarpContext, barrier_id), id);
        self.store_warp(offset_of!(WarpContext, barrier_threads), count);
        self.store_warp(offset_of!(WarpContext, barrier_lanes), active);
        self.store_warp(offset_of!(WarpContext, barrier_predicate), votes);
        let instruction = Instruction { op: op.clone(), results: results.to_vec(), line: self.line };
        if !self.suspends_after(&instruction) {
            self.note_passed_barrier();
            let popcount = |bits: Val| self.ir.intrinsic("llvm.ctpop", &[self.ir.int(32)], &[bits]);
            self.store_warp(offset_of!(WarpContext, barrier_count), popcount(votes));
            self.store_warp(offset_of!(WarpContext, barrier_total), popcount(active));
            self.barrier_result(kind, results);
        }
        Ok(())
    }

    /// What a reducing barrier found, as the engine left it in the context.
    fn barrier_result(&mut self, kind: BarrierKind, results: &[Value]) {
        let Some(&result) = results.first() else { return };
        let count = self.load_warp(offset_of!(WarpContext, barrier_count));
        let total = self.load_warp(offset_of!(WarpContext, barrier_total));
        let value = match kind {
            BarrierKind::ReduceAnd => self.ir.icmp(IntPredicate::LLVMIntEQ, count, total),
            BarrierKind::ReduceOr => self.ir.icmp(IntPredicate::LLVMIntNE, count, self.i32(0)),
            BarrierKind::ReducePopCount | BarrierKind::Sync | BarrierKind::Arrive => count,
        };
        self.define(result, Repr::Uniform(value));
    }

    /// Suspends behind `instruction`, the last of its block, and goes on at `next`, to which nothing else leads.
    pub fn wait_before(&mut self, block: BlockId, next: BlockId, instruction: &Instruction) {
        let status = match &instruction.op {
            Op::Barrier { .. } => Status::Barrier,
            Op::ClusterBarrier { .. } => Status::ClusterBarrier,
            _ => Status::Yield,
        };
        let slot = self.pending[next.0 as usize].expect("every reachable block has a slot");
        self.ir.store(self.mask, slot, 0);
        // Where the whole warp waits, no lane is pending elsewhere.
        let together = self.presence.is_alone(block);
        let ends_turn = self.ends_turn(block, &instruction.op);
        let position = |block: BlockId| self.shapes.schedule.layout.position[block.0 as usize];
        let leads_on = self.shapes.schedule.is_immediate(block, next)
            && !self.shapes.schedule.irregular
            && self.predecessors[next.0 as usize] == [block]
            && position(block) < position(next);
        self.suspend(if ends_turn { Wait::EndOfTurn } else { Wait::Return(status) }, next, together, leads_on);
        self.at_hand.clear();
        self.mask = if self.presence.is_full(next) { self.all_lanes() } else { self.ir.load(self.mask_type(), slot) };
        if let Op::Barrier { kind, .. } = instruction.op {
            self.barrier_result(kind, &instruction.results);
        }
        let position = self.shapes.schedule.layout.position[block.0 as usize];
        if self.shapes.schedule.is_immediate(block, next) {
            self.ir.br(self.bodies[next.0 as usize].expect("every reachable block has a body"));
        } else {
            self.ir.br(self.after(position));
        }
    }

    /// At an immediate back edge: lets others run now and then if the warp may be waiting for them.
    pub fn yield_in_loop(&mut self, from: BlockId, to: BlockId) {
        let layout = &self.shapes.schedule.layout;
        let spins = layout.loops.iter().enumerate().any(|(index, info)| {
            info.entries.contains(&to)
                && layout.contains(simt_ir::analysis::LoopId(index as u32), from)
                && self.shapes.schedule.spins[index]
        });
        if spins && self.can_suspend() {
            let (rest, go_on) = (self.new_block("rest"), self.new_block("go_on"));
            self.ir.cond_br(self.turn_is_over(), rest, go_on);
            self.ir.position(rest);
            self.suspend(Wait::Return(Status::Yield), to, false, false);
            self.ir.br(go_on);
            self.ir.position(go_on);
        }
    }

    /// At the end of a loop that goes on: as [`FunctionEmitter::yield_in_loop`]; where lanes of the warp may wait for each other, the
    /// loop is left so that the others get on, and the walk comes back to it.
    pub fn yield_at_loop_end(&mut self, index: usize, outward: Bb) {
        if !self.shapes.schedule.spins[index] {
            return;
        }
        let go_on = self.new_block("go_on");
        if self.shapes.schedule.irregular {
            // The count of turns begins anew behind a wait, and would never come to its end.
            let is_over =
                if self.waits_within(index) { self.ir.constant(self.ir.int(1), 1) } else { self.turn_is_over() };
            self.ir.cond_br(is_over, outward, go_on);
        } else if self.can_suspend() {
            let rest = self.new_block("rest");
            self.ir.cond_br(self.turn_is_over(), rest, go_on);
            self.ir.position(rest);
            let entry = self.shapes.schedule.layout.loops[index].entries[0];
            self.suspend(Wait::Return(Status::Yield), entry, false, false);
            self.ir.br(go_on);
        } else {
            self.ir.br(go_on);
        }
        self.ir.position(go_on);
    }

    /// Whether a turn of a loop may have to wait for other warps.
    pub fn waits_within(&self, index: usize) -> bool {
        let layout = &self.shapes.schedule.layout;
        let info = &layout.loops[index];
        let waits = |block: &BlockId| self.function.block(*block).instructions.iter().any(|i| i.op.may_suspend());
        layout.order[info.first..=info.last].iter().any(waits)
    }

    /// Counts a turn; whether it is time to let others run.
    fn turn_is_over(&mut self) -> Val {
        let slot = self.zeroed_slot(self.ir.int(32));
        let turns = self.ir.add(self.ir.load(self.ir.int(32), slot), self.i32(1));
        self.ir.store(turns, slot, 0);
        let part = self.ir.and(turns, self.i32(TURNS_BEFORE_YIELD - 1));
        self.ir.icmp(IntPredicate::LLVMIntEQ, part, self.i32(0))
    }

    /// At the end of an irregular function: starts the walk over while lanes are pending anywhere.
    pub fn restart_if_pending(&mut self) -> Result<(), Error> {
        let order = self.shapes.schedule.layout.order.clone();
        let mask = self.alive_lanes();
        let (again, done) = (self.new_block("walk_again"), self.new_block("done"));
        self.ir.cond_br(self.any(mask), again, done);
        self.ir.position(again);
        if self.can_suspend() {
            self.suspend(Wait::Return(Status::Yield), order[0], false, false);
        }
        self.ir.br(self.first_test());
        self.ir.position(done);
        Ok(())
    }

    /// Saves what is needed at `next` and, unless the whole warp is `together`, wherever lanes may be pending; waits, and stands behind the wait afterwards.
    ///
    /// With `leads_on` nothing but this wait leads to `next`, which is emitted later.
    fn suspend(&mut self, wait: Wait, next: BlockId, together: bool, leads_on: bool) {
        let (mut saved, values) = self.what_to_save(next, together);
        for value in &values {
            // The members of a pack have one slot.
            for item in self.slots_of(*value) {
                if saved.iter().all(|other: &Saved| other.slot.key() != item.slot.key()) {
                    saved.push(item);
                }
            }
        }
        let anew: Vec<Saved> = saved.iter().filter(|item| !self.waits.frame.is_kept(item)).copied().collect();
        let bytes = |items: &[Saved]| items.iter().map(|item| item.bytes).sum();
        self.note_wait(wait.status(), bytes(&anew), bytes(&saved));
        let missing: Vec<Saved> = anew.into_iter().filter(|item| !self.is_stored_sum(item)).collect();
        self.save(&missing);
        let left = if leads_on { self.leave_sums(next, &values) } else { HashSet::new() };
        let resume = self.new_block("resume");
        self.waits.resumes.push(resume);
        self.store_warp(offset_of!(WarpContext, resume_point), self.i32(self.waits.resumes.len() as u32));
        match (wait, self.rounds) {
            (Wait::EndOfTurn, Some(rounds)) => self.end_turn(rounds),
            _ => self.return_status(wait.status()),
        }
        self.ir.position(resume);
        let early = self.fetch_late();
        let is_there = |item: &&Saved| left.contains(&item.slot.key()) || early.contains(&item.slot.key());
        self.restore(saved.iter().filter(|item| !is_there(item)));
    }

    /// From the entrance to the start, or to where the warp waited.
    pub fn resume_dispatch(&mut self, start: Bb) {
        if self.waits.resumes.is_empty() {
            self.ir.br(start);
            return;
        }
        let point = self.load_warp(offset_of!(WarpContext, resume_point));
        let cases: Vec<(u64, Bb)> =
            self.waits.resumes.iter().enumerate().map(|(index, bb)| (index as u64 + 1, *bb)).collect();
        self.ir.switch(point, start, &cases);
    }
}
