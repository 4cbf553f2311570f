//! Integer arithmetic (PTX ISA 9.7.1).

use simt_ir::{BinaryOp, IntCondition, Op, Type, UnaryOp, Value};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "add.T{u16 u32 u64 s16 s64} =d:T, a:T, b:T",
            "add.sat?.s32 =d:s32, a:s32, b:s32",
            "sub.T{u16 u32 u64 s16 s64} =d:T, a:T, b:T",
            "sub.sat?.s32 =d:s32, a:s32, b:s32",
        ],
        guarding: Guarding::Select,
        lower: add_sub,
    },
    Declaration {
        forms: &[
            "add.T{u16x2 s16x2} =d:T, a:T, b:T @8.0 sm_90",
            "min.T{u16x2 s16x2} =d:T, a:T, b:T @8.0 sm_90",
            "min.relu.T{s16x2} =d:T, a:T, b:T @8.0 sm_90",
            "max.T{u16x2 s16x2} =d:T, a:T, b:T @8.0 sm_90",
            "max.relu.T{s16x2} =d:T, a:T, b:T @8.0 sm_90",
        ],
        guarding: Guarding::Select,
        lower: packed,
    },
    Declaration {
        forms: &[
            "mul.MODE{lo hi}.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T",
            "mul.MODE{wide}.T{u16 u32 s16 s32} =d:2T, a:T, b:T",
            "mul24.MODE{lo hi}.T{u32 s32} =d:T, a:T, b:T",
        ],
        guarding: Guarding::Select,
        lower: mul,
    },
    Declaration {
        forms: &[
            "mad.MODE{lo hi}.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T, c:T",
            "mad.MODE{wide}.T{u16 u32 s16 s32} =d:2T, a:T, b:T, c:2T",
            "mad.MODE{hi}.sat.T{s32} =d:T, a:T, b:T, c:T",
            "mad24.MODE{lo hi}.T{u32 s32} =d:T, a:T, b:T, c:T",
            "mad24.MODE{hi}.sat.T{s32} =d:T, a:T, b:T, c:T",
        ],
        guarding: Guarding::Select,
        lower: mad,
    },
    Declaration {
        forms: &[
            "div.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T",
            "rem.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T",
            "min.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T",
            "min.relu.T{s32} =d:T, a:T, b:T @8.0 sm_90",
            "max.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T",
            "max.relu.T{s32} =d:T, a:T, b:T @8.0 sm_90",
        ],
        guarding: Guarding::Select,
        lower: two_operands,
    },
    Declaration {
        forms: &["abs.T{s16 s32 s64} =d:T, a:T", "neg.T{s16 s32 s64} =d:T, a:T"],
        guarding: Guarding::Select,
        lower: one_operand,
    },
    Declaration {
        forms: &["sad.T{u16 u32 u64 s16 s32 s64} =d:T, a:T, b:T, c:T"],
        guarding: Guarding::Select,
        lower: sad,
    },
    Declaration {
        forms: &[
            "dp4a.AT{u32 s32}.BT{u32 s32} =d:b32, a:b32, b:b32, c:b32 @5.0 sm_61",
            "dp2a.HALF{lo hi}.AT{u32 s32}.BT{u32 s32} =d:b32, a:b32, b:b32, c:b32 @5.0 sm_61",
        ],
        guarding: Guarding::Select,
        lower: dot_product,
    },
];

fn add_sub(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = match (opcode(i), i.has("sat")) {
        ("add", false) => BinaryOp::Add,
        ("add", true) => BinaryOp::AddSaturateSigned,
        (_, false) => BinaryOp::Sub,
        (_, true) => BinaryOp::SubSaturateSigned,
    };
    let d = cx.binary(op, a, b);
    cx.write(i, "d", d)
}

fn opcode<'a>(i: &Checked<'a>) -> &'a str {
    i.resolved.source.opcode()
}

/// On each half of a word.
fn packed(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = match (opcode(i), i.ty("T").is_signed()) {
        ("min", true) => BinaryOp::MinSigned,
        ("min", false) => BinaryOp::MinUnsigned,
        ("max", true) => BinaryOp::MaxSigned,
        ("max", false) => BinaryOp::MaxUnsigned,
        _ => BinaryOp::Add,
    };
    let mut d = cx.builder.push1(Op::Halves { op, a, b });
    if i.has("relu") {
        let zero = cx.builder.constant(Type::I32, 0);
        d = cx.builder.push1(Op::Halves { op: BinaryOp::MaxSigned, a: d, b: zero });
    }
    cx.write(i, "d", d)
}

