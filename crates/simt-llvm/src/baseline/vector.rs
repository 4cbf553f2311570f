//! Vectors of integers, register by register: arithmetic, comparisons, selection; and loops over lanes for what has no instruction.

use iced_x86::{Code, Instruction, Register};

use super::Unsupported;
use super::assembler::{Place, When, condition};
use super::function::Lowering;
use super::mask;
use super::scalar::{IntOp, byte, comparison, word};
use super::source::{Plain, Value};

/// Registers for operands and results.
pub(super) const Z: [Register; 5] =
    [Register::ZMM16, Register::ZMM17, Register::ZMM18, Register::ZMM19, Register::ZMM20];

/// The mask register that instructions use.
pub(super) const K: Register = Register::K1;

/// The register that counts lanes in a loop.
pub(super) const LANE: Register = Register::RSI;

/// A vector register's part of 256 or 128 bits.
pub(super) fn part(register: Register, bytes: u32) -> Register {
    let number = register.number() as u32;
    match bytes {
        64.. => Register::ZMM0 + number,
        32.. => Register::YMM0 + number,
        _ => Register::XMM0 + number,
    }
}

/// The instruction for lanes of 8, 16, 32 or 64 bits, where there is one.
fn by_width(bits: u32, codes: [Option<Code>; 4]) -> Option<Code> {
    match bits {
        8 => codes[0],
        16 => codes[1],
        32 => codes[2],
        64 => codes[3],
        _ => None,
    }
}

fn binary_code(op: IntOp, bits: u32) -> Option<Code> {
    use Code::*;
    let all = |b, w, d, q| [Some(b), Some(w), Some(d), Some(q)];
    let codes = match op {
        IntOp::Add => all(
            EVEX_Vpaddb_zmm_k1z_zmm_zmmm512,
            EVEX_Vpaddw_zmm_k1z_zmm_zmmm512,
            EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32,
            EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64,
        ),
        IntOp::Sub => all(
            EVEX_Vpsubb_zmm_k1z_zmm_zmmm512,
            EVEX_Vpsubw_zmm_k1z_zmm_zmmm512,
            EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32,
            EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64,
        ),
        IntOp::Mul => [
            None,
            Some(EVEX_Vpmullw_zmm_k1z_zmm_zmmm512),
            Some(EVEX_Vpmulld_zmm_k1z_zmm_zmmm512b32),
            Some(EVEX_Vpmullq_zmm_k1z_zmm_zmmm512b64),
        ],
        IntOp::And => return Some(EVEX_Vpandq_zmm_k1z_zmm_zmmm512b64),
        IntOp::Or => return Some(EVEX_Vporq_zmm_k1z_zmm_zmmm512b64),
        IntOp::Xor => return Some(EVEX_Vpxorq_zmm_k1z_zmm_zmmm512b64),
        IntOp::Shl => [
            None,
            Some(EVEX_Vpsllvw_zmm_k1z_zmm_zmmm512),
            Some(EVEX_Vpsllvd_zmm_k1z_zmm_zmmm512b32),
            Some(EVEX_Vpsllvq_zmm_k1z_zmm_zmmm512b64),
        ],
        IntOp::ShrUnsigned => [
            None,
            Some(EVEX_Vpsrlvw_zmm_k1z_zmm_zmmm512),
            Some(EVEX_Vpsrlvd_zmm_k1z_zmm_zmmm512b32),
            Some(EVEX_Vpsrlvq_zmm_k1z_zmm_zmmm512b64),
        ],
        IntOp::ShrSigned => [
            None,
            Some(EVEX_Vpsravw_zmm_k1z_zmm_zmmm512),
            Some(EVEX_Vpsravd_zmm_k1z_zmm_zmmm512b32),
            Some(EVEX_Vpsravq_zmm_k1z_zmm_zmmm512b64),
        ],
        IntOp::MinUnsigned => all(
            EVEX_Vpminub_zmm_k1z_zmm_zmmm512,
            EVEX_Vpminuw_zmm_k1z_zmm_zmmm512,
            EVEX_Vpminud_zmm_k1z_zmm_zmmm512b32,
            EVEX_Vpminuq_zmm_k1z_zmm_zmmm512b64,
        ),
        IntOp::MinSigned => all(
            EVEX_Vpminsb_zmm_k1z_zmm_zmmm512,
            EVEX_Vpminsw_zmm_k1z_zmm_zmmm512,
            EVEX_Vpminsd_zmm_k1z_zmm_zmmm512b32,
            EVEX_Vpminsq_zmm_k1z_zmm_zmmm512b64,
        ),
        IntOp::MaxUnsigned => all(
            EVEX_Vpmaxub_zmm_k1z_zmm_zmmm512,
            EVEX_Vpmaxuw_zmm_k1z_zmm_zmmm512,
            EVEX_Vpmaxud_zmm_k1z_zmm_zmmm512b32,
            EVEX_Vpmaxuq_zmm_k1z_zmm_zmmm512b64,
        ),
        IntOp::MaxSigned => all(
            EVEX_Vpmaxsb_zmm_k1z_zmm_zmmm512,
            EVEX_Vpmaxsw_zmm_k1z_zmm_zmmm512,
            EVEX_Vpmaxsd_zmm_k1z_zmm_zmmm512b32,
            EVEX_Vpmaxsq_zmm_k1z_zmm_zmmm512b64,
        ),
        IntOp::AddSaturating => {
            [Some(EVEX_Vpaddsb_zmm_k1z_zmm_zmmm512), Some(EVEX_Vpaddsw_zmm_k1z_zmm_zmmm512), None, None]
        }
        IntOp::SubSaturating => {
            [Some(EVEX_Vpsubsb_zmm_k1z_zmm_zmmm512), Some(EVEX_Vpsubsw_zmm_k1z_zmm_zmmm512), None, None]
        }
        IntOp::DivUnsigned | IntOp::DivSigned | IntOp::RemUnsigned | IntOp::RemSigned => return None,
    };
    by_width(bits, codes)
}

