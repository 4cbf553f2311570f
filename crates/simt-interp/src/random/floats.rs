//! Float arithmetic, comparisons, conversions, approximate operations.

use simt_ir::number::variants::{FLOAT_CONDITIONS, FLOAT_UNARY_OPS, INT_CONDITIONS};
use simt_ir::{FloatBinaryOp, FloatUnaryOp, Op, Rounding, Type};

use super::Check;
use super::straight::Straight;

const INTEGERS: [Type; 4] = [Type::I8, Type::I16, Type::I32, Type::I64];
const FLOATS: [Type; 4] = [Type::F16, Type::BF16, Type::F32, Type::F64];
const DIRECTED: [Rounding; 4] =
    [Rounding::NearestEven, Rounding::TowardZero, Rounding::TowardNegative, Rounding::TowardPositive];
const EXTREMES: [FloatBinaryOp; 4] =
    [FloatBinaryOp::Min, FloatBinaryOp::Max, FloatBinaryOp::MinNan, FloatBinaryOp::MaxNan];

/// An exact operation on f32 or f64.
pub(super) fn arithmetic(s: &mut Straight, ty: Type) {
    let rounding = s.rng.pick(&DIRECTED);
    let flush = ty == Type::F32 && s.rng.one_in(3);
    let saturate = ty == Type::F32 && s.rng.one_in(4);
    let op = match s.rng.below(8) {
        0..3 => {
            let op = s.rng.pick(&[FloatBinaryOp::Add, FloatBinaryOp::Sub, FloatBinaryOp::Mul]);
            Op::FloatBinary { op, ty, rounding, flush, saturate, a: s.operand(ty), b: s.operand(ty) }
        }
        3 => {
            let (a, b) = (s.operand(ty), s.operand(ty));
            Op::FloatBinary { op: FloatBinaryOp::Div, ty, rounding, flush, saturate: false, a, b }
        }
        4 => {
            let op = s.rng.pick(&EXTREMES);
            Op::FloatBinary { op, ty, rounding, flush, saturate: false, a: s.operand(ty), b: s.operand(ty) }
        }
        5 => {
            let op = s.rng.pick(&[
                FloatUnaryOp::Neg,
                FloatUnaryOp::Abs,
                FloatUnaryOp::Sqrt,
                FloatUnaryOp::Rcp,
                FloatUnaryOp::RoundToIntegral,
            ]);
            Op::FloatUnary { op, ty, rounding, flush, saturate: false, a: s.operand(ty) }
        }
        _ => {
            let (a, b, c) = (s.operand(ty), s.operand(ty), s.operand(ty));
            Op::Fma { ty, rounding, flush, saturate, relu: false, a, b, c }
        }
    };
    s.emit(op);
}

/// An exact operation on f16 or bf16: these round to nearest only.
pub(super) fn half(s: &mut Straight) {
    let ty = s.rng.pick(&[Type::F16, Type::BF16]);
    let rounding = Rounding::NearestEven;
    let flush = ty == Type::F16 && s.rng.one_in(3);
    let saturate = ty == Type::F16 && s.rng.one_in(4);
    let op = match s.rng.below(6) {
        0 | 1 => {
            let op = s.rng.pick(&[FloatBinaryOp::Add, FloatBinaryOp::Sub, FloatBinaryOp::Mul]);
            Op::FloatBinary { op, ty, rounding, flush, saturate, a: s.operand(ty), b: s.operand(ty) }
        }
        2 => {
            let op = s.rng.pick(&EXTREMES);
            Op::FloatBinary { op, ty, rounding, flush, saturate: false, a: s.operand(ty), b: s.operand(ty) }
        }
        3 => {
            let op = s.rng.pick(&[FloatUnaryOp::Neg, FloatUnaryOp::Abs]);
            Op::FloatUnary { op, ty, rounding, flush, saturate: false, a: s.operand(ty) }
        }
        _ => {
            let relu = !saturate && s.rng.one_in(3);
            let (a, b, c) = (s.operand(ty), s.operand(ty), s.operand(ty));
            Op::Fma { ty, rounding, flush, saturate, relu, a, b, c }
        }
    };
    s.emit(op);
}

