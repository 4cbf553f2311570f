//! Which instruction or intrinsic is done by what.

use iced_x86::{Code, Instruction};
use llvm_sys::LLVMOpcode;

use super::Unsupported;
use super::float::COPY;
use super::function::Lowering;
use super::scalar::IntOp;
use super::source::Value;
use super::vector::K;

/// Intrinsics that do something besides giving a result.
const EFFECTS: &[&str] = &["llvm.masked.store", "llvm.masked.scatter", "llvm.trap", "llvm.prefetch"];

/// Whether a call of the function named does nothing but give a result.
pub(super) fn is_pure(name: &str) -> bool {
    name.starts_with("llvm.") && !EFFECTS.iter().any(|start| name.starts_with(start))
}

/// An intrinsic's name without `llvm.` and types.
fn stem(name: &str) -> &str {
    let name = name.strip_prefix("llvm.").unwrap_or(name);
    // Such as `v32i32`, `v8p0`, `f64`.
    let is_type = |part: &str| {
        part.starts_with(|c: char| "vfip".contains(c))
            && part.ends_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_digit() || "vfip".contains(c))
    };
    let mut end = name.len();
    while let Some(dot) = name[..end].rfind('.') {
        if !is_type(&name[dot + 1..end]) {
            break;
        }
        end = dot;
    }
    &name[..end]
}

