//! Rounds: at a barrier of the whole block the code goes on with the next warp by itself instead of returning to the engine, and behind the last warp
//! with the first. It does so, too, where warps end one after the other, as those do that nobody waits for any more. A call, its return and what the
//! engine does between them take as long as many a step between two barriers.

use std::mem::{offset_of, size_of};

use simt_ir::abi::{Round, Status, WarpContext};
use simt_ir::analysis::{LoopId, turns_at_most};
use simt_ir::{BarrierKind, BlockId, Function, Op};

use super::FunctionEmitter;
use crate::llvm::{Bb, Bin, IntPredicate, Val};

/// How a kernel's code goes from warp to warp.
#[derive(Clone, Copy)]
pub(super) struct Rounds {
    /// Pointer to the [`Round`].
    round: Val,
    /// Where a warp's turn ends at a barrier, its frame and resume point written.
    turn_end: Bb,
    /// Where a warp's last turn ends, if another one's is to begin there.
    warp_end: Option<Bb>,
    /// Where the next one's begins.
    begin: Bb,
}

impl FunctionEmitter<'_> {
    /// Prepares a kernel's code, of which nothing is emitted yet, for rounds if any barrier of it can end a turn.
    pub fn plan_rounds(&mut self) {
        let function: &Function = self.function;
        let order = &self.shapes.schedule.layout.order;
        let ends_turn = |id: &BlockId| function.block(*id).instructions.iter().any(|i| self.may_end_turn(*id, &i.op));
        if !order.iter().any(ends_turn) {
            return;
        }
        let ir = self.ir;
        let parameter = |index: u32| ir.parameter(self.fun, index);
        let (first, round) = (parameter(1), parameter(2));
        let [entrance, turn_end, begin] = ["entrance", "turn_end", "begin"].map(|name| ir.append_block(self.fun, name));
        ir.position(begin);
        let chosen = ir.phi(ir.ptr(), &[(first, self.slots)]);
        // A fault leaves the code anywhere, and is that of the warp that is noted here.
        let current = ir.offset_by(round, offset_of!(Round, current));
        ir.set_volatile(ir.store(chosen, current, 8));
        ir.br(entrance);
        ir.position(entrance);
        self.warp = ir.phi(ir.ptr(), &[(first, self.slots), (chosen, begin)]);
        self.entrance = entrance;
        let warp_end = self.ends_soon().then(|| ir.append_block(self.fun, "warp_end"));
        self.rounds = Some(Rounds { round, turn_end, warp_end, begin });
        self.end_of_turn(chosen);
        self.end_of_warp(chosen);
    }

    /// Whether a warp has no loops but such of a few turns that are known: beside others a return is nothing, while their code may get worse
    /// by one more way through it.
    fn ends_soon(&self) -> bool {
        let count = self.shapes.schedule.layout.loops.len() as u32;
        (0..count).all(|id| turns_at_most(self.function, &self.shapes, LoopId(id)).is_some())
    }

    /// From the slots to where a warp begins or goes on.
    pub fn enter_round(&self) {
        let Some(Rounds { round, begin, .. }) = self.rounds else { return };
        let ir = self.ir;
        ir.position(self.slots);
        // Always equal. With two ways in, the turns are no loop to LLVM, for which it would keep constants in registers that a turn needs.
        let current = ir.load(ir.ptr(), ir.offset_by(round, offset_of!(Round, current)));
        let is_noted = ir.icmp(IntPredicate::LLVMIntEQ, current, ir.parameter(self.fun, 1));
        ir.cond_br(is_noted, self.entrance, begin);
    }

    /// Whether a barrier in this block ends a turn.
    pub fn ends_turn(&self, block: BlockId, op: &Op) -> bool {
        self.rounds.is_some() && self.may_end_turn(block, op)
    }

    /// Barrier 0 of all threads, with nothing asked of them, at which no lane of the warp is elsewhere.
    fn may_end_turn(&self, block: BlockId, op: &Op) -> bool {
        let Op::Barrier { kind: BarrierKind::Sync, id, threads: None, predicate: None } = op else { return false };
        self.can_suspend()
            && !self.unit.is_lone()
            && self.unit.instrumentation.is_none()
            && self.shapes.fact(*id).constant == Some(0)
            && self.presence.is_alone(block)
    }

    /// Ends a warp's turn at a barrier.
    pub fn end_turn(&self, rounds: Rounds) {
        self.ir.br(rounds.turn_end);
    }

    /// Ends a warp, whose lanes have all exited.
    pub fn end_warp(&self) {
        match self.rounds.and_then(|rounds| rounds.warp_end) {
            Some(warp_end) => self.ir.br(warp_end),
            None => self.return_status(Status::Done),
        }
    }

    /// The code at the end of a turn: on to the next warp, to the first if all have come, or to the engine.
    fn end_of_turn(&self, chosen: Val) {
        let Some(Rounds { round, turn_end, begin, .. }) = self.rounds else { return };
        let ir = self.ir;
        let [next, all_came, again, leave] =
            ["next_warp", "all_came", "again", "leave"].map(|name| ir.append_block(self.fun, name));
        let field = |offset: usize| ir.offset_by(round, offset);
        ir.position(turn_end);
        let last = ir.load(ir.ptr(), field(offset_of!(Round, last)));
        ir.cond_br(ir.icmp(IntPredicate::LLVMIntEQ, self.warp, last), all_came, next);

        ir.position(next);
        let following = ir.offset_by(self.warp, size_of::<WarpContext>());
        ir.br(begin);

        ir.position(all_came);
        let left = ir.load(ir.int(32), field(offset_of!(Round, barriers_left)));
        ir.cond_br(ir.icmp(IntPredicate::LLVMIntEQ, left, self.i32(0)), leave, again);

        ir.position(again);
        ir.store(ir.bin(Bin::Sub, left, self.i32(1)), field(offset_of!(Round, barriers_left)), 0);
        let first = ir.load(ir.ptr(), field(offset_of!(Round, first)));
        ir.br(begin);
        ir.add_incoming(chosen, &[(following, next), (first, again)]);

        ir.position(leave);
        self.store_warp(offset_of!(WarpContext, barrier_id), self.i32(0));
        self.store_warp(offset_of!(WarpContext, barrier_threads), self.i32(0));
        self.store_warp(offset_of!(WarpContext, barrier_lanes), self.i32(u32::MAX));
        self.store_warp(offset_of!(WarpContext, barrier_predicate), self.i32(0));
        self.return_status(Status::Barrier);
    }

    /// The code at the end of a warp: on to the next one, if no warp before this one waits, or to the engine.
    fn end_of_warp(&self, chosen: Val) {
        let Some(Rounds { round, warp_end: Some(warp_end), begin, .. }) = self.rounds else { return };
        let ir = self.ir;
        let [hand_on, done] = ["hand_on", "done"].map(|name| ir.append_block(self.fun, name));
        let field = |offset: usize| ir.offset_by(round, offset);
        ir.position(warp_end);
        let [first, last] = [offset_of!(Round, first), offset_of!(Round, last)].map(|at| ir.load(ir.ptr(), field(at)));
        let is_first = ir.icmp(IntPredicate::LLVMIntEQ, self.warp, first);
        let has_next = ir.icmp(IntPredicate::LLVMIntNE, self.warp, last);
        ir.cond_br(ir.bin(Bin::And, is_first, has_next), hand_on, done);

        ir.position(hand_on);
        let following = ir.offset_by(self.warp, size_of::<WarpContext>());
        ir.store(following, field(offset_of!(Round, first)), 8);
        ir.br(begin);
        ir.add_incoming(chosen, &[(following, hand_on)]);

        ir.position(done);
        self.return_status(Status::Done);
    }
}