/// A comparison or a selection.
pub(super) fn compare(s: &mut Straight) {
    let op = match s.rng.below(3) {
        0 => {
            let ty = s.rng.pick(&INTEGERS);
            let condition = s.rng.pick(INT_CONDITIONS);
            Op::IntCompare { condition, ty, a: s.operand(ty), b: s.operand(ty) }
        }
        1 => {
            let ty = s.rng.pick(&FLOATS);
            let condition = s.rng.pick(FLOAT_CONDITIONS);
            let flush = matches!(ty, Type::F32 | Type::F16) && s.rng.one_in(3);
            Op::FloatCompare { condition, ty, flush, a: s.operand(ty), b: s.operand(ty) }
        }
        _ => {
            let ty =
                s.rng.pick(&[Type::I1, Type::I8, Type::I16, Type::I32, Type::I64, Type::I128, Type::F32, Type::F64]);
            Op::Select { ty, condition: s.operand(Type::I1), a: s.operand(ty), b: s.operand(ty) }
        }
    };
    s.emit(op);
}

/// A conversion that PTX has.
pub(super) fn convert(s: &mut Straight) {
    let op = match s.rng.below(5) {
        0 => {
            let (from, to) = (s.rng.pick(&INTEGERS), s.rng.pick(&FLOATS));
            Op::IntToFloat { signed: s.rng.flag(), rounding: s.rng.pick(&DIRECTED), from, to, a: s.operand(from) }
        }
        1 => {
            let (from, to) = (s.rng.pick(&FLOATS), s.rng.pick(&INTEGERS));
            let (signed, rounding) = (s.rng.flag(), s.rng.pick(&DIRECTED));
            let flush = from == Type::F32 && s.rng.one_in(3);
            Op::FloatToInt { signed, rounding, flush, from, to, a: s.operand(from) }
        }
        2 => {
            let ty = s.rng.pick(&[Type::F16, Type::F32, Type::F64]);
            let (rounding, flush) = (s.rng.pick(&DIRECTED), ty == Type::F32 && s.rng.one_in(3));
            let op = FloatUnaryOp::RoundToIntegral;
            Op::FloatUnary { op, ty, rounding, flush, saturate: s.rng.one_in(4), a: s.operand(ty) }
        }
        3 => {
            let (from, to) = s.rng.pick(&[(Type::F32, Type::I32), (Type::I64, Type::F64), (Type::F16, Type::I16)]);
            Op::Bitcast { from, to, a: s.operand(from) }
        }
        _ => float_to_float(s),
    };
    s.emit(op);
}

fn float_to_float(s: &mut Straight) -> Op {
    let (from, to) = (s.rng.pick(&FLOATS), s.rng.pick(&FLOATS));
    let rounding = if from == to { Rounding::NearestEven } else { s.rng.pick(&DIRECTED) };
    let flush = (from == Type::F32 || to == Type::F32) && s.rng.one_in(3);
    let saturate = s.rng.one_in(4);
    let relu = !saturate && matches!(to, Type::F16 | Type::BF16) && s.rng.one_in(3);
    Op::FloatToFloat { rounding, flush, saturate, relu, from, to, a: s.operand(from) }
}

/// An approximate operation on input words, so that a result is judged by the input that it was computed from.
pub(super) fn approximate(s: &mut Straight) {
    let op = loop {
        let op = s.rng.pick(FLOAT_UNARY_OPS);
        if op.is_approximate() {
            break op;
        }
    };
    let ty = match op {
        FloatUnaryOp::Ex2Approx | FloatUnaryOp::TanhApprox => s.rng.pick(&[Type::F32, Type::F16, Type::BF16]),
        _ => Type::F32,
    };
    let flush = ty == Type::F32 && s.rng.one_in(3);
    let (rounding, saturate) = (Rounding::NearestEven, false);
    let (first, a) = input(s, ty);
    if s.rng.one_in(5) {
        let (second, b) = input(s, Type::F32);
        let (first, a) = if ty == Type::F32 { (first, a) } else { input(s, Type::F32) };
        let op = s.rng.pick(&[FloatBinaryOp::DivApprox, FloatBinaryOp::DivFull]);
        let op = Op::FloatBinary { op, ty: Type::F32, rounding, flush, saturate, a, b };
        let value = s.builder.push1(op.clone());
        s.output_as(value, Check::Approximate { op, operands: vec![first, second] });
        return;
    }
    let op = Op::FloatUnary { op, ty, rounding, flush, saturate, a };
    let value = s.builder.push1(op.clone());
    s.output_as(value, Check::Approximate { op, operands: vec![first] });
}

/// A random input word's low bits as a float: where they are, and the value.
fn input(s: &mut Straight, ty: Type) -> ((usize, u32), simt_ir::Value) {
    let word = s.rng.below(s.inputs.len());
    let integer = s.builder.resize(false, ty.to_int(), s.inputs[word]);
    ((word, 0), s.builder.bitcast(ty, integer))
}
