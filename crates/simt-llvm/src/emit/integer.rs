//! Integer and logic operations, comparisons and selections, on scalars and vectors alike.

use simt_ir::{BinaryOp, IntCondition, Op, PermuteMode, Type, UnaryOp};

use super::FunctionEmitter;
use crate::Error;
use crate::llvm::{Bin, Cast, IntPredicate, Ty, Val};

impl FunctionEmitter<'_> {
    /// The value of a pure operation whose operands are given, all scalars or all vectors.
    pub fn evaluate(&mut self, op: &Op, operands: &[Val]) -> Result<Val, Error> {
        let ir = self.ir;
        let [a, b, c, d] = [0, 1, 2, 3].map(|index| operands.get(index).copied().unwrap_or(operands[0]));
        Ok(match op {
            Op::Unary { op, ty, .. } => self.unary(*op, *ty, a),
            Op::Binary { op, ty, .. } => self.binary(*op, *ty, a, b),
            Op::IntCompare { condition, .. } => ir.icmp(predicate(*condition), a, b),
            Op::Select { .. } => ir.select(a, b, c),
            Op::Lop3 { table, .. } => self.lop3(*table, a, b, c),
            Op::Permute { mode, .. } => self.permute(*mode, a, b, c),
            Op::BitFieldExtract { ty, signed, .. } => self.bit_field_extract(*ty, *signed, a, b, c),
            Op::BitFieldInsert { ty, .. } => self.bit_field_insert(*ty, a, b, c, d),
            Op::FunnelShift { left, clamp, .. } => self.funnel_shift(*left, *clamp, a, b, c),
            Op::DotProduct4 { a_signed, b_signed, .. } => self.dot_product(4, *a_signed, *b_signed, false, a, b, c),
            Op::DotProduct2 { a_signed, b_signed, high, .. } => {
                self.dot_product(2, *a_signed, *b_signed, *high, a, b, c)
            }
            Op::Halves { op, .. } => {
                let (words, halves) = (ir.type_of(a), self.halves_type(a));
                let [a, b] = [a, b].map(|value| ir.cast(Cast::BitCast, value, halves));
                ir.cast(Cast::BitCast, self.binary(*op, Type::I16, a, b), words)
            }
            Op::FindNthSet { .. } => self.evaluate_slowly(op, operands)?,
            Op::Extend { signed, to, .. } => {
                let ty = ir.like(self.scalar_type(*to), ir.type_of(a));
                ir.cast(if *signed { Cast::SExt } else { Cast::ZExt }, a, ty)
            }
            Op::Truncate { to, .. } => {
                let ty = ir.like(self.scalar_type(*to), ir.type_of(a));
                ir.cast(Cast::Trunc, a, ty)
            }
            Op::Expect { .. } => a,
            Op::Bitcast { to, .. } => {
                let ty = ir.like(self.scalar_type(*to), ir.type_of(a));
                ir.cast(Cast::BitCast, a, ty)
            }
            Op::Concat { ty, .. } => {
                let wide = ir.like(ir.int(ty.bits() * 2), ir.type_of(a));
                let (low, high) = (ir.cast(Cast::ZExt, a, wide), ir.cast(Cast::ZExt, b, wide));
                ir.or(low, ir.bin(Bin::Shl, high, ir.constant(wide, u64::from(ty.bits()))))
            }
            _ => self.float_operation(op, operands)?,
        })
    }

    /// The halves of words, one behind the other.
    fn halves_type(&self, words: Val) -> Ty {
        self.ir.vector(self.ir.int(16), 2 * self.ir.lanes(self.ir.type_of(words)))
    }

    pub fn like(&self, a: Val, value: u64) -> Val {
        self.ir.constant(self.ir.type_of(a), value)
    }

    fn unary(&mut self, op: UnaryOp, ty: Type, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let i32_like = ir.like(ir.int(32), shape);
        let to_i32 = |value: Val| {
            if ty.bits() > 32 { ir.cast(Cast::Trunc, value, i32_like) } else { ir.cast(Cast::ZExt, value, i32_like) }
        };
        match op {
            UnaryOp::Neg => ir.sub(ir.zero(shape), a),
            UnaryOp::Not => ir.not(a),
            UnaryOp::Abs => ir.intrinsic("llvm.abs", &[shape], &[a, ir.zero(ir.int(1))]),
            UnaryOp::CountLeadingZeros => to_i32(ir.intrinsic("llvm.ctlz", &[shape], &[a, ir.zero(ir.int(1))])),
            UnaryOp::PopCount => to_i32(ir.intrinsic("llvm.ctpop", &[shape], &[a])),
            UnaryOp::ReverseBits => ir.intrinsic("llvm.bitreverse", &[shape], &[a]),
            UnaryOp::FindMsbUnsigned | UnaryOp::FindMsbSigned => {
                let sign = ir.bin(Bin::AShr, a, ir.constant(shape, u64::from(ty.bits() - 1)));
                let value = if op == UnaryOp::FindMsbSigned { ir.xor(a, sign) } else { a };
                let zeros = to_i32(ir.intrinsic("llvm.ctlz", &[shape], &[value, ir.zero(ir.int(1))]));
                // All zeros count as the width, so that the difference becomes -1.
                ir.sub(ir.constant(i32_like, u64::from(ty.bits() - 1)), zeros)
            }
        }
    }

    pub fn binary(&mut self, op: BinaryOp, ty: Type, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let minmax = |name: &str| ir.intrinsic(name, &[shape], &[a, b]);
        match op {
            BinaryOp::Add => ir.add(a, b),
            BinaryOp::Sub => ir.sub(a, b),
            BinaryOp::Mul => ir.mul(a, b),
            BinaryOp::MulHighSigned => self.multiply_high(Cast::SExt, ty, a, b),
            BinaryOp::MulHighUnsigned => self.multiply_high(Cast::ZExt, ty, a, b),
            BinaryOp::DivSigned => self.divide(true, false, ty, a, b),
            BinaryOp::DivUnsigned => self.divide(false, false, ty, a, b),
            BinaryOp::RemSigned => self.divide(true, true, ty, a, b),
            BinaryOp::RemUnsigned => self.divide(false, true, ty, a, b),
            BinaryOp::And => ir.and(a, b),
            BinaryOp::Or => ir.or(a, b),
            BinaryOp::Xor => ir.xor(a, b),
            BinaryOp::Shl => self.shift(Bin::Shl, ty, a, b),
            BinaryOp::ShrUnsigned => self.shift(Bin::LShr, ty, a, b),
            BinaryOp::ShrSigned => self.shift(Bin::AShr, ty, a, b),
            BinaryOp::MinSigned => minmax("llvm.smin"),
            BinaryOp::MinUnsigned => minmax("llvm.umin"),
            BinaryOp::MaxSigned => minmax("llvm.smax"),
            BinaryOp::MaxUnsigned => minmax("llvm.umax"),
            BinaryOp::AddSaturateSigned => minmax("llvm.sadd.sat"),
            BinaryOp::SubSaturateSigned => minmax("llvm.ssub.sat"),
        }
    }

    fn multiply_high(&mut self, cast: Cast, ty: Type, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        if ty.bits() == 64 && (ir.is_vector(shape) || self.unit.quick) {
            let high = self.multiply_high_by_halves(a, b);
            return if matches!(cast, Cast::SExt) { self.as_signed_product(high, a, b) } else { high };
        }
        let wide = ir.like(ir.int(ty.bits() * 2), shape);
        let product = ir.mul(ir.cast(cast, a, wide), ir.cast(cast, b, wide));
        let high = ir.bin(Bin::LShr, product, ir.constant(wide, u64::from(ty.bits())));
        ir.cast(Cast::Trunc, high, shape)
    }

    /// The high 64 bits of products of numbers without sign, by products of their halves. Processors have no vectors of 128-bit integers, and LLVM would
    /// take vectors apart; code made in haste has no such integers at all.
    fn multiply_high_by_halves(&mut self, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let half = self.like(a, 32);
        let low = |value: Val| ir.and(value, self.like(a, u64::from(u32::MAX)));
        let high = |value: Val| ir.bin(Bin::LShr, value, half);
        let [low_low, low_high, high_low, high_high] =
            [(low(a), low(b)), (low(a), high(b)), (high(a), low(b)), (high(a), high(b))].map(|(x, y)| ir.mul(x, y));
        // Neither sum overflows: a product of halves is at most 2^64 - 2^33 + 1.
        let middle = ir.add(high_low, high(low_low));
        let other = ir.add(low_high, low(middle));
        ir.add(ir.add(high_high, high(middle)), high(other))
    }

    /// The high bits of a product of numbers with sign, given those of the same bits without.
    fn as_signed_product(&mut self, high: Val, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let where_negative = |sign: Val, value: Val| ir.and(ir.bin(Bin::AShr, sign, self.like(sign, 63)), value);
        ir.sub(ir.sub(high, where_negative(a, b)), where_negative(b, a))
    }

    /// Shifts by the width or more give zeros, or the sign.
    pub fn shift(&mut self, op: Bin, ty: Type, a: Val, amount: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let bits = u64::from(ty.bits());
        let amounts = ir.type_of(amount);
        let limit = ir.constant(amounts, bits - 1);
        let too_far = ir.icmp(IntPredicate::LLVMIntUGT, amount, limit);
        let clamped = ir.intrinsic("llvm.umin", &[amounts], &[amount, limit]);
        let clamped =
            if bits > 32 { ir.cast(Cast::ZExt, clamped, shape) } else { ir.cast(Cast::Trunc, clamped, shape) };
        let shifted = ir.bin(op, a, clamped);
        if matches!(op, Bin::AShr) { shifted } else { ir.select(too_far, ir.zero(shape), shifted) }
    }

    /// Division without traps: x / 0 and x % 0 are all ones, and the minimum divided by -1 wraps.
    fn divide(&mut self, signed: bool, remainder: bool, ty: Type, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let (zero, ones) = (ir.zero(shape), ir.constant(shape, u64::MAX));
        let by_zero = ir.icmp(IntPredicate::LLVMIntEQ, b, zero);
        let quotient = if ir.is_vector(shape) && ty.bits() <= 32 {
            self.divide_in_double(signed, a, b)
        } else {
            let mut divisor = ir.select(by_zero, ir.constant(shape, 1), b);
            if signed {
                // The only quotient that does not fit; dividing by 1 instead gives what wrapping would.
                let minimum = ir.constant(shape, 1 << (ty.bits() - 1));
                let overflows =
                    ir.and(ir.icmp(IntPredicate::LLVMIntEQ, a, minimum), ir.icmp(IntPredicate::LLVMIntEQ, b, ones));
                divisor = ir.select(overflows, ir.constant(shape, 1), divisor);
            }
            ir.bin(if signed { Bin::SDiv } else { Bin::UDiv }, a, divisor)
        };
        let result = if remainder { ir.sub(a, ir.mul(quotient, b)) } else { quotient };
        ir.select(by_zero, ones, result)
    }

    /// Quotients of integers of up to 32 bits are exact in double precision once truncated.
    fn divide_in_double(&mut self, signed: bool, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let double = ir.like(ir.f64(), shape);
        let wide = ir.like(ir.int(64), shape);
        let convert = |value: Val| ir.cast(if signed { Cast::SIToFP } else { Cast::UIToFP }, value, double);
        let quotient = ir.bin(Bin::FDiv, convert(a), convert(b));
        // Division by zero gives an infinity or NaN, which the conversion must not see.
        let zero = ir.icmp(IntPredicate::LLVMIntEQ, b, ir.zero(shape));
        let quotient = ir.select(zero, ir.zero(double), quotient);
        ir.cast(Cast::Trunc, ir.cast(Cast::FPToSI, quotient, wide), shape)
    }

    /// Three-input logic: the shortest of a few forms, which LLVM turns into one `vpternlog`.
    fn lop3(&mut self, table: u8, a: Val, b: Val, c: Val) -> Val {
        let ir = self.ir;
        // Shannon expansion over a: table = a ? high nibble : low nibble.
        let high = self.two_input_logic(table >> 4, b, c);
        let low = self.two_input_logic(table & 15, b, c);
        if table >> 4 == table & 15 {
            return low;
        }
        if table >> 4 == !table & 15 {
            return ir.xor(a, low);
        }
        match (table & 15, table >> 4) {
            (0, _) => ir.and(a, high),
            (_, 0) => ir.and(ir.not(a), low),
            (15, _) => ir.or(ir.not(a), high),
            (_, 15) => ir.or(a, low),
            _ => ir.or(ir.and(a, high), ir.and(ir.not(a), low)),
        }
    }

    /// Logic of two inputs by truth table, index `b * 2 + c`.
    fn two_input_logic(&mut self, table: u8, b: Val, c: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(b);
        match table {
            0b0000 => ir.zero(shape),
            0b0001 => ir.not(ir.or(b, c)),
            0b0010 => ir.and(ir.not(b), c),
            0b0011 => ir.not(b),
            0b0100 => ir.and(b, ir.not(c)),
            0b0101 => ir.not(c),
            0b0110 => ir.xor(b, c),
            0b0111 => ir.not(ir.and(b, c)),
            0b1000 => ir.and(b, c),
            0b1001 => ir.not(ir.xor(b, c)),
            0b1010 => c,
            0b1011 => ir.or(ir.not(b), c),
            0b1100 => b,
            0b1101 => ir.or(b, ir.not(c)),
            0b1110 => ir.or(b, c),
            _ => ir.constant(shape, u64::MAX),
        }
    }

    /// `prmt`: four bytes of `b:a`.
    fn permute(&mut self, mode: PermuteMode, a: Val, b: Val, selector: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let wide = ir.like(ir.int(64), shape);
        let constant = |value: u64| ir.constant(shape, value);
        let both =
            ir.or(ir.cast(Cast::ZExt, a, wide), ir.bin(Bin::Shl, ir.cast(Cast::ZExt, b, wide), ir.constant(wide, 32)));
        let low = ir.and(selector, constant(3));
        let mut result = ir.zero(shape);
        for byte in 0..4u64 {
            // Which byte goes here, and whether its sign replaces it (PTX ISA 9.7.9.7, tables of the modes).
            let nibble = ir.and(ir.bin(Bin::LShr, selector, constant(4 * byte)), constant(15));
            let (index, sign) = match mode {
                PermuteMode::Generic => (ir.and(nibble, constant(7)), Some(ir.and(nibble, constant(8)))),
                PermuteMode::ForwardFour => (ir.add(low, constant(byte)), None),
                PermuteMode::BackwardFour => (ir.and(ir.sub(low, constant(byte)), constant(7)), None),
                PermuteMode::ReplicateByte => (low, None),
                PermuteMode::EdgeClampLeft => (ir.intrinsic("llvm.umax", &[shape], &[low, constant(byte)]), None),
                PermuteMode::EdgeClampRight => (ir.intrinsic("llvm.umin", &[shape], &[low, constant(byte)]), None),
                PermuteMode::ReplicateHalf => {
                    let half = ir.bin(Bin::Shl, ir.and(selector, constant(1)), constant(1));
                    (ir.add(half, constant(byte & 1)), None)
                }
            };
            let amount = ir.cast(Cast::ZExt, ir.bin(Bin::Shl, index, constant(3)), wide);
            let picked = ir.and(ir.cast(Cast::Trunc, ir.bin(Bin::LShr, both, amount), shape), constant(255));
            let picked = match sign {
                Some(sign) => {
                    let negative = ir.icmp(IntPredicate::LLVMIntUGE, picked, constant(128));
                    let filled = ir.select(negative, constant(255), ir.zero(shape));
                    ir.select(ir.icmp(IntPredicate::LLVMIntNE, sign, ir.zero(shape)), filled, picked)
                }
                None => picked,
            };
            result = ir.or(result, ir.bin(Bin::Shl, picked, constant(8 * byte)));
        }
        result
    }

    /// `bfe`: bits `position … position + length - 1`; beyond the value lie zeros, or its sign.
    fn bit_field_extract(&mut self, ty: Type, signed: bool, a: Val, position: Val, length: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let amounts = ir.type_of(position);
        let (position, length) = (self.field_number(ty, position), self.field_number(ty, length));
        let width = ir.constant(amounts, u64::from(ty.bits()));
        if !signed {
            let shifted = self.shift(Bin::LShr, ty, a, position);
            let mask = self.low_bits(ty, shape, length);
            return ir.and(shifted, mask);
        }
        // The field ends at min(position + length, width); its top bit is its sign.
        let end = ir.intrinsic("llvm.umin", &[amounts], &[ir.add(position, length), width]);
        let up = ir.sub(width, end);
        let raised = self.shift(Bin::Shl, ty, a, up);
        let down = ir.intrinsic("llvm.umin", &[amounts], &[ir.add(up, position), width]);
        let field = self.shift(Bin::AShr, ty, raised, down);
        let empty = ir.icmp(IntPredicate::LLVMIntEQ, length, ir.zero(amounts));
        ir.select(empty, ir.zero(shape), field)
    }

    /// A field's position or length, up to 255: the low 8 bits, but in 64-bit fields a large number stays one.
    fn field_number(&self, ty: Type, number: Val) -> Val {
        let shape = self.ir.type_of(number);
        let largest = self.ir.constant(shape, 255);
        if ty == Type::I64 {
            self.ir.intrinsic("llvm.umin", &[shape], &[number, largest])
        } else {
            self.ir.and(number, largest)
        }
    }

    /// The low `length` bits set; all of them from the width on.
    fn low_bits(&mut self, ty: Type, shape: Ty, length: Val) -> Val {
        let ones = self.ir.constant(shape, u64::MAX);
        let rest = self.shift(Bin::Shl, ty, ones, length);
        self.ir.not(rest)
    }

    fn bit_field_insert(&mut self, ty: Type, a: Val, b: Val, position: Val, length: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let (position, length) = (self.field_number(ty, position), self.field_number(ty, length));
        let field = self.low_bits(ty, shape, length);
        let mask = self.shift(Bin::Shl, ty, field, position);
        let moved = self.shift(Bin::Shl, ty, a, position);
        ir.or(ir.and(moved, mask), ir.and(b, ir.not(mask)))
    }

    fn funnel_shift(&mut self, left: bool, clamp: bool, low: Val, high: Val, amount: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(low);
        let name = if left { "llvm.fshl" } else { "llvm.fshr" };
        // LLVM's funnel shifts take the amount modulo 32.
        let shifted = ir.intrinsic(name, &[shape], &[high, low, amount]);
        if !clamp {
            return shifted;
        }
        let whole = ir.icmp(IntPredicate::LLVMIntUGE, amount, ir.constant(shape, 32));
        ir.select(whole, if left { low } else { high }, shifted)
    }

    /// A constant shaped like a value.
    pub fn constant_like(&self, a: Val, value: u64) -> Val {
        self.like(a, value)
    }
}

pub(super) fn predicate(condition: IntCondition) -> IntPredicate {
    match condition {
        IntCondition::Eq => IntPredicate::LLVMIntEQ,
        IntCondition::Ne => IntPredicate::LLVMIntNE,
        IntCondition::LtSigned => IntPredicate::LLVMIntSLT,
        IntCondition::LeSigned => IntPredicate::LLVMIntSLE,
        IntCondition::GtSigned => IntPredicate::LLVMIntSGT,
        IntCondition::GeSigned => IntPredicate::LLVMIntSGE,
        IntCondition::LtUnsigned => IntPredicate::LLVMIntULT,
        IntCondition::LeUnsigned => IntPredicate::LLVMIntULE,
        IntCondition::GtUnsigned => IntPredicate::LLVMIntUGT,
        IntCondition::GeUnsigned => IntPredicate::LLVMIntUGE,
    }
}
