//! Short ways to append common operations.

use simt_ir::{
    BinaryOp, FloatBinaryOp, FloatCondition, FloatUnaryOp, IntCondition, Op, Rounding, Type, UnaryOp, Value,
};

use super::context::Lowering;
use crate::ast::ScalarType;
use crate::check::Checked;

/// The modifiers of floating-point arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FloatModifiers {
    pub rounding: Rounding,
    pub flush: bool,
    pub saturate: bool,
    pub relu: bool,
}

impl FloatModifiers {
    /// Rounded to nearest even, nothing else.
    pub const PLAIN: FloatModifiers =
        FloatModifiers { rounding: Rounding::NearestEven, flush: false, saturate: false, relu: false };

    /// What an instruction says.
    pub fn of(i: &Checked<'_>) -> FloatModifiers {
        FloatModifiers {
            rounding: rounding(i.slot("RND")),
            flush: i.has("ftz"),
            saturate: i.has("sat"),
            relu: i.has("relu"),
        }
    }
}

/// The rounding that a modifier names; to nearest even where there is none.
fn rounding(modifier: Option<&str>) -> Rounding {
    match modifier {
        Some("rz" | "rzi") => Rounding::TowardZero,
        Some("rm" | "rmi") => Rounding::TowardNegative,
        Some("rp" | "rpi") => Rounding::TowardPositive,
        Some("rna") => Rounding::NearestAway,
        _ => Rounding::NearestEven,
    }
}

