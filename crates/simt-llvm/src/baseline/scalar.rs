//! Integers and pointers that are no vectors, in general registers.

use iced_x86::{Code, Register};
use llvm_sys::{LLVMIntPredicate, LLVMOpcode};

use super::Unsupported;
use super::assembler::{When, condition};
use super::function::Lowering;
use super::source::{Plain, Value};

/// An operation on two integers of up to 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum IntOp {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Shl,
    ShrUnsigned,
    ShrSigned,
    DivUnsigned,
    DivSigned,
    RemUnsigned,
    RemSigned,
    MinUnsigned,
    MinSigned,
    MaxUnsigned,
    MaxSigned,
    AddSaturating,
    SubSaturating,
}

impl IntOp {
    pub fn of(opcode: LLVMOpcode) -> Option<Self> {
        Some(match opcode {
            LLVMOpcode::LLVMAdd => IntOp::Add,
            LLVMOpcode::LLVMSub => IntOp::Sub,
            LLVMOpcode::LLVMMul => IntOp::Mul,
            LLVMOpcode::LLVMAnd => IntOp::And,
            LLVMOpcode::LLVMOr => IntOp::Or,
            LLVMOpcode::LLVMXor => IntOp::Xor,
            LLVMOpcode::LLVMShl => IntOp::Shl,
            LLVMOpcode::LLVMLShr => IntOp::ShrUnsigned,
            LLVMOpcode::LLVMAShr => IntOp::ShrSigned,
            LLVMOpcode::LLVMUDiv => IntOp::DivUnsigned,
            LLVMOpcode::LLVMSDiv => IntOp::DivSigned,
            LLVMOpcode::LLVMURem => IntOp::RemUnsigned,
            LLVMOpcode::LLVMSRem => IntOp::RemSigned,
            _ => return None,
        })
    }

    /// Whether operands are to be extended with their signs.
    fn is_signed(self) -> bool {
        use IntOp::*;
        matches!(self, ShrSigned | DivSigned | RemSigned | MinSigned | MaxSigned | AddSaturating | SubSaturating)
    }
}

/// The condition that an integer comparison asks for, and whether it is one of signed numbers.
pub(super) fn comparison(predicate: LLVMIntPredicate) -> (u8, bool) {
    use LLVMIntPredicate::*;
    match predicate {
        LLVMIntEQ => (condition::EQUAL, false),
        LLVMIntNE => (condition::NOT_EQUAL, false),
        LLVMIntUGT => (condition::ABOVE, false),
        LLVMIntUGE => (condition::NOT_BELOW, false),
        LLVMIntULT => (condition::BELOW, false),
        LLVMIntULE => (condition::NOT_ABOVE, false),
        LLVMIntSGT => (condition::GREATER, true),
        LLVMIntSGE => (condition::NOT_LESS, true),
        LLVMIntSLT => (condition::LESS, true),
        LLVMIntSLE => (condition::NOT_GREATER, true),
    }
}

/// The instruction that sets a byte by a condition.
fn set_code(condition: u8) -> Code {
    match condition {
        condition::BELOW => Code::Setb_rm8,
        condition::NOT_BELOW => Code::Setae_rm8,
        condition::EQUAL => Code::Sete_rm8,
        condition::NOT_EQUAL => Code::Setne_rm8,
        condition::NOT_ABOVE => Code::Setbe_rm8,
        condition::ABOVE => Code::Seta_rm8,
        condition::LESS => Code::Setl_rm8,
        condition::NOT_LESS => Code::Setge_rm8,
        condition::NOT_GREATER => Code::Setle_rm8,
        _ => Code::Setg_rm8,
    }
}

