//! Bits of integers: counting, finding, fields (PTX ISA 9.7.1.12 to 9.7.1.22).

use simt_ir::{BinaryOp, IntCondition, Op, Type, UnaryOp, Value};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &["popc.T{b32 b64} =d:u32, a:T", "clz.T{b32 b64} =d:u32, a:T", "brev.T{b32 b64} =d:T, a:T"],
        guarding: Guarding::Select,
        lower: unary,
    },
    Declaration {
        forms: &["bfind.shiftamt?.T{u32 u64 s32 s64} =d:u32, a:T"],
        guarding: Guarding::Select,
        lower: bfind,
    },
    Declaration { forms: &["fns.b32 =d:b32, a:b32, b:b32, c:s32 @6.0 sm_30"], guarding: Guarding::Select, lower: fns },
    Declaration { forms: &["bfe.T{u32 u64 s32 s64} =d:T, a:T, b:u32, c:u32"], guarding: Guarding::Select, lower: bfe },
    Declaration { forms: &["bfi.T{b32 b64} =d:T, a:T, b:T, c:u32, e:u32"], guarding: Guarding::Select, lower: bfi },
    Declaration {
        forms: &["szext.MODE{clamp wrap}.T{u32 s32} =d:T, a:T, b:u32 @7.6 sm_70"],
        guarding: Guarding::Select,
        lower: szext,
    },
    Declaration {
        forms: &["bmsk.MODE{clamp wrap}.b32 =d:b32, a:b32, b:b32 @7.6 sm_70"],
        guarding: Guarding::Select,
        lower: bmsk,
    },
];

fn unary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let op = match i.resolved.source.opcode() {
        "popc" => UnaryOp::PopCount,
        "clz" => UnaryOp::CountLeadingZeros,
        _ => UnaryOp::ReverseBits,
    };
    let d = cx.builder.unary(op, a);
    cx.write(i, "d", d)
}

/// With `.shiftamt`, how far to shift left to bring the found bit to the top: the width less one less the position.
fn bfind(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let a = cx.source(i, "a")?;
    let op = if ty.is_signed() { UnaryOp::FindMsbSigned } else { UnaryOp::FindMsbUnsigned };
    let mut d = cx.builder.unary(op, a);
    if i.has("shiftamt") {
        let (none, top) = (cx.word(u32::MAX), cx.word(ty.bits() - 1));
        let found = cx.compare(IntCondition::Ne, d, none);
        let amount = cx.binary(BinaryOp::Sub, top, d);
        d = cx.select(found, amount, none);
    }
    cx.write(i, "d", d)
}

fn fns(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, base, n) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let d = cx.builder.push1(Op::FindNthSet { a, base, n });
    cx.write(i, "d", d)
}

fn bfe(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let (a, position, length) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let (signed, ty) = (ty.is_signed(), crate::lowering::ir_type(ty));
    let d = cx.builder.push1(Op::BitFieldExtract { ty, signed, a, position, length });
    cx.write(i, "d", d)
}

fn bfi(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = crate::lowering::ir_type(i.ty("T"));
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let (position, length) = (cx.source(i, "c")?, cx.source(i, "e")?);
    let d = cx.builder.push1(Op::BitFieldInsert { ty, a, b, position, length });
    cx.write(i, "d", d)
}

/// A bit count: `.clamp` keeps numbers above 32 at 32, `.wrap` takes them modulo 32.
fn bounded(cx: &mut Lowering<'_>, i: &Checked<'_>, value: Value) -> Value {
    if i.has("clamp") {
        cx.binary_constant(BinaryOp::MinUnsigned, value, 32)
    } else {
        cx.binary_constant(BinaryOp::And, value, 31)
    }
}

/// The low `b` bits of `a`, extended.
fn szext(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let signed = i.ty("T") == ScalarType::S32;
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let length = bounded(cx, i, b);
    let position = cx.word(0);
    let d = cx.builder.push1(Op::BitFieldExtract { ty: Type::I32, signed, a, position, length });
    cx.write(i, "d", d)
}

/// `b` ones from bit `a` on.
fn bmsk(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let (start, length) = (bounded(cx, i, a), bounded(cx, i, b));
    // (1 << length) - 1: a shift by 32 gives 0, and 0 - 1 all ones.
    let one = cx.word(1);
    let ones = cx.binary(BinaryOp::Shl, one, length);
    let ones = cx.binary_constant(BinaryOp::Sub, ones, 1);
    let d = cx.binary(BinaryOp::Shl, ones, start);
    cx.write(i, "d", d)
}