impl Lowering<'_> {
    /// A 32-bit constant.
    pub fn word(&mut self, bits: u32) -> Value {
        self.constant(Type::I32, u64::from(bits))
    }

    /// An integer operation.
    pub fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        self.builder.binary(op, a, b)
    }

    /// An integer operation with a constant of the type of `a` (for shifts: 32 bits).
    pub fn binary_constant(&mut self, op: BinaryOp, a: Value, b: u64) -> Value {
        let ty = if op.is_shift() { Type::I32 } else { self.ty(a) };
        let b = self.constant(ty, b);
        self.builder.binary(op, a, b)
    }

    /// `a` shifted left by a constant.
    pub fn shift_left_by(&mut self, a: Value, bits: u32) -> Value {
        if bits == 0 { a } else { self.binary_constant(BinaryOp::Shl, a, u64::from(bits)) }
    }

    /// `a` shifted right by a constant.
    pub fn shift_right_by(&mut self, signed: bool, a: Value, bits: u32) -> Value {
        let op = if signed { BinaryOp::ShrSigned } else { BinaryOp::ShrUnsigned };
        if bits == 0 { a } else { self.binary_constant(op, a, u64::from(bits)) }
    }

    /// `!a`, bit by bit.
    pub fn not(&mut self, a: Value) -> Value {
        self.builder.unary(UnaryOp::Not, a)
    }

    /// `condition ? a : b`.
    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        self.builder.select(condition, a, b)
    }

    /// An integer comparison.
    pub fn compare(&mut self, condition: IntCondition, a: Value, b: Value) -> Value {
        self.builder.int_compare(condition, a, b)
    }

    /// Whether an integer is zero.
    pub fn is_zero(&mut self, a: Value) -> Value {
        let zero = self.constant(self.ty(a), 0);
        self.compare(IntCondition::Eq, a, zero)
    }

    /// A floating-point comparison.
    pub fn float_compare(&mut self, condition: FloatCondition, flush: bool, a: Value, b: Value) -> Value {
        self.builder.float_compare(condition, flush, a, b)
    }

    /// An integer of another width.
    pub fn resize(&mut self, signed: bool, to: Type, a: Value) -> Value {
        self.builder.resize(signed, to, a)
    }

    /// A floating-point operation on one value.
    pub fn float_unary(&mut self, op: FloatUnaryOp, modifiers: FloatModifiers, a: Value) -> Value {
        let ty = self.ty(a);
        let FloatModifiers { rounding, flush, saturate, .. } = modifiers;
        self.builder.push1(Op::FloatUnary { op, ty, rounding, flush, saturate, a })
    }

    /// A floating-point operation on two values.
    pub fn float_binary(&mut self, op: FloatBinaryOp, modifiers: FloatModifiers, a: Value, b: Value) -> Value {
        let ty = self.ty(a);
        let FloatModifiers { rounding, flush, saturate, .. } = modifiers;
        self.builder.push1(Op::FloatBinary { op, ty, rounding, flush, saturate, a, b })
    }

    /// `a*b + c`, rounded once.
    pub fn fma(&mut self, modifiers: FloatModifiers, a: Value, b: Value, c: Value) -> Value {
        let ty = self.ty(a);
        let FloatModifiers { rounding, flush, saturate, relu } = modifiers;
        self.builder.push1(Op::Fma { ty, rounding, flush, saturate, relu, a, b, c })
    }

    /// A float of another type.
    pub fn float_to_float(&mut self, modifiers: FloatModifiers, to: Type, a: Value) -> Value {
        let from = self.ty(a);
        let FloatModifiers { rounding, flush, saturate, relu } = modifiers;
        self.builder.push1(Op::FloatToFloat { rounding, flush, saturate, relu, from, to, a })
    }

    /// The lanes of a packed value: `count` integers of equal width, the lowest first.
    pub fn unpack(&mut self, packed: Value, count: u32) -> Vec<Value> {
        let packed = self.as_int(packed);
        let ty = self.ty(packed);
        let width = ty.bits() / count;
        let part = Type::int(width).unwrap_or(Type::I8);
        (0..count)
            .map(|index| {
                let shifted = self.shift_right_by(false, packed, index * width);
                self.resize(false, part, shifted)
            })
            .collect()
    }

    /// The value whose lanes these are, the lowest first: two, four or eight of equal width.
    pub fn pack(&mut self, parts: &[Value]) -> Value {
        let mut level: Vec<Value> = parts.iter().map(|part| self.as_int(*part)).collect();
        while level.len() > 1 {
            level = level
                .chunks(2)
                .map(|pair| match *pair {
                    [low, high] => {
                        let ty = self.ty(low);
                        self.builder.push1(Op::Concat { ty, low, high })
                    }
                    _ => pair[0],
                })
                .collect();
        }
        level[0]
    }

    /// Applies `operation` to values of type `ty`, to each lane of them if the type is packed.
    pub fn per_lane(
        &mut self,
        ty: ScalarType,
        operands: &[Value],
        mut operation: impl FnMut(&mut Self, &[Value]) -> Value,
    ) -> Value {
        let count = ty.packed_lanes();
        if count == 1 {
            return operation(self, operands);
        }
        let element = match ty {
            ScalarType::F16x2 => Type::F16,
            ScalarType::Bf16x2 => Type::BF16,
            ScalarType::F32x2 => Type::F32,
            _ => Type::int(ty.bits() / count).unwrap_or(Type::I8),
        };
        let lanes: Vec<Vec<Value>> = operands.iter().map(|operand| self.unpack(*operand, count)).collect();
        let mut results = Vec::new();
        for index in 0..count as usize {
            let operands: Vec<Value> = lanes.iter().map(|lanes| self.bitcast(element, lanes[index])).collect();
            results.push(operation(self, &operands));
        }
        self.pack(&results)
    }

    /// A loop, lane by lane: `turn` gets a value, at first `start`, and gives the next one and whether the lane is done. The
    /// result is the value that a lane's last turn got.
    pub fn repeat(&mut self, start: Value, turn: impl FnOnce(&mut Self, Value) -> (Value, Value)) -> Value {
        let variable = self.ssa.declare(self.ty(start));
        self.ssa.write(variable, self.builder.current_block(), start);
        let head = self.builder.create_block();
        self.branch(head);
        self.builder.switch_to(head);
        let value = self.get(variable);
        let (next, done) = turn(self, value);
        self.ssa.write(variable, self.builder.current_block(), next);
        let after = self.builder.create_block();
        self.branch_if(done, after, head);
        self.ssa.seal(&mut self.builder, head);
        self.ssa.seal(&mut self.builder, after);
        self.builder.switch_to(after);
        value
    }
}
