//! Conversions between types.

use iced_x86::{Code, Instruction, Register};
use llvm_sys::LLVMOpcode;

use super::Unsupported;
use super::assembler::Place;
use super::function::Lowering;
use super::mask::is_bit;
use super::source::{Plain, Scalar, Value};
use super::vector::{Z, part};

/// Rounds as the processor is set to: to nearest even.
const CURRENT_ROUNDING: u32 = 4;

/// Lanes of `from` bits as lanes of `to` bits, more than those.
fn widening(from: u32, to: u32, signed: bool) -> Option<Code> {
    use Code::*;
    Some(match (from, to, signed) {
        (8, 16, false) => EVEX_Vpmovzxbw_zmm_k1z_ymmm256,
        (8, 32, false) => EVEX_Vpmovzxbd_zmm_k1z_xmmm128,
        (8, 64, false) => EVEX_Vpmovzxbq_zmm_k1z_xmmm64,
        (16, 32, false) => EVEX_Vpmovzxwd_zmm_k1z_ymmm256,
        (16, 64, false) => EVEX_Vpmovzxwq_zmm_k1z_xmmm128,
        (32, 64, false) => EVEX_Vpmovzxdq_zmm_k1z_ymmm256,
        (8, 16, true) => EVEX_Vpmovsxbw_zmm_k1z_ymmm256,
        (8, 32, true) => EVEX_Vpmovsxbd_zmm_k1z_xmmm128,
        (8, 64, true) => EVEX_Vpmovsxbq_zmm_k1z_xmmm64,
        (16, 32, true) => EVEX_Vpmovsxwd_zmm_k1z_ymmm256,
        (16, 64, true) => EVEX_Vpmovsxwq_zmm_k1z_xmmm128,
        (32, 64, true) => EVEX_Vpmovsxdq_zmm_k1z_ymmm256,
        _ => return None,
    })
}

/// Lanes of `from` bits as lanes of `to` bits, fewer than those.
fn narrowing(from: u32, to: u32) -> Option<Code> {
    use Code::*;
    Some(match (from, to) {
        (16, 8) => EVEX_Vpmovwb_ymmm256_k1z_zmm,
        (32, 8) => EVEX_Vpmovdb_xmmm128_k1z_zmm,
        (64, 8) => EVEX_Vpmovqb_xmmm64_k1z_zmm,
        (32, 16) => EVEX_Vpmovdw_ymmm256_k1z_zmm,
        (64, 16) => EVEX_Vpmovqw_xmmm128_k1z_zmm,
        (64, 32) => EVEX_Vpmovqd_ymmm256_k1z_zmm,
        _ => return None,
    })
}

/// Between integers of 32 or 64 bits and floats: by from, to, and whether integers have signs.
fn number_code(from: Scalar, to: Scalar, signed: bool) -> Option<Code> {
    use Code::*;
    use Scalar::{Double, Int, Single};
    Some(match (from, to, signed) {
        (Int(32), Single, true) => EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er,
        (Int(32), Single, false) => EVEX_Vcvtudq2ps_zmm_k1z_zmmm512b32_er,
        (Int(32), Double, true) => EVEX_Vcvtdq2pd_zmm_k1z_ymmm256b32_er,
        (Int(32), Double, false) => EVEX_Vcvtudq2pd_zmm_k1z_ymmm256b32_er,
        (Int(64), Single, true) => EVEX_Vcvtqq2ps_ymm_k1z_zmmm512b64_er,
        (Int(64), Single, false) => EVEX_Vcvtuqq2ps_ymm_k1z_zmmm512b64_er,
        (Int(64), Double, true) => EVEX_Vcvtqq2pd_zmm_k1z_zmmm512b64_er,
        (Int(64), Double, false) => EVEX_Vcvtuqq2pd_zmm_k1z_zmmm512b64_er,
        (Single, Int(32), true) => EVEX_Vcvttps2dq_zmm_k1z_zmmm512b32_sae,
        (Single, Int(32), false) => EVEX_Vcvttps2udq_zmm_k1z_zmmm512b32_sae,
        (Double, Int(32), true) => EVEX_Vcvttpd2dq_ymm_k1z_zmmm512b64_sae,
        (Double, Int(32), false) => EVEX_Vcvttpd2udq_ymm_k1z_zmmm512b64_sae,
        (Single, Int(64), true) => EVEX_Vcvttps2qq_zmm_k1z_ymmm256b32_sae,
        (Single, Int(64), false) => EVEX_Vcvttps2uqq_zmm_k1z_ymmm256b32_sae,
        (Double, Int(64), true) => EVEX_Vcvttpd2qq_zmm_k1z_zmmm512b64_sae,
        (Double, Int(64), false) => EVEX_Vcvttpd2uqq_zmm_k1z_zmmm512b64_sae,
        (Single, Double, _) => EVEX_Vcvtps2pd_zmm_k1z_ymmm256b32_sae,
        (Double, Single, _) => EVEX_Vcvtpd2ps_ymm_k1z_zmmm512b64_er,
        _ => return None,
    })
}