fn compare_code(bits: u32, is_signed: bool) -> Option<Code> {
    use Code::*;
    match is_signed {
        true => by_width(
            bits,
            [
                Some(EVEX_Vpcmpb_kr_k1_zmm_zmmm512_imm8),
                Some(EVEX_Vpcmpw_kr_k1_zmm_zmmm512_imm8),
                Some(EVEX_Vpcmpd_kr_k1_zmm_zmmm512b32_imm8),
                Some(EVEX_Vpcmpq_kr_k1_zmm_zmmm512b64_imm8),
            ],
        ),
        false => by_width(
            bits,
            [
                Some(EVEX_Vpcmpub_kr_k1_zmm_zmmm512_imm8),
                Some(EVEX_Vpcmpuw_kr_k1_zmm_zmmm512_imm8),
                Some(EVEX_Vpcmpud_kr_k1_zmm_zmmm512b32_imm8),
                Some(EVEX_Vpcmpuq_kr_k1_zmm_zmmm512b64_imm8),
            ],
        ),
    }
}

/// Of two vectors the second's lanes that a mask has.
fn blend(bits: u32) -> Result<Code, Unsupported> {
    use Code::*;
    let codes = [
        Some(EVEX_Vpblendmb_zmm_k1z_zmm_zmmm512),
        Some(EVEX_Vpblendmw_zmm_k1z_zmm_zmmm512),
        Some(EVEX_Vpblendmd_zmm_k1z_zmm_zmmm512b32),
        Some(EVEX_Vpblendmq_zmm_k1z_zmm_zmmm512b64),
    ];
    by_width(bits, codes).ok_or(Unsupported("lanes of odd width"))
}

/// A load of a register under a mask, for lanes of so many bits.
pub(super) fn move_in(bits: u32) -> Result<Code, Unsupported> {
    use Code::*;
    let codes = [
        Some(EVEX_Vmovdqu8_zmm_k1z_zmmm512),
        Some(EVEX_Vmovdqu16_zmm_k1z_zmmm512),
        Some(EVEX_Vmovdqu32_zmm_k1z_zmmm512),
        Some(EVEX_Vmovdqu64_zmm_k1z_zmmm512),
    ];
    by_width(bits, codes).ok_or(Unsupported("lanes of odd width"))
}

/// A store of a register under a mask.
pub(super) fn move_out(bits: u32) -> Result<Code, Unsupported> {
    use Code::*;
    let codes = [
        Some(EVEX_Vmovdqu8_zmmm512_k1z_zmm),
        Some(EVEX_Vmovdqu16_zmmm512_k1z_zmm),
        Some(EVEX_Vmovdqu32_zmmm512_k1z_zmm),
        Some(EVEX_Vmovdqu64_zmmm512_k1z_zmm),
    ];
    by_width(bits, codes).ok_or(Unsupported("lanes of odd width"))
}

