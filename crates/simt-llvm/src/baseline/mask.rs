//! Vectors of single bits, 64 lanes to a word.

use iced_x86::{Code, Register};
use llvm_sys::{LLVMIntPredicate, LLVMOpcode};

use super::Unsupported;
use super::assembler::{Assembler, Place, When, condition};
use super::function::Lowering;
use super::scalar::IntOp;
use super::source::{Plain, Scalar, Value};
use super::vector::{K, Z};

/// A mask register as a number.
pub(super) fn from_k(asm: &mut Assembler, to: Register, k: Register) {
    asm.rr(Code::VEX_Kmovq_r64_kr, to, k);
}

/// Lanes of the last word of a mask.
fn last_word(plain: Plain) -> u32 {
    match plain.lanes % 64 {
        0 => 64,
        lanes => lanes,
    }
}

impl<'a> Lowering<'a, '_> {
    fn words(plain: Plain) -> u32 {
        plain.place_bytes() / 8
    }

    /// Of a word: its lanes.
    fn word_lanes(plain: Plain, word: u32) -> u32 {
        if word + 1 == Self::words(plain) { last_word(plain) } else { 64 }
    }

    pub fn mask_binary(&mut self, op: IntOp, instruction: Value<'a>) -> Result<(), Unsupported> {
        let code = match op {
            IntOp::And | IntOp::Mul => Code::And_r64_rm64,
            IntOp::Or => Code::Or_r64_rm64,
            IntOp::Xor | IntOp::Add | IntOp::Sub => Code::Xor_r64_rm64,
            _ => return Err(Unsupported("arithmetic on masks")),
        };
        let plain = instruction.plain()?;
        let (a, b) = (self.place(instruction.operand(0))?, self.place(instruction.operand(1))?);
        let to = self.result(instruction)?;
        for word in 0..Self::words(plain) {
            self.asm.rm(Code::Mov_r64_rm64, Register::RAX, a.plus(8 * word).operand());
            self.asm.rm(code, Register::RAX, b.plus(8 * word).operand());
            self.asm.mr(Code::Mov_rm64_r64, to.plus(8 * word).operand(), Register::RAX);
        }
        Ok(())
    }

    /// Whether lanes of two masks are the same, or not.
    pub fn mask_compare(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        let (a, b) = (self.place(instruction.operand(0))?, self.place(instruction.operand(1))?);
        let to = self.result(instruction)?;
        let negated = match instruction.int_predicate() {
            LLVMIntPredicate::LLVMIntEQ => true,
            LLVMIntPredicate::LLVMIntNE => false,
            _ => return Err(Unsupported("an order of masks")),
        };
        for word in 0..Self::words(plain) {
            self.asm.rm(Code::Mov_r64_rm64, Register::RAX, a.plus(8 * word).operand());
            self.asm.rm(Code::Xor_r64_rm64, Register::RAX, b.plus(8 * word).operand());
            if negated {
                self.asm.r(Code::Not_rm64, Register::RAX);
                self.narrow(Register::RAX, Self::word_lanes(plain, word));
            }
            self.asm.mr(Code::Mov_rm64_r64, to.plus(8 * word).operand(), Register::RAX);
        }
        Ok(())
    }

    pub fn mask_select(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        use Register::{RAX, RCX, RDX};
        let plain = instruction.plain()?;
        let [mask, a, b] = [0, 1, 2].map(|index| self.place(instruction.operand(index)));
        let (mask, a, b, to) = (mask?, a?, b?, self.result(instruction)?);
        for word in 0..Self::words(plain) {
            // b ^ ((a ^ b) & mask)
            self.asm.rm(Code::Mov_r64_rm64, RCX, b.plus(8 * word).operand());
            self.asm.rm(Code::Mov_r64_rm64, RAX, a.plus(8 * word).operand());
            self.asm.rr(Code::Xor_r64_rm64, RAX, RCX);
            self.asm.rm(Code::Mov_r64_rm64, RDX, mask.plus(8 * word).operand());
            self.asm.rr(Code::And_r64_rm64, RAX, RDX);
            self.asm.rr(Code::Xor_r64_rm64, RAX, RCX);
            self.asm.mr(Code::Mov_rm64_r64, to.plus(8 * word).operand(), RAX);
        }
        Ok(())
    }

    /// All lanes as ones or, with `sign`, minus ones.
    pub fn mask_extend(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let sign = instruction.opcode() == LLVMOpcode::LLVMSExt;
        let to_plain = instruction.plain()?;
        let bits = to_plain.scalar.bits();
        let from = self.place(instruction.operand(0))?;
        let to = self.result(instruction)?;
        let (spread, ones) = match bits {
            8 => (Code::EVEX_Vpmovm2b_zmm_kr, Code::EVEX_Vpsubb_zmm_k1z_zmm_zmmm512),
            16 => (Code::EVEX_Vpmovm2w_zmm_kr, Code::EVEX_Vpsubw_zmm_k1z_zmm_zmmm512),
            32 => (Code::EVEX_Vpmovm2d_zmm_kr, Code::EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32),
            64 => (Code::EVEX_Vpmovm2q_zmm_kr, Code::EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64),
            _ => return Err(Unsupported("lanes of odd width")),
        };
        for chunk in 0..to_plain.chunks() {
            self.load_k(from, to_plain, chunk);
            let to = self.new_chunk(to, chunk);
            self.asm.rr(spread, to, K);
            if !sign {
                self.asm.rrr(Code::EVEX_Vpxorq_zmm_k1z_zmm_zmmm512b64, Z[1], Z[1], Z[1]);
                self.asm.rrr(ones, to, Z[1], to);
            }
        }
        Ok(())
    }

    /// The lowest bit of each lane.
    pub fn mask_truncate(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.operand(0).plain()?;
        let (code, size) = match plain.scalar.bits() {
            8 => (Code::EVEX_Vptestmb_kr_k1_zmm_zmmm512, 1),
            16 => (Code::EVEX_Vptestmw_kr_k1_zmm_zmmm512, 2),
            32 => (Code::EVEX_Vptestmd_kr_k1_zmm_zmmm512b32, 4),
            64 => (Code::EVEX_Vptestmq_kr_k1_zmm_zmmm512b64, 8),
            _ => return Err(Unsupported("lanes of odd width")),
        };
        let mut ones = vec![0; 64];
        ones.iter_mut().step_by(size).for_each(|byte| *byte = 1);
        let ones = self.asm.constant(ones);
        let from = self.home(instruction.operand(0))?;
        self.collect_mask(instruction, plain, |this, chunk| {
            let (from, ones) = (this.chunk(from, chunk), this.chunk(ones, 0));
            this.asm.rrr(code, K, from, ones);
        })
    }

    pub fn reduce_mask(&mut self, op: IntOp, call: Value<'a>) -> Result<(), Unsupported> {
        let plain = call.operand(0).plain()?;
        if Self::words(plain) != 1 {
            return Err(Unsupported("a reduction of many bits"));
        }
        let from = self.place(call.operand(0))?;
        self.asm.rm(Code::Mov_r64_rm64, Register::RAX, from.operand());
        match op {
            IntOp::Or | IntOp::MaxUnsigned => {
                self.asm.ri(Code::Cmp_rm64_imm32, Register::RAX, 0);
                self.store_condition(call, condition::NOT_EQUAL)
            }
            IntOp::And | IntOp::MinUnsigned => {
                self.asm.number(Register::RCX, u64::MAX >> (64 - plain.lanes));
                self.asm.rr(Code::Cmp_r64_rm64, Register::RAX, Register::RCX);
                self.store_condition(call, condition::EQUAL)
            }
            IntOp::Xor | IntOp::Add => {
                self.asm.rr(Code::Popcnt_r64_rm64, Register::RAX, Register::RAX);
                self.store_int(call, Register::RAX)
            }
            _ => Err(Unsupported("a reduction of bits")),
        }
    }

    /// One lane of a mask, by a constant or by a number.
    pub fn mask_extract(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let from = self.place(instruction.operand(0))?;
        self.load_int(Register::RCX, instruction.operand(1))?;
        self.bit_place(from);
        self.asm.rr(Code::Bt_rm64_r64, Register::RAX, Register::RCX);
        self.store_condition(instruction, condition::BELOW)
    }

    pub fn mask_insert(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let to = self.result_from(instruction, instruction.operand(0))?;
        if Self::words(instruction.plain()?) != 1 {
            return Err(Unsupported("a lane of a long mask"));
        }
        let (set, done) = (self.asm.label(), self.asm.label());
        self.load_int(Register::RCX, instruction.operand(2))?;
        self.asm.rm(Code::Mov_r64_rm64, Register::RAX, to.operand());
        self.load_int(Register::RDX, instruction.operand(1))?;
        self.asm.rr(Code::Test_rm32_r32, Register::EDX, Register::EDX);
        self.asm.jump(When::Condition(condition::NOT_EQUAL), set);
        self.asm.rr(Code::Btr_rm64_r64, Register::RAX, Register::RCX);
        self.asm.jump(When::Always, done);
        self.asm.bind(set);
        self.asm.rr(Code::Bts_rm64_r64, Register::RAX, Register::RCX);
        self.asm.bind(done);
        self.narrow(Register::RAX, instruction.plain()?.lanes);
        self.asm.mr(Code::Mov_rm64_r64, to.operand(), Register::RAX);
        Ok(())
    }

    /// The word into RAX in which the lane lies whose number is in RCX.
    fn bit_place(&mut self, from: Place) {
        self.asm.rr(Code::Mov_r64_rm64, Register::RDX, Register::RCX);
        self.asm.shift(Code::Shr_rm64_imm8, Register::RDX, 6);
        self.asm.rm(Code::Mov_r64_rm64, Register::RAX, from.indexed(Register::RDX, 8));
    }

    /// Lanes of two masks in another order.
    pub fn mask_shuffle(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        use Register::{RAX, RCX, RDX};
        let plain = instruction.plain()?;
        let source = instruction.operand(0).plain()?;
        let (a, b) = (self.place(instruction.operand(0))?, self.place(instruction.operand(1))?);
        let to = self.result(instruction)?;
        let order = instruction.shuffle_order();
        for word in 0..Self::words(plain) {
            self.asm.rr(Code::Xor_r32_rm32, Register::EDX, Register::EDX);
            let first = word * 64;
            for run in runs(&order[first as usize..order.len().min(first as usize + 64)], source.lanes) {
                let (place, lane) = match run.from < source.lanes {
                    true => (a, run.from),
                    false => (b, run.from - source.lanes),
                };
                self.asm.rm(Code::Mov_r64_rm64, RAX, place.plus(8 * (lane / 64)).operand());
                self.asm.shift(Code::Shr_rm64_imm8, RAX, lane % 64);
                match run.repeats {
                    // One bit to all.
                    true => {
                        self.asm.ri(Code::And_rm64_imm32, RAX, 1);
                        self.asm.r(Code::Neg_rm64, RAX);
                    }
                    false if lane % 64 + run.length > 64 => {
                        self.asm.rm(Code::Mov_r64_rm64, RCX, place.plus(8 * (lane / 64 + 1)).operand());
                        self.asm.shift(Code::Shl_rm64_imm8, RCX, 64 - lane % 64);
                        self.asm.rr(Code::Or_r64_rm64, RAX, RCX);
                    }
                    false => {}
                }
                self.narrow(RAX, run.length);
                self.asm.shift(Code::Shl_rm64_imm8, RAX, run.to);
                self.asm.rr(Code::Or_r64_rm64, RDX, RAX);
            }
            self.asm.mr(Code::Mov_rm64_r64, to.plus(8 * word).operand(), RDX);
        }
        Ok(())
    }
}

