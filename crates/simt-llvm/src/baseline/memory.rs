//! Loads, stores, accesses under masks, and atomic operations.

use iced_x86::{Code, Instruction, MemoryOperand, Register};
use llvm_sys::{LLVMAtomicOrdering, LLVMAtomicRMWBinOp, LLVMOpcode};

use super::Unsupported;
use super::assembler::{Place, When, condition};
use super::function::Lowering;
use super::scalar::{IntOp, byte, word};
use super::source::{Plain, Scalar, Value};
use super::vector::{K, Z, move_in, move_out, part};

/// The register that holds an access's address.
const AT: Register = Register::RDI;

/// Lanes of a gather or scatter by addresses of 64 bits.
const ADDRESSES: u32 = 8;

/// Bytes at an address.
fn at(offset: u32) -> Place {
    Place { base: AT, at: offset as i32 }
}

impl<'a> Lowering<'a, '_> {
    pub fn load(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        self.load_int(AT, instruction.operand(0))?;
        let to = self.result(instruction)?;
        if plain.is_vector() {
            if plain.place_bytes() == 8 && plain.bytes() < 8 {
                self.asm.number(Register::RAX, 0);
                self.asm.mr(Code::Mov_rm64_r64, to.operand(), Register::RAX);
            }
            if plain.bytes().is_multiple_of(64) {
                for chunk in 0..plain.chunks() {
                    let to = self.new_chunk(to, chunk);
                    self.asm.rm(Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512, to, at(64 * chunk).operand());
                }
                return Ok(());
            }
            self.copy_bytes(to, at(0), plain.bytes());
            return Ok(());
        }
        let (code, register) = match plain.bytes() {
            1 => (Code::Movzx_r32_rm8, Register::EAX),
            2 => (Code::Movzx_r32_rm16, Register::EAX),
            4 => (Code::Mov_r32_rm32, Register::EAX),
            8 => (Code::Mov_r64_rm64, Register::RAX),
            _ => return Err(Unsupported("a load of odd width")),
        };
        self.asm.rm(code, register, at(0).operand());
        self.store_int(instruction, Register::RAX)
    }

    pub fn store(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let value = instruction.operand(0);
        let plain = value.plain()?;
        self.load_int(AT, instruction.operand(1))?;
        if value.is_undefined() {
            return Ok(());
        }
        if plain.is_vector() && plain.bytes().is_multiple_of(64) {
            let from = self.home(value)?;
            for chunk in 0..plain.chunks() {
                let from = self.chunk(from, chunk);
                self.asm.mr(Code::EVEX_Vmovdqu64_zmmm512_k1z_zmm, at(64 * chunk).operand(), from);
            }
        } else if plain.is_vector() {
            let from = self.place(value)?;
            self.copy_bytes(at(0), from, plain.bytes());
        } else {
            self.load_int(Register::RAX, value)?;
            match plain.bytes() {
                1 => self.asm.mr(Code::Mov_rm8_r8, at(0).operand(), Register::AL),
                2 => self.asm.mr(Code::Mov_rm16_r16, at(0).operand(), Register::AX),
                4 => self.asm.mr(Code::Mov_rm32_r32, at(0).operand(), Register::EAX),
                8 => self.asm.mr(Code::Mov_rm64_r64, at(0).operand(), Register::RAX),
                _ => return Err(Unsupported("a store of odd width")),
            }
        }
        if instruction.ordering() == LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent {
            self.asm.plain(Code::Mfence);
        }
        Ok(())
    }

    pub fn fence(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let orders_all = instruction.ordering() == LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent;
        if orders_all && !instruction.is_for_one_thread() {
            self.asm.plain(Code::Mfence);
        }
        Ok(())
    }

    /// Memory for the function's own use.
    pub fn allocate(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let (_, bytes) = instruction.allocated()?.layout();
        let memory = self.reserve(bytes.next_multiple_of(64));
        let to = self.result(instruction)?;
        self.asm.rm(Code::Lea_r64_m, Register::RAX, memory.operand());
        self.asm.mr(Code::Mov_rm64_r64, to.operand(), Register::RAX);
        Ok(())
    }

    pub fn offset(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        if !instruction.is_byte_offset() {
            return Err(Unsupported("an address of something else than bytes"));
        }
        let plain = instruction.plain()?;
        let (base, index) = (instruction.operand(0), instruction.operand(1));
        if index.plain()?.scalar.bits() != 64 {
            return Err(Unsupported("an offset of other than 64 bits"));
        }
        if plain.is_vector() {
            if !index.plain()?.is_vector() {
                return self.offset_lanes(instruction, index, base);
            }
            if !base.plain()?.is_vector() {
                return self.offset_lanes(instruction, base, index);
            }
            return self.vector_operation(IntOp::Add, plain, instruction, base, index);
        }
        self.load_int(Register::RAX, base)?;
        self.load_int(Register::RCX, index)?;
        self.asm.rr(Code::Add_r64_rm64, Register::RAX, Register::RCX);
        self.store_int(instruction, Register::RAX)
    }

    /// Addresses of which each is the sum of its own number and one that is the same for all.
    fn offset_lanes(&mut self, result: Value<'a>, same: Value<'a>, own: Value<'a>) -> Result<(), Unsupported> {
        let plain = result.plain()?;
        let (same, own) = (self.place(same)?, self.home(own)?);
        let to = self.result(result)?;
        self.asm.rm(Code::EVEX_Vpbroadcastq_zmm_k1z_xmmm64, Z[1], same.operand());
        for chunk in 0..plain.chunks() {
            let own = self.chunk(own, chunk);
            let to = self.new_chunk(to, chunk);
            self.asm.rrr(Code::EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64, to, Z[1], own);
        }
        Ok(())
    }

    /// `llvm.masked.load(pointer, alignment, mask, otherwise)`.
    pub fn masked_load(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let plain = call.plain()?;
        let mask = self.place(call.operand(2))?;
        let otherwise = call.operand(3);
        let is_zero = otherwise.constant()?.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
        let otherwise = self.home(otherwise)?;
        let to = self.result(call)?;
        let code = move_in(plain.scalar.bits())?;
        self.load_int(AT, call.operand(0))?;
        for chunk in 0..plain.chunks() {
            self.load_k(mask, plain, chunk);
            let from = (!is_zero).then(|| self.chunk(otherwise, chunk));
            let to = self.new_chunk(to, chunk);
            if let Some(from) = from {
                self.asm.rr(Code::EVEX_Vmovdqa64_zmm_k1z_zmmm512, to, from);
            }
            let load = Instruction::with2(code, to, at(64 * chunk).operand());
            self.asm.masked(load, K, is_zero);
        }
        Ok(())
    }

    /// `llvm.masked.store(value, pointer, alignment, mask)`.
    pub fn masked_store(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let plain = call.operand(0).plain()?;
        let (value, mask) = (self.home(call.operand(0))?, self.place(call.operand(3))?);
        let code = move_out(plain.scalar.bits())?;
        self.load_int(AT, call.operand(1))?;
        for chunk in 0..plain.chunks() {
            self.load_k(mask, plain, chunk);
            let value = self.chunk(value, chunk);
            self.asm.masked(Instruction::with2(code, at(64 * chunk).operand(), value), K, false);
        }
        Ok(())
    }

    /// `llvm.masked.gather(pointers, alignment, mask, otherwise)`.
    pub fn masked_gather(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let plain = call.plain()?;
        let pointers = self.place(call.operand(0))?;
        let (mask, otherwise) = (self.place(call.operand(2))?, self.place(call.operand(3))?);
        let bits = plain.scalar.bits();
        let to = self.result(call)?;
        if bits < 32 {
            self.copy_bytes(to, otherwise, plain.place_bytes());
            return self.each_active_lane(mask, plain.lanes, |this| {
                this.load_lane(AT, pointers, 64)?;
                let (code, register) = match bits {
                    8 => (Code::Movzx_r32_rm8, Register::EAX),
                    _ => (Code::Movzx_r32_rm16, Register::EAX),
                };
                this.asm.rm(code, register, at(0).operand());
                this.store_lane(to, bits, Register::RAX)
            });
        }
        let code = match bits {
            32 => Code::EVEX_Vpgatherqd_ymm_k1_vm64z,
            _ => Code::EVEX_Vpgatherqq_zmm_k1_vm64z,
        };
        let bytes = bits / 8 * ADDRESSES;
        for group in 0..plain.lanes.div_ceil(ADDRESSES) {
            self.load_addresses(pointers, mask, group);
            let (from, into) = (otherwise.plus(bytes * group), to.plus(bytes * group));
            self.move_group_in(from.operand(), bytes);
            let gather = Instruction::with2(code, part(Z[0], bytes), by_address());
            self.asm.masked(gather, K, false);
            self.move_group_out(into.operand(), bytes);
        }
        Ok(())
    }

    /// `llvm.masked.scatter(values, pointers, alignment, mask)`.
    pub fn masked_scatter(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let plain = call.operand(0).plain()?;
        let (values, pointers) = (self.place(call.operand(0))?, self.place(call.operand(1))?);
        let mask = self.place(call.operand(3))?;
        let bits = plain.scalar.bits();
        if bits < 32 {
            return self.each_active_lane(mask, plain.lanes, |this| {
                this.load_lane(AT, pointers, 64)?;
                this.load_lane(Register::RAX, values, bits)?;
                match bits {
                    8 => this.asm.mr(Code::Mov_rm8_r8, at(0).operand(), Register::AL),
                    _ => this.asm.mr(Code::Mov_rm16_r16, at(0).operand(), Register::AX),
                }
                Ok(())
            });
        }
        let code = match bits {
            32 => Code::EVEX_Vpscatterqd_vm64z_k1_ymm,
            _ => Code::EVEX_Vpscatterqq_vm64z_k1_zmm,
        };
        let bytes = bits / 8 * ADDRESSES;
        for group in 0..plain.lanes.div_ceil(ADDRESSES) {
            self.load_addresses(pointers, mask, group);
            self.move_group_in(values.plus(bytes * group).operand(), bytes);
            let scatter = Instruction::with2(code, by_address(), part(Z[0], bytes));
            self.asm.masked(scatter, K, false);
        }
        Ok(())
    }

    /// Eight addresses into `Z[1]`, and which of them to use into [`K`].
    fn load_addresses(&mut self, pointers: Place, mask: Place, group: u32) {
        self.asm.rm(Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512, Z[1], pointers.plus(64 * group).operand());
        self.asm.rm(Code::VEX_Kmovb_kr_km8, K, mask.plus(group).operand());
    }

    fn move_group_in(&mut self, from: MemoryOperand, bytes: u32) {
        let code = match bytes {
            64 => Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512,
            _ => Code::EVEX_Vmovdqu64_ymm_k1z_ymmm256,
        };
        self.asm.rm(code, part(Z[0], bytes), from);
    }

    fn move_group_out(&mut self, to: MemoryOperand, bytes: u32) {
        let code = match bytes {
            64 => Code::EVEX_Vmovdqu64_zmmm512_k1z_zmm,
            _ => Code::EVEX_Vmovdqu64_ymmm256_k1z_ymm,
        };
        self.asm.mr(code, to, part(Z[0], bytes));
    }

    /// A loop over the lanes that a mask has.
    fn each_active_lane(
        &mut self,
        mask: Place,
        lanes: u32,
        body: impl FnOnce(&mut Self) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        self.each_lane(lanes, |this| {
            let next = this.asm.label();
            this.asm.rr(Code::Mov_r64_rm64, Register::RDX, super::vector::LANE);
            this.asm.shift(Code::Shr_rm64_imm8, Register::RDX, 6);
            this.asm.rm(Code::Mov_r64_rm64, Register::RDX, mask.indexed(Register::RDX, 8));
            this.asm.rr(Code::Bt_rm64_r64, Register::RDX, super::vector::LANE);
            this.asm.jump(When::Condition(condition::NOT_BELOW), next);
            body(this)?;
            this.asm.bind(next);
            Ok(())
        })
    }

    /// `atomicrmw`: the old value. Whatever the operation, the new value is computed and put in place if the old one is still there.
    pub fn modify(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        let bits = plain.scalar.bits();
        let operand = instruction.operand(1);
        let op = modification(instruction.modification(), plain)?;
        let old = self.scratch(8);
        self.load_int(AT, instruction.operand(0))?;
        let again = self.asm.label();
        self.load_memory(Register::RAX, bits)?;
        self.asm.bind(again);
        self.asm.mr(Code::Mov_rm64_r64, old.operand(), Register::RAX);
        self.load_int(Register::RCX, operand)?;
        match op {
            Modification::Int(op) => self.int_operation(op, bits)?,
            Modification::Exchange => self.asm.rr(Code::Mov_r64_rm64, Register::RAX, Register::RCX),
            Modification::Float(codes) => {
                let code = super::float::either(plain.scalar, codes)?;
                self.asm.rr(Code::EVEX_Vmovq_xmm_rm64, part(Z[0], 16), Register::RAX);
                self.asm.rr(Code::EVEX_Vmovq_xmm_rm64, part(Z[1], 16), Register::RCX);
                self.asm.rrr(code, Z[0], Z[0], Z[1]);
                self.asm.rr(Code::EVEX_Vmovq_rm64_xmm, Register::RAX, part(Z[0], 16));
            }
        }
        self.asm.rr(Code::Mov_r64_rm64, Register::RCX, Register::RAX);
        self.asm.rm(Code::Mov_r64_rm64, Register::RAX, old.operand());
        self.exchange_if_equal(bits, Register::RCX)?;
        // The processor leaves what it found in RAX, of which the upper part of short ones is as it was.
        self.asm.jump(When::Condition(condition::NOT_EQUAL), again);
        self.store_int(instruction, Register::RAX)
    }

    fn load_memory(&mut self, to: Register, bits: u32) -> Result<(), Unsupported> {
        let (code, register) = match bits {
            8 => (Code::Movzx_r32_rm8, to.full_register32()),
            16 => (Code::Movzx_r32_rm16, to.full_register32()),
            32 => (Code::Mov_r32_rm32, to.full_register32()),
            64 => (Code::Mov_r64_rm64, to),
            _ => return Err(Unsupported("an atomic operation of odd width")),
        };
        self.asm.rm(code, register, at(0).operand());
        Ok(())
    }

    /// Puts `new` in the place of what RAX holds.
    fn exchange_if_equal(&mut self, bits: u32, new: Register) -> Result<(), Unsupported> {
        let (code, register) = match bits {
            8 => (Code::Cmpxchg_rm8_r8, byte(new)),
            16 => (Code::Cmpxchg_rm16_r16, word(new)),
            32 => (Code::Cmpxchg_rm32_r32, new.full_register32()),
            64 => (Code::Cmpxchg_rm64_r64, new),
            _ => return Err(Unsupported("an atomic operation of odd width")),
        };
        self.asm.push(Instruction::with2(code, at(0).operand(), register).map(|mut instruction| {
            instruction.set_has_lock_prefix(true);
            instruction
        }));
        Ok(())
    }

    /// `cmpxchg`: the old value, and whether it was as expected.
    pub fn compare_exchange(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let bits = instruction.operand(1).plain()?.scalar.bits();
        self.load_int(AT, instruction.operand(0))?;
        self.load_int(Register::RAX, instruction.operand(1))?;
        self.load_int(Register::RCX, instruction.operand(2))?;
        self.exchange_if_equal(bits, Register::RCX)?;
        self.asm.r(Code::Sete_rm8, Register::CL);
        self.asm.rr(Code::Movzx_r32_rm8, Register::ECX, Register::CL);
        self.narrow(Register::RAX, bits);
        let ty = instruction.ty()?;
        let (offsets, _) = ty.layout();
        let to = self.result(instruction)?;
        for (offset, register) in offsets.into_iter().zip([Register::RAX, Register::RCX]) {
            self.asm.mr(Code::Mov_rm64_r64, to.plus(offset).operand(), register);
        }
        Ok(())
    }
}

