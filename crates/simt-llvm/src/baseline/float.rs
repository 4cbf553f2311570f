//! Floats, scalars and vectors alike: a scalar is the first lane of a register.

use iced_x86::{Code, Instruction, Register, RoundingControl};
use llvm_sys::{LLVMOpcode, LLVMRealPredicate};

use super::Unsupported;
use super::function::Lowering;
use super::mask;
use super::source::{Plain, Scalar, Value};
use super::vector::{K, Z};

/// Instructions for singles and doubles.
type Both = (Code, Code);

pub(super) fn either(scalar: Scalar, codes: Both) -> Result<Code, Unsupported> {
    match scalar {
        Scalar::Single => Ok(codes.0),
        Scalar::Double => Ok(codes.1),
        _ => Err(Unsupported("arithmetic of half precision")),
    }
}

const ADD: Both = (Code::EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er, Code::EVEX_Vaddpd_zmm_k1z_zmm_zmmm512b64_er);
const SUB: Both = (Code::EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er, Code::EVEX_Vsubpd_zmm_k1z_zmm_zmmm512b64_er);
const MUL: Both = (Code::EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er, Code::EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er);
const DIV: Both = (Code::EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er, Code::EVEX_Vdivpd_zmm_k1z_zmm_zmmm512b64_er);
const SQRT: Both = (Code::EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er, Code::EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er);
const FMA: Both =
    (Code::EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er, Code::EVEX_Vfmadd213pd_zmm_k1z_zmm_zmmm512b64_er);
const MIN: Both = (Code::EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae, Code::EVEX_Vminpd_zmm_k1z_zmm_zmmm512b64_sae);
const MAX: Both = (Code::EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae, Code::EVEX_Vmaxpd_zmm_k1z_zmm_zmmm512b64_sae);
const COMPARE: Both =
    (Code::EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae, Code::EVEX_Vcmppd_kr_k1_zmm_zmmm512b64_imm8_sae);
const ROUND: Both =
    (Code::EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae, Code::EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae);
const BLEND: Both = (Code::EVEX_Vmovaps_zmm_k1z_zmmm512, Code::EVEX_Vmovapd_zmm_k1z_zmmm512);

const AND: Code = Code::EVEX_Vpandq_zmm_k1z_zmm_zmmm512b64;
const OR: Code = Code::EVEX_Vporq_zmm_k1z_zmm_zmmm512b64;
const XOR: Code = Code::EVEX_Vpxorq_zmm_k1z_zmm_zmmm512b64;
/// And of the second with the complement of the first.
const AND_NOT: Code = Code::EVEX_Vpandnq_zmm_k1z_zmm_zmmm512b64;

/// Comparison of the processor that holds for what is not ordered.
const UNORDERED: u32 = 3;
const EQUAL_ORDERED: u32 = 0;

/// The comparison of the processor, one that is quiet about NaN.
fn predicate(wanted: LLVMRealPredicate) -> u32 {
    use LLVMRealPredicate::*;
    match wanted {
        LLVMRealPredicateFalse => 0x0b,
        LLVMRealOEQ => EQUAL_ORDERED,
        LLVMRealOGT => 0x1e,
        LLVMRealOGE => 0x1d,
        LLVMRealOLT => 0x11,
        LLVMRealOLE => 0x12,
        LLVMRealONE => 0x0c,
        LLVMRealORD => 0x07,
        LLVMRealUNO => UNORDERED,
        LLVMRealUEQ => 0x08,
        LLVMRealUGT => 0x16,
        LLVMRealUGE => 0x15,
        LLVMRealULT => 0x19,
        LLVMRealULE => 0x1a,
        LLVMRealUNE => 0x04,
        LLVMRealPredicateTrue => 0x0f,
    }
}

/// An operation on two floats.
pub(super) fn binary_codes(opcode: LLVMOpcode) -> Option<Both> {
    Some(match opcode {
        LLVMOpcode::LLVMFAdd => ADD,
        LLVMOpcode::LLVMFSub => SUB,
        LLVMOpcode::LLVMFMul => MUL,
        LLVMOpcode::LLVMFDiv => DIV,
        _ => return None,
    })
}

/// Under which rounding an instruction works, as LLVM's intrinsics number it.
fn rounded(instruction: Instruction, rounding: u64) -> Result<Instruction, Unsupported> {
    let mut instruction = instruction;
    match rounding {
        4 => {}
        8 => instruction.set_rounding_control(RoundingControl::RoundToNearest),
        9 => instruction.set_rounding_control(RoundingControl::RoundDown),
        10 => instruction.set_rounding_control(RoundingControl::RoundUp),
        11 => instruction.set_rounding_control(RoundingControl::RoundTowardZero),
        _ => return Err(Unsupported("a rounding")),
    }
    Ok(instruction)
}

