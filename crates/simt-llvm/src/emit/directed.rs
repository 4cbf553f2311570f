//! Arithmetic that rounds toward zero or an infinity.
//!
//! With AVX-512 each instruction names its rounding. Without, singles are computed in double precision, rounded to odd, and rounded once
//! more in the right direction, which is exact; doubles go the slow way.

use simt_ir::{FloatBinaryOp, FloatUnaryOp, Op, Rounding, Type};

use super::FunctionEmitter;
use crate::llvm::{Bin, Cast, FloatPredicate, IntPredicate, Ty, Val};

impl FunctionEmitter<'_> {
    /// The value of a float operation with a directed rounding, if there is a fast way. Operands are as the operation takes them.
    pub fn directed(&mut self, op: &Op, operands: &[Val]) -> Option<Val> {
        let (ty, rounding, flush, saturate, relu) = match *op {
            Op::FloatUnary { ty, rounding, flush, saturate, .. }
            | Op::FloatBinary { ty, rounding, flush, saturate, .. } => (ty, rounding, flush, saturate, false),
            Op::Fma { ty, rounding, flush, saturate, relu, .. } => (ty, rounding, flush, saturate, relu),
            _ => return None,
        };
        if !matches!(ty, Type::F32 | Type::F64) || rounding == Rounding::NearestAway {
            return None;
        }
        let operands: Vec<Val> = operands.iter().map(|operand| self.flushed_as(ty, flush, *operand)).collect();
        let result = match self.unit.target.avx512 {
            true => self.by_instruction(op, rounding, &operands)?,
            false if ty == Type::F32 => self.through_double(op, rounding, &operands)?,
            false => return None,
        };
        let result = self.flushed_as(ty, flush, result);
        Some(self.rectified(relu, self.saturated(saturate, result)))
    }

    /// The instruction of AVX-512 that takes a rounding.
    fn by_instruction(&mut self, op: &Op, rounding: Rounding, operands: &[Val]) -> Option<Val> {
        let (name, operands) = match op {
            Op::FloatUnary { op: FloatUnaryOp::Sqrt, .. } => ("sqrt", operands.to_vec()),
            Op::FloatUnary { op: FloatUnaryOp::Rcp, .. } => {
                let one = self.ir.float_constant(self.ir.type_of(operands[0]), 1.0);
                ("div", vec![one, operands[0]])
            }
            Op::FloatBinary { op: FloatBinaryOp::Add, .. } => ("add", operands.to_vec()),
            Op::FloatBinary { op: FloatBinaryOp::Sub, .. } => ("sub", operands.to_vec()),
            Op::FloatBinary { op: FloatBinaryOp::Mul, .. } => ("mul", operands.to_vec()),
            Op::FloatBinary { op: FloatBinaryOp::Div, .. } => ("div", operands.to_vec()),
            Op::Fma { .. } => ("vfmadd", operands.to_vec()),
            _ => return None,
        };
        let is_double = self.ir.element(self.ir.type_of(operands[0])) == self.ir.f64();
        let name = format!("llvm.x86.avx512.{name}.{}.512", if is_double { "pd" } else { "ps" });
        Some(self.in_machine_vectors(&operands, |this, pieces| {
            let mut arguments = pieces.to_vec();
            arguments.push(this.i32(rounding_code(rounding)));
            this.ir.intrinsic(&name, &[], &arguments)
        }))
    }

    /// Applies an operation of 512 bits to operands of any number of lanes.
    fn in_machine_vectors(&self, operands: &[Val], apply: impl Fn(&Self, &[Val]) -> Val) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(operands[0]);
        let width = 512 / ir.bits(ir.element(ty));
        if !ir.is_vector(ty) {
            let wide: Vec<Val> = operands.iter().map(|operand| ir.splat(*operand, width)).collect();
            return ir.extract_at(apply(self, &wide), 0);
        }
        let pieces: Vec<Val> = (0..ir.lanes(ty))
            .step_by(width as usize)
            .map(|from| {
                let order: Vec<u32> = (from..from + width).collect();
                let parts: Vec<Val> = operands.iter().map(|operand| ir.shuffle(*operand, *operand, &order)).collect();
                apply(self, &parts)
            })
            .collect();
        self.concatenate(&pieces)
    }

    /// Sums and products of singles: exact in double precision, or rounded to odd there.
    fn through_double(&self, op: &Op, rounding: Rounding, operands: &[Val]) -> Option<Val> {
        let ir = self.ir;
        let double = ir.like(ir.f64(), ir.type_of(operands[0]));
        let wide: Vec<Val> = operands.iter().map(|operand| ir.cast(Cast::FPExt, *operand, double)).collect();
        let (a, b) = match *op {
            Op::FloatBinary { op: FloatBinaryOp::Add, .. } => (wide[0], wide[1]),
            Op::FloatBinary { op: FloatBinaryOp::Sub, .. } => (wide[0], ir.fneg(wide[1])),
            Op::FloatBinary { op: FloatBinaryOp::Mul, .. } => {
                return Some(self.narrowed(rounding, ir.bin(Bin::FMul, wide[0], wide[1])));
            }
            Op::Fma { .. } => (ir.bin(Bin::FMul, wide[0], wide[1]), wide[2]),
            _ => return None,
        };
        let mut sum = self.add_to_odd(a, b);
        if rounding == Rounding::TowardNegative {
            // A sum that is exactly zero is -0 unless both are +0.
            let word = ir.like(ir.int(64), ir.type_of(a));
            let bits = |value: Val| ir.cast(Cast::BitCast, value, word);
            let sign = ir.and(ir.or(bits(a), bits(b)), ir.constant(word, 1 << 63));
            let zero = ir.fcmp(FloatPredicate::LLVMRealOEQ, sum, ir.zero(ir.type_of(sum)));
            sum = ir.select(zero, ir.cast(Cast::BitCast, sign, ir.type_of(sum)), sum);
        }
        Some(self.narrowed(rounding, sum))
    }

    /// A double as a single, rounded in a direction.
    pub fn narrowed(&self, rounding: Rounding, a: Val) -> Val {
        let ir = self.ir;
        let single = ir.cast(Cast::FPTrunc, a, ir.like(ir.f32(), ir.type_of(a)));
        let back = ir.cast(Cast::FPExt, single, ir.type_of(a));
        let word = ir.like(ir.int(32), ir.type_of(a));
        let bits = ir.cast(Cast::BitCast, single, word);
        let is_negative = ir.icmp(IntPredicate::LLVMIntSLT, bits, ir.zero(word));
        let above = ir.fcmp(FloatPredicate::LLVMRealOGT, back, a);
        let below = ir.fcmp(FloatPredicate::LLVMRealOLT, back, a);
        // Away from zero the bits count up, for both signs.
        let one = ir.constant(word, 1);
        let (wrong, step) = match rounding {
            Rounding::TowardZero => {
                let beyond = ir.select(is_negative, below, above);
                (beyond, ir.constant(word, u64::MAX))
            }
            Rounding::TowardNegative => (above, ir.select(is_negative, one, ir.constant(word, u64::MAX))),
            _ => (below, ir.select(is_negative, ir.constant(word, u64::MAX), one)),
        };
        let moved = ir.select(wrong, ir.add(bits, step), bits);
        ir.cast(Cast::BitCast, moved, single_type(ir, a))
    }
}

fn single_type(ir: &crate::llvm::Ir, like: Val) -> Ty {
    ir.like(ir.f32(), ir.type_of(like))
}

/// The processor's number for a rounding, exceptions suppressed.
fn rounding_code(rounding: Rounding) -> u32 {
    8 | match rounding {
        Rounding::NearestEven | Rounding::NearestAway => 0,
        Rounding::TowardNegative => 1,
        Rounding::TowardPositive => 2,
        Rounding::TowardZero => 3,
    }
}