impl<'a> Lowering<'a, '_> {
    /// An integer or pointer, extended with zeros.
    pub fn load_int(&mut self, to: Register, value: Value<'a>) -> Result<(), Unsupported> {
        if value.is_undefined() {
            return Ok(());
        }
        if let Some(number) = value.as_integer() {
            self.asm.number(to, number);
            return Ok(());
        }
        let place = self.place(value)?;
        self.asm.rm(Code::Mov_r64_rm64, to, place.operand());
        Ok(())
    }

    /// The result, of which what lies beyond its width may be anything.
    pub fn store_int(&mut self, result: Value<'a>, from: Register) -> Result<(), Unsupported> {
        self.narrow(from, result.plain()?.scalar.bits());
        let place = self.result(result)?;
        self.asm.mr(Code::Mov_rm64_r64, place.operand(), from);
        Ok(())
    }

    /// Clears what lies beyond the lowest `bits`.
    pub fn narrow(&mut self, register: Register, bits: u32) {
        let short = register.full_register32();
        match bits {
            64 => {}
            32 => self.asm.rr(Code::Mov_r32_rm32, short, short),
            16 => self.asm.rr(Code::Movzx_r32_rm16, short, word(register)),
            bits if bits < 32 => self.asm.ri(Code::And_rm32_imm32, short, ((1u32 << bits) - 1) as i32),
            bits => {
                let shift = 64 - bits;
                self.asm.shift(Code::Shl_rm64_imm8, register, shift);
                self.asm.shift(Code::Shr_rm64_imm8, register, shift);
            }
        }
    }

    /// Extends the lowest `bits` with their sign.
    pub fn extend_sign(&mut self, register: Register, bits: u32) {
        match bits {
            64 => {}
            32 => self.asm.rr(Code::Movsxd_r64_rm32, register, register.full_register32()),
            16 => self.asm.rr(Code::Movsx_r64_rm16, register, word(register)),
            bits => {
                let shift = 64 - bits;
                self.asm.shift(Code::Shl_rm64_imm8, register, shift);
                self.asm.shift(Code::Sar_rm64_imm8, register, shift);
            }
        }
    }

    /// RAX and RCX, extended with zeros, as operands: the result is in RAX and may have anything beyond its width.
    pub fn int_operation(&mut self, op: IntOp, bits: u32) -> Result<(), Unsupported> {
        use Register::{ECX, RAX, RCX, RDX};
        if op.is_signed() {
            self.extend_sign(RAX, bits);
            if op != IntOp::ShrSigned {
                self.extend_sign(RCX, bits);
            }
        }
        let asm = &mut *self.asm;
        let short = bits <= 32;
        match op {
            IntOp::Add => asm.rr(Code::Add_r64_rm64, RAX, RCX),
            IntOp::Sub => asm.rr(Code::Sub_r64_rm64, RAX, RCX),
            IntOp::Mul => asm.rr(Code::Imul_r64_rm64, RAX, RCX),
            IntOp::And => asm.rr(Code::And_r64_rm64, RAX, RCX),
            IntOp::Or => asm.rr(Code::Or_r64_rm64, RAX, RCX),
            IntOp::Xor => asm.rr(Code::Xor_r64_rm64, RAX, RCX),
            IntOp::Shl => asm.rr(Code::Shl_rm64_CL, RAX, Register::CL),
            IntOp::ShrUnsigned => asm.rr(Code::Shr_rm64_CL, RAX, Register::CL),
            IntOp::ShrSigned => asm.rr(Code::Sar_rm64_CL, RAX, Register::CL),
            IntOp::DivUnsigned | IntOp::RemUnsigned => {
                asm.rr(Code::Xor_r32_rm32, Register::EDX, Register::EDX);
                match short {
                    true => asm.r(Code::Div_rm32, ECX),
                    false => asm.r(Code::Div_rm64, RCX),
                }
            }
            IntOp::DivSigned | IntOp::RemSigned => match short {
                true => {
                    asm.plain(Code::Cdq);
                    asm.r(Code::Idiv_rm32, ECX);
                }
                false => {
                    asm.plain(Code::Cqo);
                    asm.r(Code::Idiv_rm64, RCX);
                }
            },
            IntOp::MinUnsigned => self.keep(Code::Cmova_r64_rm64),
            IntOp::MinSigned => self.keep(Code::Cmovg_r64_rm64),
            IntOp::MaxUnsigned => self.keep(Code::Cmovb_r64_rm64),
            IntOp::MaxSigned => self.keep(Code::Cmovl_r64_rm64),
            IntOp::AddSaturating | IntOp::SubSaturating => {
                // Operands are extended with their signs: at their own width they overflow as they should.
                let (code, shift) = match op {
                    IntOp::AddSaturating => (Code::Add_r64_rm64, 64 - bits),
                    _ => (Code::Sub_r64_rm64, 64 - bits),
                };
                asm.shift(Code::Shl_rm64_imm8, RAX, shift);
                asm.shift(Code::Shl_rm64_imm8, RCX, shift);
                asm.rr(Code::Mov_r64_rm64, RDX, RAX);
                asm.shift(Code::Sar_rm64_imm8, RDX, 63);
                asm.number(Register::R8, i64::MAX as u64);
                asm.rr(Code::Xor_r64_rm64, RDX, Register::R8);
                asm.rr(code, RAX, RCX);
                asm.rr(Code::Cmovo_r64_rm64, RAX, RDX);
                asm.shift(Code::Sar_rm64_imm8, RAX, shift);
            }
        }
        if matches!(op, IntOp::RemUnsigned | IntOp::RemSigned) {
            self.asm.rr(Code::Mov_r64_rm64, RAX, RDX);
        }
        Ok(())
    }

    /// Of RAX and RCX the second if the comparison says so.
    fn keep(&mut self, code: Code) {
        self.asm.rr(Code::Cmp_r64_rm64, Register::RAX, Register::RCX);
        self.asm.rr(code, Register::RAX, Register::RCX);
    }

    pub fn int_binary(&mut self, op: IntOp, instruction: Value<'a>) -> Result<(), Unsupported> {
        let bits = instruction.plain()?.scalar.bits();
        self.load_int(Register::RAX, instruction.operand(0))?;
        self.load_int(Register::RCX, instruction.operand(1))?;
        self.int_operation(op, bits)?;
        self.store_int(instruction, Register::RAX)
    }

    pub fn int_compare(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let bits = instruction.operand(0).plain()?.scalar.bits();
        let (condition, is_signed) = comparison(instruction.int_predicate());
        self.load_int(Register::RAX, instruction.operand(0))?;
        self.load_int(Register::RCX, instruction.operand(1))?;
        if is_signed {
            self.extend_sign(Register::RAX, bits);
            self.extend_sign(Register::RCX, bits);
        }
        self.asm.rr(Code::Cmp_r64_rm64, Register::RAX, Register::RCX);
        self.store_condition(instruction, condition)
    }

    /// A single bit by the flags.
    pub fn store_condition(&mut self, instruction: Value<'a>, condition: u8) -> Result<(), Unsupported> {
        self.asm.r(set_code(condition), Register::AL);
        self.asm.rr(Code::Movzx_r32_rm8, Register::EAX, Register::AL);
        let place = self.result(instruction)?;
        self.asm.mr(Code::Mov_rm64_r64, place.operand(), Register::RAX);
        Ok(())
    }

    /// A selection by a single bit, of values of any type.
    pub fn select_whole(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let (_, bytes) = instruction.ty()?.layout();
        let (a, b) = (self.place(instruction.operand(1))?, self.place(instruction.operand(2))?);
        let to = self.result(instruction)?;
        self.load_int(Register::RAX, instruction.operand(0))?;
        self.asm.rr(Code::Test_rm32_r32, Register::EAX, Register::EAX);
        if bytes == 8 {
            self.asm.rm(Code::Mov_r64_rm64, Register::RAX, b.operand());
            self.asm.rm(Code::Cmovne_r64_rm64, Register::RAX, a.operand());
            self.asm.mr(Code::Mov_rm64_r64, to.operand(), Register::RAX);
            return Ok(());
        }
        let (otherwise, done) = (self.asm.label(), self.asm.label());
        self.asm.jump(When::Condition(condition::EQUAL), otherwise);
        self.copy_bytes(to, a, bytes);
        self.asm.jump(When::Always, done);
        self.asm.bind(otherwise);
        self.copy_bytes(to, b, bytes);
        self.asm.bind(done);
        Ok(())
    }

    /// `ctpop`, `ctlz`, `cttz`, `bswap`, `bitreverse` and `abs` of RAX, extended with zeros; the result is in RAX.
    pub fn int_unary(&mut self, name: &str, bits: u32) -> Result<(), Unsupported> {
        use Register::{RAX, RCX};
        match name {
            "ctpop" => self.asm.rr(Code::Popcnt_r64_rm64, RAX, RAX),
            "ctlz" => {
                self.asm.rr(Code::Lzcnt_r64_rm64, RAX, RAX);
                self.asm.ri(Code::Sub_rm64_imm32, RAX, 64 - bits as i32);
            }
            "cttz" => {
                // A bit beyond the width stops the count there.
                if bits < 64 {
                    self.asm.number(RCX, 1 << bits);
                    self.asm.rr(Code::Or_r64_rm64, RAX, RCX);
                }
                self.asm.rr(Code::Tzcnt_r64_rm64, RAX, RAX);
            }
            "bswap" | "bitreverse" => {
                self.asm.r(Code::Bswap_r64, RAX);
                if name == "bitreverse" {
                    self.reverse_bytes_bits();
                }
                self.asm.shift(Code::Shr_rm64_imm8, RAX, 64 - bits);
            }
            "abs" => {
                self.extend_sign(RAX, bits);
                self.asm.rr(Code::Mov_r64_rm64, RCX, RAX);
                self.asm.r(Code::Neg_rm64, RCX);
                self.asm.rr(Code::Cmovns_r64_rm64, RAX, RCX);
            }
            _ => return Err(Unsupported("an integer intrinsic")),
        }
        Ok(())
    }

    /// Reverses the bits of each byte of RAX.
    fn reverse_bytes_bits(&mut self) {
        use Register::{R8, RAX, RCX};
        for (shift, mask) in [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)] {
            self.asm.rr(Code::Mov_r64_rm64, RCX, RAX);
            self.asm.shift(Code::Shr_rm64_imm8, RCX, shift);
            self.asm.number(R8, mask);
            self.asm.rr(Code::And_r64_rm64, RCX, R8);
            self.asm.rr(Code::And_r64_rm64, RAX, R8);
            self.asm.shift(Code::Shl_rm64_imm8, RAX, shift);
            self.asm.rr(Code::Or_r64_rm64, RAX, RCX);
        }
    }

    /// A funnel shift of RAX (high) and RCX (low) by RDX, each extended with zeros; the result is in RAX.
    pub fn int_funnel(&mut self, left: bool, bits: u32) -> Result<(), Unsupported> {
        use Register::{R8, RAX, RCX, RDX};
        if bits != 64 && bits > 32 || !bits.is_power_of_two() {
            return Err(Unsupported("a funnel shift"));
        }
        let asm = &mut *self.asm;
        asm.ri(Code::And_rm64_imm32, RDX, bits as i32 - 1);
        asm.rr(Code::Mov_r64_rm64, R8, RCX);
        asm.rr(Code::Mov_r64_rm64, RCX, RDX);
        if bits == 64 {
            let (code, to, from) = match left {
                true => (Code::Shld_rm64_r64_CL, RAX, R8),
                false => (Code::Shrd_rm64_r64_CL, R8, RAX),
            };
            asm.rrr(code, to, from, Register::CL);
            if !left {
                asm.rr(Code::Mov_r64_rm64, RAX, R8);
            }
            return Ok(());
        }
        // Both in one register.
        asm.shift(Code::Shl_rm64_imm8, RAX, bits);
        asm.rr(Code::Or_r64_rm64, RAX, R8);
        match left {
            true => {
                asm.rr(Code::Shl_rm64_CL, RAX, Register::CL);
                asm.shift(Code::Shr_rm64_imm8, RAX, bits);
            }
            false => asm.rr(Code::Shr_rm64_CL, RAX, Register::CL),
        }
        Ok(())
    }

    /// `trunc`, `zext`, `sext` and what leaves the bits as they are, between integers and pointers.
    pub fn int_cast(&mut self, instruction: Value<'a>, from: Plain) -> Result<(), Unsupported> {
        self.load_int(Register::RAX, instruction.operand(0))?;
        if instruction.opcode() == LLVMOpcode::LLVMSExt {
            self.extend_sign(Register::RAX, from.scalar.bits());
        }
        self.store_int(instruction, Register::RAX)
    }
}

/// The low 16 bits of a general register.
pub(super) fn word(register: Register) -> Register {
    Register::AX + register.number() as u32
}

/// The low 8 bits of a general register.
pub(super) fn byte(register: Register) -> Register {
    match register.number() {
        number @ 0..4 => Register::AL + number as u32,
        number => Register::SPL + (number as u32 - 4),
    }
}
