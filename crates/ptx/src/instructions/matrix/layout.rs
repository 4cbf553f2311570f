//! What a lane computes of its own number, to find its elements.

use simt_ir::{AddressSpace, BinaryOp, MemoryOrder, Op, SpecialRegister, Type, Value};

use crate::instructions::memory::Target;
use crate::lowering::Lowering;

/// A lane's place among the eight groups of four.
#[derive(Clone, Copy)]
pub(super) struct LanePlace {
    /// Which group: 0 to 7.
    pub group: Value,
    /// Which lane of the group: 0 to 3.
    pub in_group: Value,
}

impl LanePlace {
    pub fn new(cx: &mut Lowering<'_>) -> Self {
        let lane = cx.builder.push1(Op::Special(SpecialRegister::LaneId));
        Self { group: cx.shift_right_by(false, lane, 2), in_group: cx.binary_constant(BinaryOp::And, lane, 3) }
    }
}

/// A matrix in memory.
#[derive(Clone, Copy)]
pub(super) struct InMemory {
    pub target: Target,
    /// Elements from one line to the next: an `i64`.
    pub stride: Value,
    /// Bits of an element.
    pub bits: u32,
}

impl InMemory {
    /// The address of element `column` of line `line`, both `i64`.
    pub fn address(&self, cx: &mut Lowering<'_>, line: Value, column: Value) -> Target {
        let lines = cx.binary(BinaryOp::Mul, line, self.stride);
        let index = cx.binary(BinaryOp::Add, lines, column);
        let bytes = if self.bits >= 8 {
            cx.binary_constant(BinaryOp::Mul, index, u64::from(self.bits / 8))
        } else {
            let bits = cx.binary_constant(BinaryOp::Mul, index, u64::from(self.bits));
            cx.shift_right_by(false, bits, 3)
        };
        let address = cx.binary(BinaryOp::Add, self.target.address, bytes);
        Target { address, ..self.target }
    }
}

/// Loads one value.
pub(super) fn load(cx: &mut Lowering<'_>, from: Target, ty: Type) -> Value {
    let Target { space, address, offset } = from;
    let order = MemoryOrder::Weak;
    cx.builder.push1(Op::Load { space, ty, count: 1, order, address, offset, guard: None })
}

/// Stores one value.
pub(super) fn store(cx: &mut Lowering<'_>, to: Target, ty: Type, value: Value) {
    let Target { space, address, offset } = to;
    let (order, values) = (MemoryOrder::Weak, vec![value]);
    cx.builder.push(Op::Store { space, ty, order, address, offset, values, guard: None });
}

/// `a * factor + b + offset`, of `i32` lane numbers, as an `i64`.
pub(super) fn number(cx: &mut Lowering<'_>, a: Value, factor: u32, offset: u32) -> Value {
    let scaled = cx.binary_constant(BinaryOp::Mul, a, u64::from(factor));
    let sum = cx.binary_constant(BinaryOp::Add, scaled, u64::from(offset));
    cx.resize(false, Type::I64, sum)
}

/// The address of memory in a space that nothing else is known of.
pub(super) fn at(space: AddressSpace, address: Value) -> Target {
    Target { space, address, offset: 0 }
}