impl<'a> Lowering<'a, '_> {
    /// A register of a value: what is no vector is in its first lane.
    pub fn load_chunk(&mut self, to: Register, place: Place, plain: Plain, chunk: u32) {
        match plain.is_vector() {
            true => {
                let from = place.plus(64 * chunk).operand();
                self.asm.rm(Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512, to, from);
            }
            false => self.asm.rm(Code::EVEX_Vmovq_xmm_xmmm64, part(to, 16), place.operand()),
        }
    }

    /// A register of a vector to read from.
    pub fn chunk(&mut self, home: Place, chunk: u32) -> Register {
        self.registers.read(self.asm, home.plus(64 * chunk))
    }

    /// A register of a vector to write to.
    pub fn new_chunk(&mut self, home: Place, chunk: u32) -> Register {
        self.registers.write(self.asm, home.plus(64 * chunk))
    }

    /// The reverse of [`Lowering::load_chunk`].
    pub fn store_chunk(&mut self, place: Place, plain: Plain, chunk: u32, from: Register) {
        match plain.is_vector() {
            true => {
                let to = place.plus(64 * chunk).operand();
                self.asm.mr(Code::EVEX_Vmovdqu64_zmmm512_k1z_zmm, to, from);
            }
            false => {
                self.asm.mr(Code::EVEX_Vmovq_xmmm64_xmm, place.operand(), part(from, 16));
                self.clear_above(place, plain.scalar.bits());
            }
        }
    }

    /// Makes a scalar's place hold zeros beyond its width.
    fn clear_above(&mut self, place: Place, bits: u32) {
        if bits < 64 {
            self.asm.rm(Code::Mov_r64_rm64, Register::RAX, place.operand());
            self.narrow(Register::RAX, bits);
            self.asm.mr(Code::Mov_rm64_r64, place.operand(), Register::RAX);
        }
    }

    pub fn vector_binary(&mut self, op: IntOp, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        self.vector_operation(op, plain, instruction, instruction.operand(0), instruction.operand(1))
    }

    pub fn vector_operation(
        &mut self,
        op: IntOp,
        plain: Plain,
        result: Value<'a>,
        a: Value<'a>,
        b: Value<'a>,
    ) -> Result<(), Unsupported> {
        let bits = plain.scalar.bits();
        let Some(code) = binary_code(op, bits) else {
            let (a, b) = (self.place(a)?, self.place(b)?);
            let to = self.result(result)?;
            return self.each_lane(plain.lanes, |this| {
                this.load_lane(Register::RAX, a, bits)?;
                this.load_lane(Register::RCX, b, bits)?;
                this.int_operation(op, bits)?;
                this.store_lane(to, bits, Register::RAX)
            });
        };
        let (a, b, to) = (self.home(a)?, self.home(b)?, self.result(result)?);
        for chunk in 0..plain.chunks() {
            let (a, b) = (self.chunk(a, chunk), self.chunk(b, chunk));
            let to = self.new_chunk(to, chunk);
            self.asm.rrr(code, to, a, b);
        }
        Ok(())
    }

    /// An operation on each lane of one vector.
    pub fn vector_unary(&mut self, name: &str, result: Value<'a>, a: Value<'a>) -> Result<(), Unsupported> {
        let plain = result.plain()?;
        let bits = plain.scalar.bits();
        let code = match (name, bits) {
            ("ctlz", 32) => Some(Code::EVEX_Vplzcntd_zmm_k1z_zmmm512b32),
            ("ctlz", 64) => Some(Code::EVEX_Vplzcntq_zmm_k1z_zmmm512b64),
            ("abs", 32) => Some(Code::EVEX_Vpabsd_zmm_k1z_zmmm512b32),
            ("abs", 64) => Some(Code::EVEX_Vpabsq_zmm_k1z_zmmm512b64),
            _ => None,
        };
        let Some(code) = code else {
            let (a, to) = (self.place(a)?, self.result(result)?);
            return self.each_lane(plain.lanes, |this| {
                this.load_lane(Register::RAX, a, bits)?;
                this.int_unary(name, bits)?;
                this.store_lane(to, bits, Register::RAX)
            });
        };
        let (a, to) = (self.home(a)?, self.result(result)?);
        for chunk in 0..plain.chunks() {
            let a = self.chunk(a, chunk);
            let to = self.new_chunk(to, chunk);
            self.asm.rr(code, to, a);
        }
        Ok(())
    }

    pub fn vector_funnel(&mut self, left: bool, call: Value<'a>) -> Result<(), Unsupported> {
        let plain = call.plain()?;
        let bits = plain.scalar.bits();
        let [high, low, by] = [0, 1, 2].map(|index| call.operand(index));
        let code = match (left, bits) {
            (true, 32) => Some(Code::EVEX_Vprolvd_zmm_k1z_zmm_zmmm512b32),
            (true, 64) => Some(Code::EVEX_Vprolvq_zmm_k1z_zmm_zmmm512b64),
            (false, 32) => Some(Code::EVEX_Vprorvd_zmm_k1z_zmm_zmmm512b32),
            (false, 64) => Some(Code::EVEX_Vprorvq_zmm_k1z_zmm_zmmm512b64),
            _ => None,
        };
        if let Some(code) = code.filter(|_| high == low) {
            let (a, by, to) = (self.home(high)?, self.home(by)?, self.result(call)?);
            for chunk in 0..plain.chunks() {
                let (a, by) = (self.chunk(a, chunk), self.chunk(by, chunk));
                let to = self.new_chunk(to, chunk);
                self.asm.rrr(code, to, a, by);
            }
            return Ok(());
        }
        let (high, low, by, to) = (self.place(high)?, self.place(low)?, self.place(by)?, self.result(call)?);
        self.each_lane(plain.lanes, |this| {
            this.load_lane(Register::RAX, high, bits)?;
            this.load_lane(Register::RCX, low, bits)?;
            this.load_lane(Register::RDX, by, bits)?;
            this.int_funnel(left, bits)?;
            this.store_lane(to, bits, Register::RAX)
        })
    }

    pub fn vector_compare(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.operand(0).plain()?;
        let (wanted, is_signed) = comparison(instruction.int_predicate());
        let bits = plain.scalar.bits();
        let code = compare_code(bits, is_signed).ok_or(Unsupported("a comparison"))?;
        let predicate = match wanted {
            condition::EQUAL => 0,
            condition::BELOW | condition::LESS => 1,
            condition::NOT_ABOVE | condition::NOT_GREATER => 2,
            condition::NOT_EQUAL => 4,
            condition::NOT_BELOW | condition::NOT_LESS => 5,
            _ => 6,
        };
        let (a, b) = (self.home(instruction.operand(0))?, self.home(instruction.operand(1))?);
        self.collect_mask(instruction, plain, |this, chunk| {
            let (a, b) = (this.chunk(a, chunk), this.chunk(b, chunk));
            this.asm.rrri(code, K, a, b, predicate);
        })
    }

    /// A mask as result, of comparisons that leave the lanes of one register at a time in [`K`].
    pub fn collect_mask(
        &mut self,
        result: Value<'a>,
        compared: Plain,
        mut compare: impl FnMut(&mut Self, u32),
    ) -> Result<(), Unsupported> {
        use Register::{RAX, RCX};
        let to = self.result(result)?;
        let lanes = compared.chunk_lanes();
        let each_word = 64 / lanes;
        for chunk in 0..compared.chunks() {
            compare(self, chunk);
            let (first, place) = (chunk % each_word == 0, to.plus(8 * (chunk / each_word)));
            let into = if first { RAX } else { RCX };
            mask::from_k(self.asm, into, K);
            let remaining = compared.lanes - chunk * lanes;
            if lanes < 64 || remaining < 64 {
                self.narrow(into, lanes.min(remaining));
            }
            if !first {
                self.asm.shift(Code::Shl_rm64_imm8, RCX, lanes * (chunk % each_word));
                self.asm.rr(Code::Or_r64_rm64, RAX, RCX);
            }
            if chunk % each_word == each_word - 1 || chunk + 1 == compared.chunks() {
                self.asm.mr(Code::Mov_rm64_r64, place.operand(), RAX);
            }
        }
        Ok(())
    }

    /// A selection lane by lane.
    pub fn vector_select(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        let mask = self.place(instruction.operand(0))?;
        let (a, b) = (self.home(instruction.operand(1))?, self.home(instruction.operand(2))?);
        let to = self.result(instruction)?;
        let code = blend(plain.scalar.bits())?;
        for chunk in 0..plain.chunks() {
            self.load_k(mask, plain, chunk);
            let (a, b) = (self.chunk(a, chunk), self.chunk(b, chunk));
            let to = self.new_chunk(to, chunk);
            self.asm.masked(Instruction::with3(code, to, b, a), K, false);
        }
        Ok(())
    }

    /// Lanes of `mask` for one register of a vector into [`K`].
    pub fn load_k(&mut self, mask: Place, plain: Plain, chunk: u32) {
        let lanes = plain.chunk_lanes();
        let code = match lanes {
            8 => Code::VEX_Kmovb_kr_km8,
            16 => Code::VEX_Kmovw_kr_km16,
            32 => Code::VEX_Kmovd_kr_km32,
            _ => Code::VEX_Kmovq_kr_km64,
        };
        self.asm.rm(code, K, mask.plus(chunk * lanes / 8).operand());
    }

    /// A loop over lanes, with [`LANE`] as the lane's number.
    pub fn each_lane(
        &mut self,
        lanes: u32,
        body: impl FnOnce(&mut Self) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        let again = self.asm.label();
        self.asm.rr(Code::Xor_r32_rm32, Register::ESI, Register::ESI);
        self.asm.bind(again);
        body(self)?;
        self.asm.ri(Code::Add_rm64_imm32, LANE, 1);
        self.asm.ri(Code::Cmp_rm64_imm32, LANE, lanes as i32);
        self.asm.jump(When::Condition(condition::BELOW), again);
        Ok(())
    }

    /// The lane that a loop is at, extended with zeros.
    pub fn load_lane(&mut self, to: Register, from: Place, bits: u32) -> Result<(), Unsupported> {
        let short = to.full_register32();
        match bits {
            8 => self.asm.rm(Code::Movzx_r32_rm8, short, from.indexed(LANE, 1)),
            16 => self.asm.rm(Code::Movzx_r32_rm16, short, from.indexed(LANE, 2)),
            32 => self.asm.rm(Code::Mov_r32_rm32, short, from.indexed(LANE, 4)),
            64 => self.asm.rm(Code::Mov_r64_rm64, to, from.indexed(LANE, 8)),
            _ => return Err(Unsupported("lanes of odd width")),
        }
        Ok(())
    }

    /// The lane that a loop is at.
    pub fn store_lane(&mut self, to: Place, bits: u32, from: Register) -> Result<(), Unsupported> {
        match bits {
            8 => self.asm.mr(Code::Mov_rm8_r8, to.indexed(LANE, 1), byte(from)),
            16 => self.asm.mr(Code::Mov_rm16_r16, to.indexed(LANE, 2), word(from)),
            32 => self.asm.mr(Code::Mov_rm32_r32, to.indexed(LANE, 4), from.full_register32()),
            64 => self.asm.mr(Code::Mov_rm64_r64, to.indexed(LANE, 8), from),
            _ => return Err(Unsupported("lanes of odd width")),
        }
        Ok(())
    }

    /// The lanes of a vector put together by an operation, as a scalar.
    pub fn reduce(&mut self, op: IntOp, call: Value<'a>) -> Result<(), Unsupported> {
        let operand = call.operand(0);
        let plain = operand.plain()?;
        if plain.is_mask() {
            return self.reduce_mask(op, call);
        }
        let bits = plain.scalar.bits();
        let from = self.place(operand)?;
        // The loop's body leaves the sum in RDI, which no operation touches.
        self.asm.rr(Code::Xor_r32_rm32, LANE.full_register32(), LANE.full_register32());
        self.load_lane(Register::RDI, from, bits)?;
        let sum = Register::RDI;
        self.each_lane(plain.lanes, |this| {
            let next = this.asm.label();
            this.asm.ri(Code::Cmp_rm64_imm32, LANE, 0);
            this.asm.jump(When::Condition(condition::EQUAL), next);
            this.asm.rr(Code::Mov_r64_rm64, Register::RAX, sum);
            this.load_lane(Register::RCX, from, bits)?;
            this.int_operation(op, bits)?;
            this.narrow(Register::RAX, bits);
            this.asm.rr(Code::Mov_r64_rm64, sum, Register::RAX);
            this.asm.bind(next);
            Ok(())
        })?;
        self.store_int(call, sum)
    }

    /// What has the same bits in all lanes: a scalar in each lane of a result.
    pub fn splat_into(&mut self, to: Place, plain: Plain, from: Place) -> Result<(), Unsupported> {
        use Code::*;
        let codes = [
            Some(EVEX_Vpbroadcastb_zmm_k1z_xmmm8),
            Some(EVEX_Vpbroadcastw_zmm_k1z_xmmm16),
            Some(EVEX_Vpbroadcastd_zmm_k1z_xmmm32),
            Some(EVEX_Vpbroadcastq_zmm_k1z_xmmm64),
        ];
        let code = by_width(plain.scalar.bits(), codes).ok_or(Unsupported("lanes of odd width"))?;
        for chunk in 0..plain.chunks() {
            let to = self.new_chunk(to, chunk);
            self.asm.rm(code, to, from.operand());
        }
        Ok(())
    }
}