impl<'a> Lowering<'a, '_> {
    /// The places of operands, and the registers of a result one after the other: `compute` has the operands in `Z[0..]` and leaves the result in
    /// `Z[0]`.
    fn each_chunk<const N: usize>(
        &mut self,
        result: Value<'a>,
        operands: [Value<'a>; N],
        mut compute: impl FnMut(&mut Self) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        let plain = result.plain()?;
        let mut places = [None; N];
        for (place, operand) in places.iter_mut().zip(operands) {
            *place = Some(self.place(operand)?);
        }
        let to = self.result(result)?;
        for chunk in 0..plain.chunks() {
            for (register, place) in Z.iter().zip(places.iter().flatten()) {
                self.load_chunk(*register, *place, plain, chunk);
            }
            compute(self)?;
            self.store_chunk(to, plain, chunk, Z[0]);
        }
        Ok(())
    }

    pub fn float_binary(&mut self, codes: Both, instruction: Value<'a>) -> Result<(), Unsupported> {
        let code = either(instruction.plain()?.scalar, codes)?;
        self.each_chunk(instruction, [instruction.operand(0), instruction.operand(1)], |this| {
            this.asm.rrr(code, Z[0], Z[0], Z[1]);
            Ok(())
        })
    }

    /// A register with the same bits in each lane.
    fn bits(&mut self, to: Register, scalar: Scalar, bits: u64) {
        let size = scalar.bits() as usize / 8;
        let bytes: Vec<u8> = bits.to_le_bytes()[..size].iter().copied().cycle().take(64).collect();
        let place = self.asm.constant(bytes);
        self.asm.rm(Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512, to, place.operand());
    }

    fn sign(&mut self, to: Register, scalar: Scalar) {
        self.bits(to, scalar, 1 << (scalar.bits() - 1));
    }

    pub fn float_negate(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let scalar = instruction.plain()?.scalar;
        self.sign(Z[4], scalar);
        self.each_chunk(instruction, [instruction.operand(0)], |this| {
            this.asm.rrr(XOR, Z[0], Z[0], Z[4]);
            Ok(())
        })
    }

    pub fn float_absolute(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let scalar = call.plain()?.scalar;
        self.sign(Z[4], scalar);
        self.each_chunk(call, [call.operand(0)], |this| {
            this.asm.rrr(AND_NOT, Z[0], Z[4], Z[0]);
            Ok(())
        })
    }

    pub fn float_copy_sign(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let scalar = call.plain()?.scalar;
        self.sign(Z[4], scalar);
        self.each_chunk(call, [call.operand(0), call.operand(1)], |this| {
            this.asm.rrr(AND_NOT, Z[0], Z[4], Z[0]);
            this.asm.rrr(AND, Z[1], Z[4], Z[1]);
            this.asm.rrr(OR, Z[0], Z[0], Z[1]);
            Ok(())
        })
    }

    pub fn float_root(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let code = either(call.plain()?.scalar, SQRT)?;
        self.each_chunk(call, [call.operand(0)], |this| {
            this.asm.rr(code, Z[0], Z[0]);
            Ok(())
        })
    }

    pub fn float_fma(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let code = either(call.plain()?.scalar, FMA)?;
        self.each_chunk(call, [0, 1, 2].map(|index| call.operand(index)), |this| {
            this.asm.rrr(code, Z[0], Z[1], Z[2]);
            Ok(())
        })
    }

    /// Rounds to an integer: to nearest even, down, up, to zero.
    pub fn float_round(&mut self, call: Value<'a>, how: u32) -> Result<(), Unsupported> {
        let code = either(call.plain()?.scalar, ROUND)?;
        self.each_chunk(call, [call.operand(0)], |this| {
            // Without an exception for what is not exact.
            this.asm.rri(code, Z[0], Z[0], how | 8);
            Ok(())
        })
    }

    /// Rounds halves away from zero: adds just less than a half, with the operand's sign, and cuts off.
    pub fn float_round_away(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let scalar = call.plain()?.scalar;
        let round = either(scalar, ROUND)?;
        let add = either(scalar, ADD)?;
        self.sign(Z[4], scalar);
        let half = match scalar {
            Scalar::Single => u64::from(0.5f32.to_bits() - 1),
            _ => 0.5f64.to_bits() - 1,
        };
        self.bits(Z[3], scalar, half);
        self.each_chunk(call, [call.operand(0)], |this| {
            this.asm.rrr(AND, Z[1], Z[4], Z[0]);
            this.asm.rrr(OR, Z[1], Z[1], Z[3]);
            this.asm.rrr(add, Z[0], Z[0], Z[1]);
            this.asm.rri(round, Z[0], Z[0], 3 | 8);
            Ok(())
        })
    }

    /// `minnum` and `maxnum`: of a number and a NaN the number. Of zeros the first operand, as LLVM's code has it.
    pub fn float_pick(&mut self, call: Value<'a>, least: bool) -> Result<(), Unsupported> {
        let scalar = call.plain()?.scalar;
        let pick = either(scalar, if least { MIN } else { MAX })?;
        let (compare, blend) = (either(scalar, COMPARE)?, either(scalar, BLEND)?);
        self.each_chunk(call, [call.operand(0), call.operand(1)], |this| {
            this.asm.rrri(compare, K, Z[0], Z[0], UNORDERED);
            this.asm.rrr(pick, Z[0], Z[1], Z[0]);
            this.asm.masked(Instruction::with2(blend, Z[0], Z[1]), K, false);
            Ok(())
        })
    }

    /// `minimum` and `maximum`: a NaN if one is there, and -0 less than 0.
    pub fn float_extreme(&mut self, call: Value<'a>, least: bool) -> Result<(), Unsupported> {
        let scalar = call.plain()?.scalar;
        let pick = either(scalar, if least { MIN } else { MAX })?;
        let (compare, blend, add) = (either(scalar, COMPARE)?, either(scalar, BLEND)?, either(scalar, ADD)?);
        self.each_chunk(call, [call.operand(0), call.operand(1)], |this| {
            this.asm.rrr(pick, Z[2], Z[0], Z[1]);
            // Equal numbers differ in the sign of a zero at most.
            this.asm.rrr(if least { OR } else { AND }, Z[3], Z[0], Z[1]);
            this.asm.rrri(compare, K, Z[0], Z[1], EQUAL_ORDERED);
            this.asm.masked(Instruction::with2(blend, Z[2], Z[3]), K, false);
            this.asm.rrr(add, Z[3], Z[0], Z[1]);
            this.asm.rrri(compare, K, Z[0], Z[1], UNORDERED);
            this.asm.masked(Instruction::with2(blend, Z[2], Z[3]), K, false);
            this.asm.rr(blend, Z[0], Z[2]);
            Ok(())
        })
    }

    pub fn float_compare(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.operand(0).plain()?;
        let code = either(plain.scalar, COMPARE)?;
        let wanted = predicate(instruction.float_predicate());
        let (a, b) = (self.place(instruction.operand(0))?, self.place(instruction.operand(1))?);
        if plain.is_vector() {
            return self.collect_mask(instruction, plain, |this, chunk| {
                this.load_chunk(Z[0], a, plain, chunk);
                this.load_chunk(Z[1], b, plain, chunk);
                this.asm.rrri(code, K, Z[0], Z[1], wanted);
            });
        }
        self.load_chunk(Z[0], a, plain, 0);
        self.load_chunk(Z[1], b, plain, 0);
        self.asm.rrri(code, K, Z[0], Z[1], wanted);
        mask::from_k(self.asm, Register::RAX, K);
        self.store_int(instruction, Register::RAX)
    }

    /// `llvm.x86.avx512.{add,sub,mul,div,sqrt}.{ps,pd}.512` and `vfmadd`: the last argument says how to round.
    pub fn float_directed(&mut self, call: Value<'a>, name: &str) -> Result<(), Unsupported> {
        let scalar = call.plain()?.scalar;
        let arguments = call.arguments();
        let rounding = arguments.last().and_then(|last| last.as_integer()).ok_or(Unsupported("a rounding"))?;
        let codes = match name {
            "add" => ADD,
            "sub" => SUB,
            "mul" => MUL,
            "div" => DIV,
            "sqrt" => SQRT,
            "vfmadd" => FMA,
            _ => return Err(Unsupported("a directed operation")),
        };
        let code = either(scalar, codes)?;
        let make = |instruction: Result<Instruction, _>| {
            instruction.map_err(|_| Unsupported("an instruction's operands")).and_then(|i| rounded(i, rounding))
        };
        match arguments[..] {
            [a, _] => self.each_chunk(call, [a], |this| {
                let instruction = make(Instruction::with2(code, Z[0], Z[0]))?;
                this.asm.push(Ok(instruction));
                Ok(())
            }),
            [a, b, _] => self.each_chunk(call, [a, b], |this| {
                let instruction = make(Instruction::with3(code, Z[0], Z[0], Z[1]))?;
                this.asm.push(Ok(instruction));
                Ok(())
            }),
            [a, b, c, _] => self.each_chunk(call, [a, b, c], |this| {
                let instruction = make(Instruction::with3(code, Z[0], Z[1], Z[2]))?;
                this.asm.push(Ok(instruction));
                Ok(())
            }),
            _ => Err(Unsupported("a directed operation")),
        }
    }

    /// An instruction of the processor on whole registers: `compute` has the operands in `Z[0..]`.
    pub fn whole_registers<const N: usize>(
        &mut self,
        call: Value<'a>,
        operands: [Value<'a>; N],
        compute: impl FnMut(&mut Self) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        let is_whole = |plain: Plain| plain.is_vector() && plain.bytes() == 64;
        if !is_whole(call.plain()?) {
            return Err(Unsupported("a part of a register"));
        }
        for operand in operands {
            if !is_whole(operand.plain()?) {
                return Err(Unsupported("a part of a register"));
            }
        }
        self.each_chunk(call, operands, compute)
    }
}
