//! Conversions between numbers of different types, and the slow, exact way for what has no vector form.

use std::mem::offset_of;

use simt_ir::abi::RuntimeTable;
use simt_ir::{Op, Rounding, Type};

use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bin, Cast, FloatPredicate, Ty, Val};

impl FunctionEmitter<'_> {
    /// A conversion that involves floats.
    pub fn conversion(&mut self, op: &Op, operands: &[Val]) -> Result<Val, Error> {
        let a = operands[0];
        Ok(match op {
            Op::IntToFloat { signed, rounding, from, to, .. } => {
                let exact = from.bits() <= mantissa_bits(*to);
                let wide_to_brain = *to == Type::BF16 && from.bits() > 32;
                if (*rounding != Rounding::NearestEven && !exact) || wide_to_brain {
                    return self.evaluate_slowly(op, operands);
                }
                self.int_to_float(*signed, *from, *to, a)
            }
            Op::FloatToInt { signed, rounding, flush, from, to, .. } => {
                self.float_to_int(*signed, *rounding, *flush, *from, *to, a)
            }
            Op::FloatToFloat { rounding, flush, saturate, relu, from, to, .. } => {
                let narrows = mantissa_bits(*to) < mantissa_bits(*from) || (*from, *to) == (Type::BF16, Type::F16);
                let double_to_single = (*from, *to) == (Type::F64, Type::F32) && *rounding != Rounding::NearestAway;
                if narrows && *rounding != Rounding::NearestEven && !double_to_single {
                    return self.evaluate_slowly(op, operands);
                }
                // Only f32 is flushed, and not on its way to f16 (see `simt_ir::number`).
                let flush_operand = *flush && *from == Type::F32 && *to != Type::F16;
                let wide = self.flushed_as(*from, flush_operand, self.widen(*from, a));
                let wide = self.single_nan_widened(op, wide);
                let result = if double_to_single && *rounding != Rounding::NearestEven {
                    self.narrowed(*rounding, wide)
                } else {
                    self.float_to_float(*from, *to, wide)
                };
                let result = if (*from, *to) == (Type::F64, Type::F32) { self.quieted_single(result) } else { result };
                let result = if *to == Type::F32 { self.flushed(*flush, result) } else { result };
                let result = self.rectified(*relu, self.saturated(*saturate, result));
                let result = self.narrow(*to, result);
                if *from == Type::F64 && matches!(to, Type::F16 | Type::BF16) && !saturate && !relu {
                    self.half_nan_payload(*to, a, result)
                } else {
                    result
                }
            }
            other => return Err(self.unsupported(&format!("{other}"))),
        })
    }

    /// A single about to become a double, where a NaN's payload can be seen: it is canonical if arithmetic or a flush made it.
    fn single_nan_widened(&self, op: &Op, a: Val) -> Val {
        let Op::FloatToFloat { flush, from: Type::F32, to: Type::F64, a: operand, .. } = op else { return a };
        if *flush { self.canonical_single(a) } else { self.canonical(*operand, a) }
    }

    /// Where a double was NaN, the half has its sign and the leading bits of its payload.
    fn half_nan_payload(&self, to: Type, double: Val, half: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(double);
        let (wide, word) = (ir.like(ir.int(64), shape), ir.like(ir.int(16), shape));
        let bits = ir.cast(Cast::BitCast, double, wide);
        let leading = |shift: u64| ir.cast(Cast::Trunc, ir.bin(Bin::LShr, bits, ir.constant(wide, shift)), word);
        // The quiet bit, and an exponent of ones.
        let (fraction_bits, always) = if to == Type::F16 { (10, 0x7e00) } else { (7, 0x7fc0) };
        let sign = ir.and(leading(48), ir.constant(word, 0x8000));
        let payload = ir.and(leading(52 - fraction_bits), ir.constant(word, (1 << fraction_bits) - 1));
        let nan = ir.or(ir.or(sign, payload), ir.constant(word, always));
        ir.select(ir.fcmp(FloatPredicate::LLVMRealUNO, double, double), nan, half)
    }

    fn int_to_float(&mut self, signed: bool, from: Type, to: Type, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let cast = if signed { Cast::SIToFP } else { Cast::UIToFP };
        match to {
            Type::F64 => ir.cast(cast, a, ir.like(ir.f64(), shape)),
            // What does not fit a single exactly is far beyond f16, or is made odd first.
            Type::BF16 if from.bits() == 32 => {
                let double = ir.cast(cast, a, ir.like(ir.f64(), shape));
                self.narrow(to, self.truncate_to_odd(double))
            }
            _ => self.narrow(to, ir.cast(cast, a, ir.like(ir.f32(), shape))),
        }
    }

    /// Clamps to the target's range. NaN gives 0, or only the top bit where f64 or 64 bits are involved.
    fn float_to_int(&mut self, signed: bool, rounding: Rounding, flush: bool, from: Type, to: Type, a: Val) -> Val {
        let ir = self.ir;
        let a = self.flushed_as(from, flush, self.widen(from, a));
        let rounded = if rounding == Rounding::TowardZero { a } else { self.round_to_integral(rounding, a) };
        let shape = ir.type_of(a);
        let target = ir.like(ir.int(to.bits()), shape);
        let result = self.clamped_to_int(signed, to.bits(), target, rounded);
        if from == Type::F64 || to == Type::I64 {
            let nan = ir.fcmp(FloatPredicate::LLVMRealUNO, a, a);
            return ir.select(nan, ir.constant(target, 1 << (to.bits() - 1)), result);
        }
        result
    }

    /// An integral float as an integer of so many bits, clamped to its range; NaN gives 0. (LLVM's own operation for this is taken
    /// apart into scalars.)
    fn clamped_to_int(&self, signed: bool, bits: u32, target: Ty, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let power = |exponent: u32| 2f64.powi(exponent as i32);
        let (lowest, above) = if signed { (-power(bits - 1), power(bits - 1)) } else { (0.0, power(bits)) };
        let float = |value: f64| ir.float_constant(shape, value);
        let at_least = ir.select(ir.fcmp(FloatPredicate::LLVMRealOGT, a, float(lowest)), a, float(lowest));
        let too_large = ir.fcmp(FloatPredicate::LLVMRealOGE, a, float(above));
        let inside = ir.select(too_large, float(0.0), at_least);
        // Small integers go through 32 bits, which the processor converts to.
        let wide = ir.like(ir.int(bits.max(32)), shape);
        let converted = ir.cast(if signed { Cast::FPToSI } else { Cast::FPToUI }, inside, wide);
        let narrow = if bits < 32 { ir.cast(Cast::Trunc, converted, target) } else { converted };
        let largest = if signed { (1u64 << (bits - 1)) - 1 } else { u64::MAX >> (64 - bits) };
        let clamped = ir.select(too_large, ir.constant(target, largest), narrow);
        ir.select(ir.fcmp(FloatPredicate::LLVMRealUNO, a, a), ir.zero(target), clamped)
    }

    /// Between single and double; half types are singles here already, and are narrowed by the caller.
    fn float_to_float(&mut self, from: Type, to: Type, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        match (from, to) {
            (Type::F64, Type::F64) => a,
            (_, Type::F64) => ir.cast(Cast::FPExt, a, ir.like(ir.f64(), shape)),
            (Type::F64, Type::F32) => ir.cast(Cast::FPTrunc, a, ir.like(ir.f32(), shape)),
            (Type::F64, _) => self.truncate_to_odd(a),
            _ => a,
        }
    }

    /// A single that was a double: a NaN is a quiet one. The processor makes it so, but LLVM takes a single that became a double and a single
    /// again for the first one.
    fn quieted_single(&self, a: Val) -> Val {
        let ir = self.ir;
        let (single, word) = (ir.type_of(a), ir.like(ir.int(32), ir.type_of(a)));
        let bits = ir.or(ir.cast(Cast::BitCast, a, word), ir.constant(word, 0x0040_0000));
        let nan = ir.fcmp(FloatPredicate::LLVMRealUNO, a, a);
        ir.select(nan, ir.cast(Cast::BitCast, bits, single), a)
    }

    /// Has the engine evaluate an operation lane by lane by its plain meaning.
    pub fn evaluate_slowly(&mut self, op: &Op, operands: &[Val]) -> Result<Val, Error> {
        let ir = self.ir;
        let code = simt_ir::number::encode(op).ok_or_else(|| self.unsupported(&format!("{op}")))?;
        let scalar = !ir.is_vector(ir.type_of(operands[0]));
        let words = ir.vector(ir.int(64), self.lanes());
        let mut slots = Vec::new();
        for operand in operands {
            let vector = if scalar { ir.splat(*operand, self.lanes()) } else { *operand };
            let element = ir.element(ir.type_of(vector));
            let bits = if element == ir.f32() {
                ir.cast(Cast::BitCast, vector, ir.vector(ir.int(32), self.lanes()))
            } else if element == ir.f64() {
                ir.cast(Cast::BitCast, vector, words)
            } else {
                vector
            };
            slots.push(self.spill_words(bits));
        }
        let result_slot = self.slot(words);
        let pick = |index: usize| slots.get(index).copied().unwrap_or(slots[0]);
        for warp in 0..(self.lanes() / LANES) as usize {
            let part = |slot: Val| ir.offset_by(slot, warp * 8 * LANES as usize);
            let arguments = [self.i64(code), part(pick(0)), part(pick(1)), part(pick(2)), part(result_slot)];
            self.call_runtime(offset_of!(RuntimeTable, evaluate), ir.void(), &arguments);
        }
        let result_ty = op.result_types(|_| Vec::new())[0];
        let bits = ir.load(words, result_slot);
        let narrow = ir.cast(Cast::Trunc, bits, ir.vector(ir.int(result_ty.bits()), self.lanes()));
        let vector = ir.cast(Cast::BitCast, narrow, self.vector_type(result_ty));
        Ok(if scalar { ir.extract_at(vector, 0) } else { vector })
    }
}

/// Bits of the significand, the hidden one included.
fn mantissa_bits(ty: Type) -> u32 {
    match ty {
        Type::F16 => 11,
        Type::BF16 => 8,
        Type::F32 => 24,
        _ => 53,
    }
}