impl<'a> Lowering<'a, '_> {
    pub fn instruction(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        use LLVMOpcode::*;
        let opcode = instruction.opcode();
        if let Some(op) = IntOp::of(opcode) {
            return self.binary(op, instruction);
        }
        if let Some(codes) = super::float::binary_codes(opcode) {
            return self.float_binary(codes, instruction);
        }
        match opcode {
            LLVMFNeg => self.float_negate(instruction),
            LLVMICmp => self.compare(instruction),
            LLVMFCmp => self.float_compare(instruction),
            LLVMSelect => self.select(instruction),
            LLVMTrunc | LLVMZExt | LLVMSExt | LLVMBitCast | LLVMPtrToInt | LLVMIntToPtr | LLVMUIToFP | LLVMSIToFP
            | LLVMFPToUI | LLVMFPToSI | LLVMFPExt | LLVMFPTrunc => self.cast(instruction),
            LLVMLoad => self.load(instruction),
            LLVMStore => self.store(instruction),
            LLVMFence => self.fence(instruction),
            LLVMAlloca => self.allocate(instruction),
            LLVMGetElementPtr => self.offset(instruction),
            LLVMShuffleVector => self.shuffle(instruction),
            LLVMExtractElement => self.extract_lane(instruction),
            LLVMInsertElement => self.insert_lane(instruction),
            LLVMExtractValue => self.extract_part(instruction),
            LLVMInsertValue => self.insert_part(instruction),
            LLVMAtomicRMW => self.modify(instruction),
            LLVMAtomicCmpXchg => self.compare_exchange(instruction),
            LLVMFreeze => self.result_from(instruction, instruction.operand(0)).map(|_| ()),
            LLVMCall => self.call(instruction),
            LLVMRet | LLVMBr | LLVMSwitch | LLVMUnreachable => self.terminator(instruction),
            _ => Err(Unsupported("an instruction")),
        }
    }

    fn binary(&mut self, op: IntOp, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        match (plain.is_vector(), plain.is_mask()) {
            (_, true) => self.mask_binary(op, instruction),
            (true, false) => self.vector_binary(op, instruction),
            (false, _) => self.int_binary(op, instruction),
        }
    }

    fn compare(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.operand(0).plain()?;
        match (plain.is_vector(), plain.is_mask()) {
            (_, true) => self.mask_compare(instruction),
            (true, false) => self.vector_compare(instruction),
            (false, _) => self.int_compare(instruction),
        }
    }

    fn select(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        if !instruction.operand(0).plain()?.is_vector() {
            return self.select_whole(instruction);
        }
        match instruction.plain()?.is_mask() {
            true => self.mask_select(instruction),
            false => self.vector_select(instruction),
        }
    }

    pub fn intrinsic(&mut self, call: Value<'a>, name: &str) -> Result<(), Unsupported> {
        match stem(name) {
            "prefetch" => Ok(()),
            "trap" => {
                self.asm.plain(Code::Ud2);
                Ok(())
            }
            "masked.load" => self.masked_load(call),
            "masked.store" => self.masked_store(call),
            "masked.gather" => self.masked_gather(call),
            "masked.scatter" => self.masked_scatter(call),
            "fabs" => self.float_absolute(call),
            "sqrt" => self.float_root(call),
            "fma" => self.float_fma(call),
            "copysign" => self.float_copy_sign(call),
            "roundeven" => self.float_round(call, 0),
            "floor" => self.float_round(call, 1),
            "ceil" => self.float_round(call, 2),
            "trunc" => self.float_round(call, 3),
            "round" => self.float_round_away(call),
            "minnum" => self.float_pick(call, true),
            "maxnum" => self.float_pick(call, false),
            "minimum" => self.float_extreme(call, true),
            "maximum" => self.float_extreme(call, false),
            stem => self.int_intrinsic(call, stem),
        }
    }

    fn int_intrinsic(&mut self, call: Value<'a>, stem: &str) -> Result<(), Unsupported> {
        let two = match stem {
            "umin" => Some(IntOp::MinUnsigned),
            "umax" => Some(IntOp::MaxUnsigned),
            "smin" => Some(IntOp::MinSigned),
            "smax" => Some(IntOp::MaxSigned),
            "sadd.sat" => Some(IntOp::AddSaturating),
            "ssub.sat" => Some(IntOp::SubSaturating),
            _ => None,
        };
        if let Some(op) = two {
            return self.binary(op, call);
        }
        let reduction = match stem {
            "vector.reduce.add" => Some(IntOp::Add),
            "vector.reduce.and" => Some(IntOp::And),
            "vector.reduce.or" => Some(IntOp::Or),
            "vector.reduce.xor" => Some(IntOp::Xor),
            "vector.reduce.umin" => Some(IntOp::MinUnsigned),
            "vector.reduce.umax" => Some(IntOp::MaxUnsigned),
            "vector.reduce.smin" => Some(IntOp::MinSigned),
            "vector.reduce.smax" => Some(IntOp::MaxSigned),
            _ => None,
        };
        if let Some(op) = reduction {
            return self.reduce(op, call);
        }
        match stem {
            "ctpop" | "ctlz" | "cttz" | "bswap" | "bitreverse" | "abs" => self.unary(call, stem),
            "fshl" | "fshr" => self.funnel(call, stem == "fshl"),
            _ => self.processor_intrinsic(call, stem),
        }
    }

    fn unary(&mut self, call: Value<'a>, stem: &str) -> Result<(), Unsupported> {
        let plain = call.plain()?;
        if plain.is_mask() {
            return Err(Unsupported("an integer intrinsic of bits"));
        }
        if plain.is_vector() {
            return self.vector_unary(stem, call, call.operand(0));
        }
        self.load_int(iced_x86::Register::RAX, call.operand(0))?;
        self.int_unary(stem, plain.scalar.bits())?;
        self.store_int(call, iced_x86::Register::RAX)
    }

    fn funnel(&mut self, call: Value<'a>, left: bool) -> Result<(), Unsupported> {
        use iced_x86::Register::{RAX, RCX, RDX};
        let plain = call.plain()?;
        if plain.is_vector() {
            return self.vector_funnel(left, call);
        }
        for (index, register) in [RAX, RCX, RDX].into_iter().enumerate() {
            self.load_int(register, call.operand(index as u32))?;
        }
        self.int_funnel(left, plain.scalar.bits())?;
        self.store_int(call, RAX)
    }

    /// Instructions of the processor that LLVM has a name for.
    fn processor_intrinsic(&mut self, call: Value<'a>, stem: &str) -> Result<(), Unsupported> {
        let Some(name) = stem.strip_prefix("x86.avx512.") else { return Err(Unsupported("an intrinsic")) };
        let [a, b, c] = [0, 1, 2].map(|index| (index < call.operand_count()).then(|| call.operand(index)));
        let (Some(a), Some(b)) = (a, b) else { return Err(Unsupported("an intrinsic")) };
        match (name, c) {
            ("vpermi2var.d.512", Some(c)) => self.whole_registers(call, [b, a, c], |this, to, [order, a, b]| {
                this.asm.rr(COPY, to, order);
                this.asm.rrr(Code::EVEX_Vpermi2d_zmm_k1z_zmm_zmmm512b32, to, a, b);
                Ok(())
            }),
            ("vpdpbusd.512", Some(c)) => self.whole_registers(call, [a, b, c], |this, to, [sum, a, b]| {
                this.asm.rr(COPY, to, sum);
                this.asm.rrr(Code::EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32, to, a, b);
                Ok(())
            }),
            ("pmaddw.d.512", _) => self.whole_registers(call, [a, b], |this, to, [a, b]| {
                this.asm.rrr(Code::EVEX_Vpmaddwd_zmm_k1z_zmm_zmmm512, to, a, b);
                Ok(())
            }),
            ("mask.scalef.ps.512", _) => self.whole_registers(call, [a, b], |this, to, [a, b]| {
                this.asm.rrr(Code::EVEX_Vscalefps_zmm_k1z_zmm_zmmm512b32_er, to, a, b);
                Ok(())
            }),
            ("rsqrt14.ps.512", Some(mask)) => {
                let mask = self.place(mask)?;
                self.asm.rm(Code::VEX_Kmovw_kr_km16, K, mask.operand());
                self.whole_registers(call, [a, b], |this, to, [a, otherwise]| {
                    this.asm.rr(COPY, to, otherwise);
                    let root = Instruction::with2(Code::EVEX_Vrsqrt14ps_zmm_k1z_zmmm512b32, to, a);
                    this.asm.masked(root, K, false);
                    Ok(())
                })
            }
            (name, _) => match name.split('.').collect::<Vec<_>>()[..] {
                [operation, "ps" | "pd", "512"] => self.float_directed(call, operation),
                _ => Err(Unsupported("an intrinsic")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_pure, stem};

    #[test]
    fn intrinsics_are_known_without_their_types() {
        assert_eq!(stem("llvm.masked.gather.v32i32.v32p0"), "masked.gather");
        assert_eq!(stem("llvm.fma.v16f64"), "fma");
        assert_eq!(stem("llvm.sadd.sat.i32"), "sadd.sat");
        assert_eq!(stem("llvm.x86.avx512.vpermi2var.d.512"), "x86.avx512.vpermi2var.d.512");
        assert_eq!(stem("llvm.x86.avx512.add.ps.512"), "x86.avx512.add.ps.512");
    }

    #[test]
    fn functions_and_stores_are_not_pure() {
        assert!(is_pure("llvm.ctpop.v32i32") && is_pure("llvm.masked.load.v32i32.p0"));
        assert!(!is_pure("llvm.masked.scatter.v32i32.v32p0") && !is_pure("examine") && !is_pure(""));
    }
}