/// Negative integers become 0.
fn relu(cx: &mut Lowering<'_>, a: Value) -> Value {
    cx.binary_constant(BinaryOp::MaxSigned, a, 0)
}

/// The product of two integers as `.lo`, `.hi`, `.wide`, or of their low 24 bits (`mul24`).
fn product(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<Value, Problem> {
    let ty = i.ty("T");
    let signed = ty.is_signed();
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    if opcode(i).ends_with("24") {
        return Ok(product24(cx, i.has("hi"), signed, a, b));
    }
    Ok(match (i.slot("MODE"), signed) {
        (Some("hi"), true) => cx.binary(BinaryOp::MulHighSigned, a, b),
        (Some("hi"), false) => cx.binary(BinaryOp::MulHighUnsigned, a, b),
        (Some("wide"), _) => {
            let wide = Type::int(ty.bits() * 2).unwrap_or(Type::I64);
            let (a, b) = (cx.resize(signed, wide, a), cx.resize(signed, wide, b));
            cx.binary(BinaryOp::Mul, a, b)
        }
        _ => cx.binary(BinaryOp::Mul, a, b),
    })
}

/// Bits 31..0 (`lo`) or 47..16 (`hi`) of the 48-bit product of the low 24 bits.
fn product24(cx: &mut Lowering<'_>, high: bool, signed: bool, a: Value, b: Value) -> Value {
    let [a, b] = [a, b].map(|value| {
        let top = cx.shift_left_by(value, 8);
        cx.shift_right_by(signed, top, 8)
    });
    if !high {
        return cx.binary(BinaryOp::Mul, a, b);
    }
    let (a, b) = (cx.resize(signed, Type::I64, a), cx.resize(signed, Type::I64, b));
    let product = cx.binary(BinaryOp::Mul, a, b);
    let product = cx.shift_right_by(signed, product, 16);
    cx.resize(false, Type::I32, product)
}

fn mul(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let d = product(cx, i)?;
    cx.write(i, "d", d)
}

fn mad(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let product = product(cx, i)?;
    let c = cx.source(i, "c")?;
    let op = if i.has("sat") { BinaryOp::AddSaturateSigned } else { BinaryOp::Add };
    let d = cx.binary(op, product, c);
    cx.write(i, "d", d)
}

fn two_operands(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = match (opcode(i), i.ty("T").is_signed()) {
        ("div", true) => BinaryOp::DivSigned,
        ("div", false) => BinaryOp::DivUnsigned,
        ("rem", true) => BinaryOp::RemSigned,
        ("rem", false) => BinaryOp::RemUnsigned,
        ("min", true) => BinaryOp::MinSigned,
        ("min", false) => BinaryOp::MinUnsigned,
        (_, true) => BinaryOp::MaxSigned,
        (_, false) => BinaryOp::MaxUnsigned,
    };
    let mut d = cx.binary(op, a, b);
    if i.has("relu") {
        d = relu(cx, d);
    }
    cx.write(i, "d", d)
}

fn one_operand(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let op = if opcode(i) == "abs" { UnaryOp::Abs } else { UnaryOp::Neg };
    let d = cx.builder.unary(op, a);
    cx.write(i, "d", d)
}

/// `c + |a - b|`.
fn sad(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let condition = if i.ty("T").is_signed() { IntCondition::LtSigned } else { IntCondition::LtUnsigned };
    let less = cx.compare(condition, a, b);
    let (up, down) = (cx.binary(BinaryOp::Sub, b, a), cx.binary(BinaryOp::Sub, a, b));
    let difference = cx.select(less, up, down);
    let d = cx.binary(BinaryOp::Add, c, difference);
    cx.write(i, "d", d)
}

fn dot_product(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let (a_signed, b_signed) = (i.ty("AT") == ScalarType::S32, i.ty("BT") == ScalarType::S32);
    let op = match i.slot("HALF") {
        None => simt_ir::Op::DotProduct4 { a_signed, b_signed, a, b, c },
        Some(half) => simt_ir::Op::DotProduct2 { a_signed, b_signed, high: half == "hi", a, b, c },
    };
    let d = cx.builder.push1(op);
    cx.write(i, "d", d)
}
