//! Float arithmetic, on scalars and vectors alike. Half types are kept as bits and computed in single precision, which rounds once
//! more without harm (Figueroa, *When is double rounding innocuous?*), except for fused operations: see there.

use simt_ir::{FloatBinaryOp, FloatCondition, FloatUnaryOp, Op, Rounding, Type, Value};

use super::FunctionEmitter;
use super::value::Repr;
use crate::Error;
use crate::llvm::{Bin, Cast, FloatPredicate, IntPredicate, Ty, Val};

/// `.ftz` and `.sat` of an operation.
#[derive(Clone, Copy)]
pub(super) struct Modifiers {
    pub flush: bool,
    pub saturate: bool,
}

impl FunctionEmitter<'_> {
    /// The value of a float operation.
    pub fn float_operation(&mut self, op: &Op, operands: &[Val]) -> Result<Val, Error> {
        let a = operands[0];
        Ok(match op {
            Op::FloatUnary { op: FloatUnaryOp::Neg | FloatUnaryOp::Abs, .. } => self.sign_operation(op, a),
            Op::FloatUnary { op: kind, ty, rounding, flush, saturate, .. } => {
                if rounds_otherwise(*kind, *rounding) {
                    return self.directed_or_slow(op, operands);
                }
                let modifiers = Modifiers { flush: *flush, saturate: *saturate };
                self.unary_float(*kind, *ty, *rounding, modifiers, a)
            }
            Op::FloatBinary { op: kind, ty, rounding, flush, saturate, .. } => {
                let directed = *rounding != Rounding::NearestEven;
                let exact =
                    matches!(kind, FloatBinaryOp::Add | FloatBinaryOp::Sub | FloatBinaryOp::Mul | FloatBinaryOp::Div);
                if directed && exact {
                    return self.directed_or_slow(op, operands);
                }
                self.binary_float(*kind, *ty, Modifiers { flush: *flush, saturate: *saturate }, a, operands[1])
            }
            Op::Fma { ty, rounding, flush, saturate, relu, .. } => {
                if *rounding != Rounding::NearestEven {
                    return self.directed_or_slow(op, operands);
                }
                let modifiers = Modifiers { flush: *flush, saturate: *saturate };
                self.fused(*ty, modifiers, *relu, a, operands[1], operands[2])
            }
            Op::FloatCompare { condition, ty, flush, .. } => {
                let (a, b) = (self.widen(*ty, a), self.widen(*ty, operands[1]));
                let (a, b) = (self.flushed_as(*ty, *flush, a), self.flushed_as(*ty, *flush, b));
                self.ir.fcmp(float_predicate(*condition), a, b)
            }
            Op::IntToFloat { .. } | Op::FloatToInt { .. } | Op::FloatToFloat { .. } => self.conversion(op, operands)?,
            other => return Err(self.unsupported(&format!("{other}"))),
        })
    }

    /// An operation whose rounding is not to nearest even.
    fn directed_or_slow(&mut self, op: &Op, operands: &[Val]) -> Result<Val, Error> {
        match self.directed(op, operands) {
            Some(result) => Ok(result),
            None => self.evaluate_slowly(op, operands),
        }
    }

    /// Half types as f32; others as they are.
    pub fn widen(&self, ty: Type, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let single = ir.like(ir.f32(), shape);
        match ty {
            Type::F16 => {
                let half = ir.cast(Cast::BitCast, a, ir.like(ir.f16(), shape));
                ir.cast(Cast::FPExt, half, single)
            }
            Type::BF16 => {
                let word = ir.like(ir.int(32), shape);
                let bits = ir.bin(Bin::Shl, ir.cast(Cast::ZExt, a, word), ir.constant(word, 16));
                ir.cast(Cast::BitCast, bits, single)
            }
            _ => a,
        }
    }

    /// An f32 rounded to a half type, NaN made canonical; other types as they are.
    pub fn narrow(&self, ty: Type, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let (bits16, word) = (ir.like(ir.int(16), shape), ir.like(ir.int(32), shape));
        let rounded = match ty {
            Type::F16 => {
                let half = ir.cast(Cast::FPTrunc, a, ir.like(ir.f16(), shape));
                ir.cast(Cast::BitCast, half, bits16)
            }
            Type::BF16 => {
                let bits = ir.cast(Cast::BitCast, a, word);
                let odd = ir.and(ir.bin(Bin::LShr, bits, ir.constant(word, 16)), ir.constant(word, 1));
                let up = ir.add(ir.add(bits, ir.constant(word, 0x7fff)), odd);
                ir.cast(Cast::Trunc, ir.bin(Bin::LShr, up, ir.constant(word, 16)), bits16)
            }
            _ => return a,
        };
        let nan = ir.fcmp(FloatPredicate::LLVMRealUNO, a, a);
        ir.select(nan, ir.constant(bits16, 0x7fff), rounded)
    }

    /// Subnormal singles and doubles become zero of the same sign.
    pub fn flushed(&self, flush: bool, a: Val) -> Val {
        self.flushed_as(Type::F32, flush, a)
    }

    /// What is subnormal in its type becomes zero of the same sign; halves are in single precision here.
    pub fn flushed_as(&self, ty: Type, flush: bool, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        if !flush {
            return a;
        }
        if ty == Type::F16 {
            let magnitude = ir.intrinsic("llvm.fabs", &[shape], &[a]);
            let least = ir.float_constant(shape, 2f64.powi(-14));
            let small = ir.fcmp(FloatPredicate::LLVMRealOLT, magnitude, least);
            let zero = ir.intrinsic("llvm.copysign", &[shape], &[ir.zero(shape), a]);
            return ir.select(small, zero, a);
        }
        let (width, exponent_mask) =
            if ir.element(shape) == ir.f64() { (64, 0x7ff0_0000_0000_0000) } else { (32, 0x7f80_0000) };
        let word = ir.like(ir.int(width), shape);
        let bits = ir.cast(Cast::BitCast, a, word);
        let exponent = ir.and(bits, ir.constant(word, exponent_mask));
        let sign = ir.and(bits, ir.constant(word, 1 << (width - 1)));
        let small = ir.icmp(IntPredicate::LLVMIntEQ, exponent, ir.zero(word));
        ir.cast(Cast::BitCast, ir.select(small, sign, bits), shape)
    }

    /// Clamped to [+0, 1], NaN to +0.
    pub fn saturated(&self, saturate: bool, a: Val) -> Val {
        if !saturate {
            return a;
        }
        let ir = self.ir;
        let shape = ir.type_of(a);
        let (zero, one) = (ir.zero(shape), ir.float_constant(shape, 1.0));
        let positive = ir.select(ir.fcmp(FloatPredicate::LLVMRealOGT, a, zero), a, zero);
        ir.select(ir.fcmp(FloatPredicate::LLVMRealOLT, positive, one), positive, one)
    }

    /// Flushes and saturates a result in single or double precision, and narrows it to its type.
    fn finish_float(&self, ty: Type, modifiers: Modifiers, a: Val) -> Val {
        if ty == Type::F16 && modifiers.flush {
            // What counts is the rounded result.
            let rounded = self.widen(ty, self.narrow(ty, a));
            let a = self.flushed_as(ty, true, rounded);
            return self.narrow(ty, self.saturated(modifiers.saturate, a));
        }
        let a = self.flushed(modifiers.flush, a);
        self.narrow(ty, self.saturated(modifiers.saturate, a))
    }

    fn sign_operation(&mut self, op: &Op, a: Val) -> Val {
        let Op::FloatUnary { op: kind, ty, flush, saturate, .. } = op else { unreachable!("checked by the caller") };
        let ir = self.ir;
        let shape = ir.type_of(a);
        if matches!(ty, Type::F16 | Type::BF16) {
            let a = self.flushed_bits(*ty, *flush, a);
            let magnitude = ir.and(a, ir.constant(shape, 0x7fff));
            let result = match kind {
                FloatUnaryOp::Neg => ir.xor(a, ir.constant(shape, 0x8000)),
                _ => magnitude,
            };
            let infinity = ir.constant(shape, if *ty == Type::F16 { 0x7c00 } else { 0x7f80 });
            let nan = ir.icmp(IntPredicate::LLVMIntUGT, magnitude, infinity);
            let result = ir.select(nan, ir.constant(shape, 0x7fff), result);
            if !saturate {
                return result;
            }
            return self.narrow(*ty, self.saturated(true, self.widen(*ty, result)));
        }
        let a = self.flushed(*flush, a);
        let result = match kind {
            FloatUnaryOp::Neg => ir.fneg(a),
            _ => ir.intrinsic("llvm.fabs", &[shape], &[a]),
        };
        self.saturated(*saturate, result)
    }

    fn unary_float(&mut self, kind: FloatUnaryOp, ty: Type, rounding: Rounding, modifiers: Modifiers, a: Val) -> Val {
        let ir = self.ir;
        let a = self.widen(ty, a);
        // Two to the power of a number as small as that is 1, as it is of zero.
        let a = if kind == FloatUnaryOp::Ex2Approx { a } else { self.flushed_as(ty, modifiers.flush, a) };
        let shape = ir.type_of(a);
        let one = ir.float_constant(shape, 1.0);
        let result = match kind {
            FloatUnaryOp::Sqrt => ir.intrinsic("llvm.sqrt", &[shape], &[a]),
            FloatUnaryOp::Rcp => ir.bin(Bin::FDiv, one, a),
            FloatUnaryOp::RoundToIntegral => self.round_to_integral(rounding, a),
            FloatUnaryOp::RcpApprox if ty == Type::F64 => self.upper_half(ir.bin(Bin::FDiv, one, self.upper_half(a))),
            FloatUnaryOp::RsqrtApprox if ty == Type::F64 && modifiers.flush => {
                let root = ir.intrinsic("llvm.sqrt", &[shape], &[self.upper_half(a)]);
                self.upper_half(ir.bin(Bin::FDiv, one, root))
            }
            FloatUnaryOp::RcpApprox => ir.bin(Bin::FDiv, one, a),
            FloatUnaryOp::SqrtApprox => ir.intrinsic("llvm.sqrt", &[shape], &[a]),
            FloatUnaryOp::RsqrtApprox if ty == Type::F64 => {
                ir.bin(Bin::FDiv, one, ir.intrinsic("llvm.sqrt", &[shape], &[a]))
            }
            FloatUnaryOp::RsqrtApprox => self.reciprocal_root(a),
            FloatUnaryOp::Ex2Approx => self.exponential2(a),
            FloatUnaryOp::Lg2Approx => self.logarithm2(a),
            FloatUnaryOp::SinApprox => self.sine(a, false),
            FloatUnaryOp::CosApprox => self.sine(a, true),
            FloatUnaryOp::TanhApprox => self.hyperbolic_tangent(a),
            FloatUnaryOp::Neg | FloatUnaryOp::Abs => unreachable!("operations on the sign alone are made elsewhere"),
        };
        self.finish_float(ty, modifiers, result)
    }

    /// For the approximations of f64 that read and write the upper 32 bits alone. A NaN keeps its quiet bit there.
    fn upper_half(&self, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let word = ir.like(ir.int(64), shape);
        let bits = ir.and(ir.cast(Cast::BitCast, a, word), ir.constant(word, 0xffff_ffff_0000_0000));
        ir.cast(Cast::BitCast, bits, shape)
    }

    /// Bits of a half with subnormals made zero.
    fn flushed_bits(&self, ty: Type, flush: bool, a: Val) -> Val {
        if !flush || ty != Type::F16 {
            return a;
        }
        let ir = self.ir;
        let shape = ir.type_of(a);
        let exponent = ir.and(a, ir.constant(shape, 0x7c00));
        let small = ir.icmp(IntPredicate::LLVMIntEQ, exponent, ir.zero(shape));
        ir.select(small, ir.and(a, ir.constant(shape, 0x8000)), a)
    }

    pub fn round_to_integral(&self, rounding: Rounding, a: Val) -> Val {
        let name = match rounding {
            Rounding::NearestEven => "llvm.roundeven",
            Rounding::TowardZero => "llvm.trunc",
            Rounding::TowardNegative => "llvm.floor",
            Rounding::TowardPositive => "llvm.ceil",
            Rounding::NearestAway => "llvm.round",
        };
        self.ir.intrinsic(name, &[self.ir.type_of(a)], &[a])
    }

    fn binary_float(&mut self, kind: FloatBinaryOp, ty: Type, modifiers: Modifiers, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let (a, b) = (self.widen(ty, a), self.widen(ty, b));
        let (a, b) = (self.flushed_as(ty, modifiers.flush, a), self.flushed_as(ty, modifiers.flush, b));
        let result = match kind {
            FloatBinaryOp::Add => ir.bin(Bin::FAdd, a, b),
            FloatBinaryOp::Sub => ir.bin(Bin::FSub, a, b),
            FloatBinaryOp::Mul => ir.bin(Bin::FMul, a, b),
            FloatBinaryOp::Div | FloatBinaryOp::DivApprox | FloatBinaryOp::DivFull => ir.bin(Bin::FDiv, a, b),
            // Made canonical where it is observed.
            FloatBinaryOp::Min if ty == Type::F32 => self.smaller_or_larger(true, a, b),
            FloatBinaryOp::Max if ty == Type::F32 => self.smaller_or_larger(false, a, b),
            FloatBinaryOp::Min => self.minimum(true, false, a, b),
            FloatBinaryOp::Max => self.minimum(false, false, a, b),
            FloatBinaryOp::MinNan => self.minimum(true, true, a, b),
            FloatBinaryOp::MaxNan => self.minimum(false, true, a, b),
        };
        self.finish_float(ty, modifiers, result)
    }

    /// The smaller or larger of two; a NaN loses, or wins if it is to spread; -0 is below +0.
    pub fn minimum(&self, smaller: bool, spread_nan: bool, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let nan = self.canonical_nan(shape);
        if spread_nan {
            let name = if smaller { "llvm.minimum" } else { "llvm.maximum" };
            let ordered = ir.intrinsic(name, &[shape], &[a, b]);
            return ir.select(ir.fcmp(FloatPredicate::LLVMRealUNO, a, b), nan, ordered);
        }
        let found = self.smaller_or_larger(smaller, a, b);
        ir.select(ir.fcmp(FloatPredicate::LLVMRealUNO, found, found), nan, found)
    }

    /// The smaller or larger of two, where a NaN loses and -0 is below +0; of two NaNs either.
    fn smaller_or_larger(&self, smaller: bool, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let wins = if smaller { FloatPredicate::LLVMRealOLT } else { FloatPredicate::LLVMRealOGT };
        // One instruction, which takes the second of two that are equal, or not ordered.
        let ordered = ir.select(ir.fcmp(wins, a, b), a, b);
        let word = ir.like(ir.int(if ir.element(shape) == ir.f64() { 64 } else { 32 }), shape);
        let [a_bits, b_bits] = [a, b].map(|value| ir.cast(Cast::BitCast, value, word));
        // Of zeros of either sign; what is equal and no zero has the same bits.
        let joined = if smaller { ir.or(a_bits, b_bits) } else { ir.and(a_bits, b_bits) };
        let equal = ir.fcmp(FloatPredicate::LLVMRealOEQ, a, b);
        let ordered = ir.select(equal, ir.cast(Cast::BitCast, joined, shape), ordered);
        ir.select(ir.fcmp(FloatPredicate::LLVMRealUNO, b, b), a, ordered)
    }

    /// The NaN of `min` and `max`: all bits but the sign.
    fn canonical_nan(&self, shape: Ty) -> Val {
        let ir = self.ir;
        if ir.element(shape) == ir.f64() {
            ir.cast(Cast::BitCast, ir.constant(ir.like(ir.int(64), shape), i64::MAX as u64), shape)
        } else {
            ir.cast(Cast::BitCast, ir.constant(ir.like(ir.int(32), shape), 0x7fff_ffff), shape)
        }
    }

    fn fused(&mut self, ty: Type, modifiers: Modifiers, relu: bool, a: Val, b: Val, c: Val) -> Val {
        let ir = self.ir;
        let half = matches!(ty, Type::F16 | Type::BF16);
        let flush = |this: &Self, value: Val| this.flushed_as(ty, modifiers.flush, this.widen(ty, value));
        let [mut a, mut b, mut c] = [flush(self, a), flush(self, b), flush(self, c)];
        if half {
            // Rounding to odd in between keeps the second rounding from going wrong (Boldo & Melquiond).
            let double = ir.like(ir.f64(), ir.type_of(a));
            [a, b, c] = [a, b, c].map(|value| ir.cast(Cast::FPExt, value, double));
            let product = ir.bin(Bin::FMul, a, b);
            let sum = self.add_to_odd(product, c);
            let single = self.truncate_to_odd(sum);
            let rounded = self.finish_float(ty, Modifiers { flush: modifiers.flush, saturate: false }, single);
            let result = self.saturated(modifiers.saturate, self.widen(ty, rounded));
            return self.narrow(ty, self.rectified(relu, result));
        }
        let shape = ir.type_of(a);
        let result = ir.intrinsic("llvm.fma", &[shape], &[a, b, c]);
        let result = self.flushed(modifiers.flush, result);
        self.rectified(relu, self.saturated(modifiers.saturate, result))
    }

    /// Negative results, -0 too, become +0; NaN stays.
    pub fn rectified(&self, relu: bool, a: Val) -> Val {
        if !relu {
            return a;
        }
        let ir = self.ir;
        let shape = ir.type_of(a);
        ir.select(ir.fcmp(FloatPredicate::LLVMRealOLE, a, ir.zero(shape)), ir.zero(shape), a)
    }

    /// `a + b` in double precision, an inexact result with its last bit set.
    pub fn add_to_odd(&self, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let sum = ir.bin(Bin::FAdd, a, b);
        // Knuth's two-sum gives the error exactly.
        let b_part = ir.bin(Bin::FSub, sum, a);
        let a_part = ir.bin(Bin::FSub, sum, b_part);
        let error = ir.bin(Bin::FAdd, ir.bin(Bin::FSub, a, a_part), ir.bin(Bin::FSub, b, b_part));
        let inexact = ir.fcmp(FloatPredicate::LLVMRealONE, error, ir.zero(shape));
        self.last_bit_set(sum, error, inexact)
    }

    /// Where `inexact`: the neighbour of `value` in the direction of `error` if the last bit of `value` is not set.
    fn last_bit_set(&self, value: Val, error: Val, inexact: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(value);
        let wide = ir.element(shape) == ir.f64();
        let word = ir.like(ir.int(if wide { 64 } else { 32 }), shape);
        let bits = ir.cast(Cast::BitCast, value, word);
        let even = ir.icmp(IntPredicate::LLVMIntEQ, ir.and(bits, ir.constant(word, 1)), ir.zero(word));
        let value_negative = ir.icmp(IntPredicate::LLVMIntSLT, bits, ir.zero(word));
        let error_negative = ir.fcmp(FloatPredicate::LLVMRealOLT, error, ir.zero(ir.type_of(error)));
        let toward_zero = ir.xor(value_negative, error_negative);
        let step = ir.select(toward_zero, ir.constant(word, u64::MAX), ir.constant(word, 1));
        let moved = ir.add(bits, step);
        let result = ir.select(ir.and(inexact, even), moved, bits);
        ir.cast(Cast::BitCast, result, shape)
    }

    /// A double as a single, an inexact result with its last bit set.
    pub fn truncate_to_odd(&self, a: Val) -> Val {
        let ir = self.ir;
        let single = ir.cast(Cast::FPTrunc, a, ir.like(ir.f32(), ir.type_of(a)));
        let back = ir.cast(Cast::FPExt, single, ir.type_of(a));
        let error = ir.bin(Bin::FSub, a, back);
        let inexact = ir.fcmp(FloatPredicate::LLVMRealONE, back, a);
        // An overflow must stay one: the error of an infinity is infinite, its neighbour finite and odd, which rounds to infinity.
        self.last_bit_set(single, error, inexact)
    }

    /// A value as it is seen outside float arithmetic: NaN results of single-precision arithmetic have one form on the card.
    pub fn observed(&mut self, value: Value) -> Val {
        let vector = self.vector(value);
        self.canonical(value, vector)
    }

    /// As [`FunctionEmitter::observed`], for a uniform value.
    pub fn observed_uniform(&mut self, value: Value) -> Val {
        let scalar = self.uniform(value);
        self.canonical(value, scalar)
    }

    /// As [`FunctionEmitter::observed`], for a value that is there as `a`.
    pub fn canonical(&self, value: Value, a: Val) -> Val {
        if self.function.ty(value) != Type::F32 || !self.arithmetic_nans[value.0 as usize] {
            return a;
        }
        self.canonical_single(a)
    }

    /// Any NaN made canonical.
    pub fn canonical_single(&self, a: Val) -> Val {
        let ir = self.ir;
        let nan = ir.fcmp(FloatPredicate::LLVMRealUNO, a, a);
        ir.select(nan, self.canonical_nan(ir.type_of(a)), a)
    }

    /// [`FunctionEmitter::get`] with [`FunctionEmitter::observed`] applied.
    pub fn get_observed(&mut self, value: Value) -> Repr {
        match self.get(value) {
            Repr::Uniform(scalar) => Repr::Uniform(self.canonical(value, scalar)),
            Repr::Vector(vector) => Repr::Vector(self.canonical(value, vector)),
            // The members of a pack are made alike.
            Repr::Part { whole, place, count } => Repr::Part { whole: self.canonical(value, whole), place, count },
            affine => affine,
        }
    }
}

