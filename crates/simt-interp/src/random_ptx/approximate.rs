//! The approximate instructions, on input words, so that a result is judged by the input that it was computed from.

use simt_ir::{FloatBinaryOp, FloatUnaryOp, Op, Rounding, Type, Value};

use super::text::{Class, INPUT_WORDS, Kernel, Register, list};
use crate::random::Check;

/// Instruction, operation, type; `.ftz` is put after `approx` where the third column says so.
const UNARY: [(&str, FloatUnaryOp, Type, Flush); 15] = [
    ("rcp.approx", FloatUnaryOp::RcpApprox, Type::F32, Flush::Optional),
    ("sqrt.approx", FloatUnaryOp::SqrtApprox, Type::F32, Flush::Optional),
    ("rsqrt.approx", FloatUnaryOp::RsqrtApprox, Type::F32, Flush::Optional),
    ("sin.approx", FloatUnaryOp::SinApprox, Type::F32, Flush::Optional),
    ("cos.approx", FloatUnaryOp::CosApprox, Type::F32, Flush::Optional),
    ("lg2.approx", FloatUnaryOp::Lg2Approx, Type::F32, Flush::Optional),
    ("ex2.approx", FloatUnaryOp::Ex2Approx, Type::F32, Flush::Optional),
    ("tanh.approx", FloatUnaryOp::TanhApprox, Type::F32, Flush::Never),
    ("rcp.approx", FloatUnaryOp::RcpApprox, Type::F64, Flush::Always),
    ("rsqrt.approx", FloatUnaryOp::RsqrtApprox, Type::F64, Flush::Optional),
    ("ex2.approx", FloatUnaryOp::Ex2Approx, Type::F16, Flush::Never),
    ("ex2.approx", FloatUnaryOp::Ex2Approx, Type::BF16, Flush::Always),
    ("tanh.approx", FloatUnaryOp::TanhApprox, Type::F16, Flush::Never),
    ("tanh.approx", FloatUnaryOp::TanhApprox, Type::BF16, Flush::Never),
    ("rcp.approx", FloatUnaryOp::RcpApprox, Type::F32, Flush::Always),
];

/// Whether an instruction has `.ftz`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flush {
    Never,
    Optional,
    Always,
}

/// One instruction.
pub(super) fn instruction(k: &mut Kernel) {
    if k.rng.one_in(6) {
        return divide(k);
    }
    let (name, op, ty, flush) = k.rng.pick(&UNARY);
    let flush = flush == Flush::Always || (flush == Flush::Optional && k.rng.flag());
    let operation = Op::FloatUnary { op, ty, rounding: Rounding::NearestEven, flush, saturate: false, a: Value(0) };
    let instruction = format!("{name}{}.{ty}", if flush { ".ftz" } else { "" });
    if matches!(ty, Type::F16 | Type::BF16) && k.rng.flag() {
        return packed(k, &format!("{instruction}x2"), operation);
    }
    let (place, a) = input(k, ty);
    let check = Check::Approximate { op: operation, operands: vec![place] };
    k.result_as(a.class, &instruction, &list([&a]), check);
}

fn divide(k: &mut Kernel) {
    let (name, op) = k.rng.pick(&[("div.approx", FloatBinaryOp::DivApprox), ("div.full", FloatBinaryOp::DivFull)]);
    let flush = k.rng.flag();
    let (rounding, saturate) = (Rounding::NearestEven, false);
    let operation = Op::FloatBinary { op, ty: Type::F32, rounding, flush, saturate, a: Value(0), b: Value(1) };
    let ((first, a), (second, b)) = (input(k, Type::F32), input(k, Type::F32));
    let check = Check::Approximate { op: operation, operands: vec![first, second] };
    let instruction = format!("{name}{}.f32", if flush { ".ftz" } else { "" });
    k.result_as(Class::F32, &instruction, &list([&a, &b]), check);
}

/// Two halves at once; each is an output of its own.
fn packed(k: &mut Kernel, instruction: &str, operation: Op) {
    let word = k.rng.below(INPUT_WORDS);
    let (a, result) = (k.register(Class::B32), k.register(Class::B32));
    let whole = k.input(word);
    k.line(format_args!("cvt.u32.u64 {a}, {whole}"));
    k.line(format_args!("{instruction} {result}, {a}"));
    let halves = [k.register(Class::B16), k.register(Class::B16)];
    k.line(format_args!("mov.b32 {{{}, {}}}, {result}", halves[0], halves[1]));
    for (half, shift) in halves.into_iter().zip([0, 16]) {
        k.output(half, Check::Approximate { op: operation.clone(), operands: vec![(word, shift)] });
    }
}

/// The low bits of a random input word as a float: where they are, and a register.
fn input(k: &mut Kernel, ty: Type) -> ((usize, u32), Register) {
    let word = k.rng.below(INPUT_WORDS);
    let whole = k.input(word);
    let register = match ty {
        Type::F64 => {
            let double = k.register(Class::F64);
            k.line(format_args!("mov.b64 {double}, {whole}"));
            double
        }
        Type::F32 => {
            let (bits, single) = (k.register(Class::B32), k.register(Class::F32));
            k.line(format_args!("cvt.u32.u64 {bits}, {whole}"));
            k.line(format_args!("mov.b32 {single}, {bits}"));
            single
        }
        _ => {
            let half = k.register(Class::B16);
            k.line(format_args!("cvt.u16.u64 {half}, {whole}"));
            half
        }
    };
    ((word, 0), register)
}
