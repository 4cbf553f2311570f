//! Integer arithmetic, logic, dot products.

use simt_ir::number::variants::{BINARY_OPS, HALVES_OPS, PERMUTE_MODES};
use simt_ir::{BinaryOp, Op, Type, UnaryOp};

use super::straight::Straight;

const ARITHMETIC_TYPES: [Type; 3] = [Type::I16, Type::I32, Type::I64];
const WIDE_TYPES: [Type; 2] = [Type::I32, Type::I64];

/// An arithmetic operation.
pub(super) fn arithmetic(s: &mut Straight) {
    let op = match s.rng.below(9) {
        8 => {
            let op = s.rng.pick(HALVES_OPS);
            Op::Halves { op, a: s.operand(Type::I32), b: s.operand(Type::I32) }
        }
        0 => resize(s),
        1 => {
            let op = s.rng.pick(&[UnaryOp::Neg, UnaryOp::Abs]);
            let ty = s.rng.pick(&ARITHMETIC_TYPES);
            Op::Unary { op, ty, a: s.operand(ty) }
        }
        2 => {
            let op = s.rng.pick(&[
                UnaryOp::CountLeadingZeros,
                UnaryOp::PopCount,
                UnaryOp::ReverseBits,
                UnaryOp::FindMsbUnsigned,
                UnaryOp::FindMsbSigned,
            ]);
            let ty = s.rng.pick(&WIDE_TYPES);
            Op::Unary { op, ty, a: s.operand(ty) }
        }
        _ => {
            let op = loop {
                let op = s.rng.pick(BINARY_OPS);
                if !op.is_shift() && !matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor) {
                    break op;
                }
            };
            let ty = match op {
                BinaryOp::AddSaturateSigned | BinaryOp::SubSaturateSigned => Type::I32,
                _ => s.rng.pick(&ARITHMETIC_TYPES),
            };
            Op::Binary { op, ty, a: s.operand(ty), b: s.operand(ty) }
        }
    };
    s.emit(op);
}

fn resize(s: &mut Straight) -> Op {
    let types = [Type::I1, Type::I8, Type::I16, Type::I32, Type::I64, Type::I128];
    let (from, to) = loop {
        let (from, to) = (s.rng.pick(&types), s.rng.pick(&types));
        if from != to {
            break (from, to);
        }
    };
    let a = s.operand(from);
    if from.bits() < to.bits() {
        Op::Extend { signed: s.rng.flag(), from, to, a }
    } else {
        Op::Truncate { from, to, a }
    }
}

/// An operation on bits.
pub(super) fn logic(s: &mut Straight) {
    let word = Type::I32;
    let op = match s.rng.below(10) {
        0 => {
            let ty = s.rng.pick(&[Type::I1, Type::I8, Type::I16, Type::I32, Type::I64]);
            Op::Unary { op: UnaryOp::Not, ty, a: s.operand(ty) }
        }
        1 | 2 => {
            let op = s.rng.pick(&[BinaryOp::And, BinaryOp::Or, BinaryOp::Xor]);
            let ty = s.rng.pick(&[Type::I1, Type::I8, Type::I16, Type::I32, Type::I64]);
            Op::Binary { op, ty, a: s.operand(ty), b: s.operand(ty) }
        }
        3 => {
            let op = s.rng.pick(&[BinaryOp::Shl, BinaryOp::ShrUnsigned, BinaryOp::ShrSigned]);
            let ty = s.rng.pick(&[Type::I16, Type::I32, Type::I64]);
            Op::Binary { op, ty, a: s.operand(ty), b: s.operand(word) }
        }
        4 => {
            let table = s.rng.bits() as u8;
            Op::Lop3 { a: s.operand(word), b: s.operand(word), c: s.operand(word), table }
        }
        5 => {
            let mode = s.rng.pick(PERMUTE_MODES);
            Op::Permute { mode, a: s.operand(word), b: s.operand(word), selector: s.operand(word) }
        }
        6 => {
            let (ty, signed) = (s.rng.pick(&WIDE_TYPES), s.rng.flag());
            Op::BitFieldExtract { ty, signed, a: s.operand(ty), position: s.operand(word), length: s.operand(word) }
        }
        7 => {
            let ty = s.rng.pick(&WIDE_TYPES);
            let (a, b) = (s.operand(ty), s.operand(ty));
            Op::BitFieldInsert { ty, a, b, position: s.operand(word), length: s.operand(word) }
        }
        8 => {
            let (left, clamp) = (s.rng.flag(), s.rng.flag());
            Op::FunnelShift { left, clamp, low: s.operand(word), high: s.operand(word), amount: s.operand(word) }
        }
        _ => find_nth_set(s),
    };
    s.emit(op);
}

/// With a base below 32: others are undefined in PTX.
fn find_nth_set(s: &mut Straight) -> Op {
    let base = s.operand(Type::I32);
    let limit = s.builder.constant(Type::I32, 31);
    let base = s.builder.binary(BinaryOp::And, base, limit);
    Op::FindNthSet { a: s.operand(Type::I32), base, n: s.operand(Type::I32) }
}

/// A dot product.
pub(super) fn dot(s: &mut Straight) {
    let (a_signed, b_signed) = (s.rng.flag(), s.rng.flag());
    let (a, b, c) = (s.operand(Type::I32), s.operand(Type::I32), s.operand(Type::I32));
    let op = if s.rng.flag() {
        Op::DotProduct4 { a_signed, b_signed, a, b, c }
    } else {
        Op::DotProduct2 { a_signed, b_signed, high: s.rng.flag(), a, b, c }
    };
    s.emit(op);
}