impl<'a> Lowering<'a, '_> {
    pub fn cast(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        use LLVMOpcode::*;
        let (from, to) = (instruction.operand(0).plain()?, instruction.plain()?);
        let opcode = instruction.opcode();
        if from.is_mask() != to.is_mask() && !matches!(opcode, LLVMBitCast) {
            return match opcode {
                LLVMZExt | LLVMSExt => self.mask_extend(instruction),
                LLVMTrunc => self.mask_truncate(instruction),
                _ => Err(Unsupported("a conversion of bits")),
            };
        }
        let both_float = from.scalar.is_float() || to.scalar.is_float();
        match opcode {
            LLVMBitCast | LLVMPtrToInt | LLVMIntToPtr => self.bitcast(instruction, from, to),
            LLVMTrunc | LLVMZExt | LLVMSExt if !from.is_vector() => self.int_cast(instruction, from),
            LLVMTrunc | LLVMZExt | LLVMSExt if !both_float => self.resize(instruction, from, to),
            LLVMUIToFP | LLVMSIToFP | LLVMFPToUI | LLVMFPToSI | LLVMFPExt | LLVMFPTrunc => {
                self.convert_number(instruction, from, to)
            }
            _ => Err(Unsupported("a conversion")),
        }
    }

    /// The same bits as another type.
    fn bitcast(&mut self, instruction: Value<'a>, from: Plain, to: Plain) -> Result<(), Unsupported> {
        if from.bytes() != to.bytes() && from.is_mask() == to.is_mask() {
            return Err(Unsupported("a pointer of another size"));
        }
        let operand = instruction.operand(0);
        if from.place_bytes() == to.place_bytes() {
            self.result_from(instruction, operand)?;
            return Ok(());
        }
        // Between a short vector and a scalar or a mask.
        let (source, place) = (self.place(operand)?, self.result(instruction)?);
        let bytes = from.bytes().min(to.bytes());
        if to.place_bytes() == 8 {
            self.asm.number(Register::RAX, 0);
            self.asm.mr(Code::Mov_rm64_r64, place.operand(), Register::RAX);
        }
        self.copy_bytes(place, source, bytes);
        Ok(())
    }

    fn resize(&mut self, instruction: Value<'a>, from: Plain, to: Plain) -> Result<(), Unsupported> {
        let (source, place) = (self.place(instruction.operand(0))?, self.result(instruction)?);
        let (narrow, wide) = (from.scalar.bits(), to.scalar.bits());
        if narrow < wide {
            let signed = instruction.opcode() == LLVMOpcode::LLVMSExt;
            let code = widening(narrow, wide, signed).ok_or(Unsupported("lanes of odd width"))?;
            let step = 64 * narrow / wide;
            for chunk in 0..to.chunks() {
                let to = self.new_chunk(place, chunk);
                self.asm.rm(code, to, source.plus(step * chunk).operand());
            }
            return Ok(());
        }
        let code = narrowing(narrow, wide).ok_or(Unsupported("lanes of odd width"))?;
        let step = 64 * wide / narrow;
        for chunk in 0..from.chunks() {
            self.load_chunk(Z[0], source, from, chunk);
            self.asm.mr(code, place.plus(step * chunk).operand(), Z[0]);
        }
        Ok(())
    }

    fn convert_number(&mut self, instruction: Value<'a>, from: Plain, to: Plain) -> Result<(), Unsupported> {
        let signed = matches!(instruction.opcode(), LLVMOpcode::LLVMSIToFP | LLVMOpcode::LLVMFPToSI);
        if from.scalar == Scalar::Half || to.scalar == Scalar::Half {
            return self.convert_half(instruction, from, to);
        }
        let short = |scalar: Scalar| matches!(scalar, Scalar::Int(bits) if bits < 32);
        if short(from.scalar) || short(to.scalar) || is_bit(from) {
            return self.convert_short(instruction, from, to, signed);
        }
        let code = number_code(from.scalar, to.scalar, signed).ok_or(Unsupported("a conversion"))?;
        let (source, place) = (self.place(instruction.operand(0))?, self.result(instruction)?);
        self.convert_places(code, source, from, place, to);
        Ok(())
    }

    /// Converts lanes of 32 or 64 bits.
    fn convert_places(&mut self, code: Code, source: Place, from: Plain, place: Place, to: Plain) {
        let (narrow, wide) = (from.scalar.bits(), to.scalar.bits());
        if !to.is_vector() {
            self.load_chunk(Z[0], source, from, 0);
            let register = if narrow < wide { part(Z[0], 32) } else { Z[0] };
            let target = if narrow > wide { part(Z[0], 32) } else { Z[0] };
            self.asm.rr(code, target, register);
            self.store_chunk(place, to, 0, Z[0]);
            return;
        }
        if narrow <= wide {
            let step = 64 * narrow / wide;
            for chunk in 0..to.chunks() {
                let to = self.new_chunk(place, chunk);
                self.asm.rm(code, to, source.plus(step * chunk).operand());
            }
            return;
        }
        for chunk in 0..from.chunks() {
            self.load_chunk(Z[0], source, from, chunk);
            self.asm.rr(code, part(Z[0], 32), Z[0]);
            let half = place.plus(32 * chunk).operand();
            self.asm.mr(Code::EVEX_Vmovdqu64_ymmm256_k1z_ymm, half, part(Z[0], 32));
        }
    }

    /// Integers of 8 or 16 bits, through 32.
    fn convert_short(
        &mut self,
        instruction: Value<'a>,
        from: Plain,
        to: Plain,
        signed: bool,
    ) -> Result<(), Unsupported> {
        let middle = Scalar::Int(32);
        if from.scalar.is_float() {
            // What is out of range may become anything, so that a sign does no harm.
            let code = number_code(from.scalar, middle, true).ok_or(Unsupported("a conversion"))?;
            let (source, between) = (self.place(instruction.operand(0))?, to.with(middle));
            let scratch = self.scratch(between.place_bytes());
            self.convert_places(code, source, from, scratch, between);
            self.registers.settle(self.asm, scratch, between.place_bytes());
            let place = self.result(instruction)?;
            if !to.is_vector() {
                self.asm.rm(Code::Mov_r64_rm64, Register::RAX, scratch.operand());
                return self.store_int(instruction, Register::RAX);
            }
            let code = narrowing(32, to.scalar.bits()).ok_or(Unsupported("lanes of odd width"))?;
            let step = to.scalar.bits() * 2;
            for chunk in 0..between.chunks() {
                self.load_chunk(Z[0], scratch, between, chunk);
                self.asm.mr(code, place.plus(step * chunk).operand(), Z[0]);
            }
            return Ok(());
        }
        let code = number_code(middle, to.scalar, true).ok_or(Unsupported("a conversion"))?;
        let between = from.with(middle);
        let scratch = self.scratch(between.place_bytes());
        if !from.is_vector() {
            self.load_int(Register::RAX, instruction.operand(0))?;
            if signed {
                self.extend_sign(Register::RAX, from.scalar.bits());
            }
            self.narrow(Register::RAX, 32);
            self.asm.mr(Code::Mov_rm64_r64, scratch.operand(), Register::RAX);
        } else {
            let widen = widening(from.scalar.bits(), 32, signed).ok_or(Unsupported("lanes of odd width"))?;
            let source = self.place(instruction.operand(0))?;
            for chunk in 0..between.chunks() {
                self.asm.rm(widen, Z[0], source.plus(2 * from.scalar.bits() * chunk).operand());
                self.store_chunk(scratch, between, chunk, Z[0]);
            }
        }
        let place = self.result(instruction)?;
        self.convert_places(code, scratch, between, place, to);
        Ok(())
    }

    /// Between half and single precision.
    fn convert_half(&mut self, instruction: Value<'a>, from: Plain, to: Plain) -> Result<(), Unsupported> {
        let (source, place) = (self.place(instruction.operand(0))?, self.result(instruction)?);
        match (from.scalar, to.scalar) {
            (Scalar::Half, Scalar::Single) if to.is_vector() => {
                for chunk in 0..to.chunks() {
                    let half = source.plus(32 * chunk).operand();
                    self.asm.rm(Code::EVEX_Vcvtph2ps_zmm_k1z_ymmm256_sae, Z[0], half);
                    self.store_chunk(place, to, chunk, Z[0]);
                }
            }
            (Scalar::Half, Scalar::Single) => {
                self.load_chunk(Z[0], source, from, 0);
                self.asm.rr(Code::EVEX_Vcvtph2ps_zmm_k1z_ymmm256_sae, Z[0], part(Z[0], 32));
                self.store_chunk(place, to, 0, Z[0]);
            }
            (Scalar::Single, Scalar::Half) if to.is_vector() => {
                for chunk in 0..from.chunks() {
                    self.load_chunk(Z[0], source, from, chunk);
                    let half = place.plus(32 * chunk).operand();
                    let code = Code::EVEX_Vcvtps2ph_ymmm256_k1z_zmm_imm8_sae;
                    self.asm.push(Instruction::with3(code, half, Z[0], CURRENT_ROUNDING));
                }
            }
            (Scalar::Single, Scalar::Half) => {
                self.load_chunk(Z[0], source, from, 0);
                let code = Code::EVEX_Vcvtps2ph_ymmm256_k1z_zmm_imm8_sae;
                self.asm.rri(code, part(Z[0], 32), Z[0], CURRENT_ROUNDING);
                self.store_chunk(place, to, 0, Z[0]);
            }
            _ => return Err(Unsupported("a conversion of half precision")),
        }
        Ok(())
    }
}