/// Whether a unary operation rounds in another way than to nearest even.
fn rounds_otherwise(kind: FloatUnaryOp, rounding: Rounding) -> bool {
    rounding != Rounding::NearestEven && matches!(kind, FloatUnaryOp::Sqrt | FloatUnaryOp::Rcp)
}

fn float_predicate(condition: FloatCondition) -> FloatPredicate {
    match condition {
        FloatCondition::Eq => FloatPredicate::LLVMRealOEQ,
        FloatCondition::Ne => FloatPredicate::LLVMRealONE,
        FloatCondition::Lt => FloatPredicate::LLVMRealOLT,
        FloatCondition::Le => FloatPredicate::LLVMRealOLE,
        FloatCondition::Gt => FloatPredicate::LLVMRealOGT,
        FloatCondition::Ge => FloatPredicate::LLVMRealOGE,
        FloatCondition::EqOrNan => FloatPredicate::LLVMRealUEQ,
        FloatCondition::NeOrNan => FloatPredicate::LLVMRealUNE,
        FloatCondition::LtOrNan => FloatPredicate::LLVMRealULT,
        FloatCondition::LeOrNan => FloatPredicate::LLVMRealULE,
        FloatCondition::GtOrNan => FloatPredicate::LLVMRealUGT,
        FloatCondition::GeOrNan => FloatPredicate::LLVMRealUGE,
        FloatCondition::Ordered => FloatPredicate::LLVMRealORD,
        FloatCondition::Unordered => FloatPredicate::LLVMRealUNO,
    }
}
