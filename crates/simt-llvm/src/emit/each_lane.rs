//! What is done for one lane after the other.

use super::FunctionEmitter;
use crate::llvm::{Bin, Cast, IntPredicate, Val};

impl FunctionEmitter<'_> {
    /// As [`FunctionEmitter::each_active_lane`]; where all lanes are active, `every` instead.
    pub fn each_active_lane_or_all(&mut self, body: impl FnOnce(&mut Self, Val), every: impl FnOnce(&mut Self)) {
        self.some_or_all_lanes(|this| this.each_active_lane(body), every);
    }

    /// Does one thing where all lanes are active, and another where not.
    pub fn some_or_all_lanes(&mut self, some: impl FnOnce(&mut Self), every: impl FnOnce(&mut Self)) {
        let ir = self.ir;
        let (straight, looped, done) =
            (self.new_block("straight"), self.new_block("looped"), self.new_block("every_lane"));
        let none = ir.zero(self.mask_int());
        let all = ir.icmp(IntPredicate::LLVMIntEQ, self.mask_bits(self.mask), ir.not(none));
        ir.cond_br(all, straight, looped);
        ir.position(straight);
        every(self);
        ir.br(done);
        ir.position(looped);
        some(self);
        ir.br(done);
        ir.position(done);
    }

    /// A loop over the active lanes, lowest first; `body` gets the lane's number as an `i64`.
    pub fn each_active_lane(&mut self, body: impl FnOnce(&mut Self, Val)) {
        let no_zeros = self.ir.constant(self.ir.int(1), 1);
        self.lanes_by_turns(|this, lanes| this.ir.intrinsic("llvm.cttz", &[this.mask_int()], &[lanes, no_zeros]), body);
    }

    /// As [`FunctionEmitter::each_active_lane`], highest first.
    pub fn each_active_lane_from_last(&mut self, body: impl FnOnce(&mut Self, Val)) {
        self.lanes_by_turns(Self::last_lane, body);
    }

    /// A loop over the active lanes; `next` chooses among those that are left.
    fn lanes_by_turns(&mut self, next: impl FnOnce(&Self, Val) -> Val, body: impl FnOnce(&mut Self, Val)) {
        let ir = self.ir;
        let word = self.mask_int();
        let remaining = self.slot(word);
        ir.store(self.mask_bits(self.mask), remaining, 0);
        let (head, turn, done) = (self.new_block("lanes"), self.new_block("lane"), self.new_block("lanes_done"));
        ir.br(head);
        ir.position(head);
        let lanes = ir.load(word, remaining);
        ir.cond_br(ir.icmp(IntPredicate::LLVMIntNE, lanes, ir.zero(word)), turn, done);
        ir.position(turn);
        let lane = next(self, lanes);
        ir.store(ir.xor(lanes, ir.bin(Bin::Shl, ir.constant(word, 1), lane)), remaining, 0);
        body(self, self.lane_number(lane));
        ir.br(head);
        ir.position(done);
    }

    /// The highest lane of some.
    pub fn last_lane(&self, lanes: Val) -> Val {
        let ir = self.ir;
        let word = self.mask_int();
        let zeros = ir.intrinsic("llvm.ctlz", &[word], &[lanes, ir.constant(ir.int(1), 1)]);
        ir.sub(ir.constant(word, u64::from(self.lanes()) - 1), zeros)
    }

    /// The number of a lane, found in a mask's bits, as an `i64`.
    pub fn lane_number(&self, bits: Val) -> Val {
        match self.lanes() {
            64 => bits,
            lanes if lanes < 64 => self.ir.cast(Cast::ZExt, bits, self.ir.int(64)),
            _ => self.ir.cast(Cast::Trunc, bits, self.ir.int(64)),
        }
    }
}