/// Lanes one behind the other that come from lanes one behind the other, or all from the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub to: u32,
    pub from: u32,
    pub length: u32,
    pub repeats: bool,
}

/// An order of lanes as runs, none of which goes from the first of two sources of `source` lanes to the second.
pub(super) fn runs(order: &[Option<u32>], source: u32) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    for (to, from) in order.iter().enumerate() {
        let (to, Some(from)) = (to as u32, *from) else { continue };
        if let Some(last) = found.last_mut()
            && last.to + last.length == to
        {
            let (repeats, goes_on) = (last.from == from, last.from + last.length == from);
            let same_source = (last.from < source) == (from < source);
            if repeats && (last.repeats || last.length == 1) {
                *last = Run { length: last.length + 1, repeats: true, ..*last };
                continue;
            }
            if !last.repeats && goes_on && same_source {
                last.length += 1;
                continue;
            }
        }
        found.push(Run { to, from, length: 1, repeats: false });
    }
    found
}

/// Whether a type is that of single bits that are no vector.
pub(super) fn is_bit(plain: Plain) -> bool {
    !plain.is_vector() && plain.scalar == Scalar::Int(1)
}

#[cfg(test)]
mod tests {
    use super::{Run, runs};

    fn run(to: u32, from: u32, length: u32, repeats: bool) -> Run {
        Run { to, from, length, repeats }
    }

    #[test]
    fn orders_fall_into_runs() {
        let order = |lanes: &[i32]| lanes.iter().map(|lane| u32::try_from(*lane).ok()).collect::<Vec<_>>();
        assert_eq!(runs(&order(&[4, 5, 6, 7]), 8), [run(0, 4, 4, false)]);
        assert_eq!(runs(&order(&[3, 3, 3]), 4), [run(0, 3, 3, true)]);
        // From one source to the other, over a lane that may be anything, and downwards.
        assert_eq!(runs(&order(&[3, 4]), 4), [run(0, 3, 1, false), run(1, 4, 1, false)]);
        assert_eq!(runs(&order(&[0, -1, 2]), 4), [run(0, 0, 1, false), run(2, 2, 1, false)]);
        assert_eq!(runs(&order(&[1, 0]), 4), [run(0, 1, 1, false), run(1, 0, 1, false)]);
        assert_eq!(runs(&order(&[0, 1, 1, 1]), 4), [run(0, 0, 2, false), run(2, 1, 2, true)]);
    }
}
