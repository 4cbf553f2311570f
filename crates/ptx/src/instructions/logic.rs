//! Logic and shifts (PTX ISA 9.7.8) and byte permutation (9.7.9.7).

use simt_ir::{BinaryOp, Op, PermuteMode, Type};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "and.T{pred b16 b32 b64} =d:T, a:T, b:T",
            "or.T{pred b16 b32 b64} =d:T, a:T, b:T",
            "xor.T{pred b16 b32 b64} =d:T, a:T, b:T",
        ],
        guarding: Guarding::Select,
        lower: binary,
    },
    Declaration {
        forms: &["not.T{pred b16 b32 b64} =d:T, a:T", "cnot.T{b16 b32 b64} =d:T, a:T"],
        guarding: Guarding::Select,
        lower: not,
    },
    Declaration {
        forms: &[
            "lop3.b32 =d:b32, a:b32, b:b32, c:b32, #table:b32 @4.3 sm_50",
            "lop3.BOOL{or and}.b32 =d:b32|=p:pred, a:b32, b:b32, c:b32, #table:b32, q:pred @8.2 sm_70",
        ],
        guarding: Guarding::Select,
        lower: lop3,
    },
    Declaration {
        forms: &["shl.T{b16 b32 b64} =d:T, a:T, b:u32", "shr.T{b16 b32 b64 u16 u32 u64 s16 s32 s64} =d:T, a:T, b:u32"],
        guarding: Guarding::Select,
        lower: shift,
    },
    Declaration {
        forms: &["shf.SIDE{l r}.MODE{clamp wrap}.b32 =d:b32, a:b32, b:b32, c:u32 @3.2 sm_32"],
        guarding: Guarding::Select,
        lower: funnel_shift,
    },
    Declaration {
        forms: &["prmt.b32.MODE{f4e b4e rc8 ecl ecr rc16}? =d:b32, a:b32, b:b32, c:b32"],
        guarding: Guarding::Select,
        lower: permute,
    },
];

fn binary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = match i.resolved.source.opcode() {
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        _ => BinaryOp::Xor,
    };
    let d = cx.binary(op, a, b);
    cx.write(i, "d", d)
}

/// `cnot` is 1 for 0 and 0 for everything else.
fn not(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let d = if i.resolved.source.opcode() == "not" {
        cx.not(a)
    } else {
        let zero = cx.is_zero(a);
        cx.resize(false, cx.ty(a), zero)
    };
    cx.write(i, "d", d)
}

fn lop3(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let table = match i.operand("table") {
        Some(Operand::Immediate(value)) => value.as_bits().map(|bits| bits as u8),
        _ => None,
    };
    let Some(table) = table else {
        return Problem::invalid("the truth table is an integer");
    };
    let d = cx.builder.push1(Op::Lop3 { a, b, c, table });
    if let Some(combine) = i.slot("BOOL") {
        let q = cx.source_as(i, "q", ScalarType::Pred)?;
        let zero = cx.is_zero(d);
        let not_zero = cx.not(zero);
        let op = if combine == "or" { BinaryOp::Or } else { BinaryOp::And };
        let p = cx.binary(op, not_zero, q);
        cx.write(i, "p", p)?;
    }
    cx.write(i, "d", d)
}

fn shift(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = match (i.resolved.source.opcode(), i.ty("T").is_signed()) {
        ("shl", _) => BinaryOp::Shl,
        (_, true) => BinaryOp::ShrSigned,
        (_, false) => BinaryOp::ShrUnsigned,
    };
    let d = cx.binary(op, a, b);
    cx.write(i, "d", d)
}

fn funnel_shift(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (low, high, amount) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let (left, clamp) = (i.has("l"), i.has("clamp"));
    let d = cx.builder.push1(Op::FunnelShift { left, clamp, low, high, amount });
    cx.write(i, "d", d)
}

fn permute(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, selector) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let mode = match i.slot("MODE") {
        Some("f4e") => PermuteMode::ForwardFour,
        Some("b4e") => PermuteMode::BackwardFour,
        Some("rc8") => PermuteMode::ReplicateByte,
        Some("ecl") => PermuteMode::EdgeClampLeft,
        Some("ecr") => PermuteMode::EdgeClampRight,
        Some("rc16") => PermuteMode::ReplicateHalf,
        _ => PermuteMode::Generic,
    };
    let d = cx.builder.push1(Op::Permute { mode, a, b, selector });
    debug_assert_eq!(cx.ty(d), Type::I32, "bytes of a word");
    cx.write(i, "d", d)
}