/// Memory at the addresses in `Z[1]`.
fn by_address() -> MemoryOperand {
    MemoryOperand::new(Register::None, Z[1], 1, 0, 0, false, Register::None)
}

/// What an atomic operation does.
enum Modification {
    Int(IntOp),
    Float((Code, Code)),
    Exchange,
}

fn modification(op: LLVMAtomicRMWBinOp, plain: Plain) -> Result<Modification, Unsupported> {
    use LLVMAtomicRMWBinOp::*;
    let float = |opcode| super::float::binary_codes(opcode).map(Modification::Float);
    let found = match op {
        LLVMAtomicRMWBinOpXchg => Some(Modification::Exchange),
        LLVMAtomicRMWBinOpAdd => Some(Modification::Int(IntOp::Add)),
        LLVMAtomicRMWBinOpSub => Some(Modification::Int(IntOp::Sub)),
        LLVMAtomicRMWBinOpAnd => Some(Modification::Int(IntOp::And)),
        LLVMAtomicRMWBinOpOr => Some(Modification::Int(IntOp::Or)),
        LLVMAtomicRMWBinOpXor => Some(Modification::Int(IntOp::Xor)),
        LLVMAtomicRMWBinOpMax => Some(Modification::Int(IntOp::MaxSigned)),
        LLVMAtomicRMWBinOpMin => Some(Modification::Int(IntOp::MinSigned)),
        LLVMAtomicRMWBinOpUMax => Some(Modification::Int(IntOp::MaxUnsigned)),
        LLVMAtomicRMWBinOpUMin => Some(Modification::Int(IntOp::MinUnsigned)),
        LLVMAtomicRMWBinOpFAdd => float(LLVMOpcode::LLVMFAdd),
        _ => None,
    };
    let is_known = matches!(plain.scalar, Scalar::Int(8 | 16 | 32 | 64) | Scalar::Single | Scalar::Double);
    found.filter(|_| is_known).ok_or(Unsupported("an atomic operation"))
}
