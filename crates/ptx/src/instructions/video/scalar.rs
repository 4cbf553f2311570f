//! Scalar video instructions but for `vmad` (PTX ISA 9.7.18): an operation on two numbers, then saturation, then a second
//! operation with a third number, or a merge into it.

use simt_ir::{BinaryOp, IntCondition, Type, UnaryOp, Value};

use super::super::Guarding;
use super::{Declaration, clamped, condition, number, operand, part, write};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "vadd.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:D^, a:A^, b:B^, c:D?",
            "vadd.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat?.OP{add min max} =d:D, a:A^, b:B^, c:D",
            "vsub.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:D^, a:A^, b:B^, c:D?",
            "vsub.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat?.OP{add min max} =d:D, a:A^, b:B^, c:D",
            "vabsdiff.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:D^, a:A^, b:B^, c:D?",
            "vabsdiff.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat?.OP{add min max} =d:D, a:A^, b:B^, c:D",
            "vmin.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:D^, a:A^, b:B^, c:D?",
            "vmin.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat?.OP{add min max} =d:D, a:A^, b:B^, c:D",
            "vmax.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:D^, a:A^, b:B^, c:D?",
            "vmax.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat?.OP{add min max} =d:D, a:A^, b:B^, c:D",
        ],
        guarding: Guarding::Select,
        lower: arithmetic,
    },
    Declaration {
        forms: &[
            "vshl.D{u32 s32}.A{u32 s32}.u32.sat?.MODE{clamp wrap} =d:D^, a:A^, b:u32^, c:D?",
            "vshl.D{u32 s32}.A{u32 s32}.u32.sat?.MODE{clamp wrap}.OP{add min max} =d:D, a:A^, b:u32^, c:D",
            "vshr.D{u32 s32}.A{u32 s32}.u32.sat?.MODE{clamp wrap} =d:D^, a:A^, b:u32^, c:D?",
            "vshr.D{u32 s32}.A{u32 s32}.u32.sat?.MODE{clamp wrap}.OP{add min max} =d:D, a:A^, b:u32^, c:D",
        ],
        guarding: Guarding::Select,
        lower: shift,
    },
    Declaration {
        forms: &[
            "vset.A{u32 s32}.B{u32 s32}.CMP{eq ne lt le gt ge} =d:u32^, a:A^, b:B^, c:u32?",
            "vset.A{u32 s32}.B{u32 s32}.CMP{eq ne lt le gt ge}.OP{add min max} =d:u32, a:A^, b:B^, c:u32",
        ],
        guarding: Guarding::Select,
        lower: set,
    },
];

fn arithmetic(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = number(cx, operand(i, "a")?, i.ty("A").is_signed())?;
    let b = number(cx, operand(i, "b")?, i.ty("B").is_signed())?;
    let result = match i.resolved.source.opcode() {
        "vadd" => cx.binary(BinaryOp::Add, a, b),
        "vsub" => cx.binary(BinaryOp::Sub, a, b),
        "vabsdiff" => {
            let difference = cx.binary(BinaryOp::Sub, a, b);
            cx.builder.unary(UnaryOp::Abs, difference)
        }
        "vmin" => cx.binary(BinaryOp::MinSigned, a, b),
        _ => cx.binary(BinaryOp::MaxSigned, a, b),
    };
    finish(cx, i, result, i.ty("D").is_signed())
}

fn shift(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let signed = i.ty("A").is_signed();
    let a = number(cx, operand(i, "a")?, signed)?;
    let b = number(cx, operand(i, "b")?, false)?;
    let b = cx.resize(false, Type::I32, b);
    let amount = if i.has("clamp") {
        cx.binary_constant(BinaryOp::MinUnsigned, b, 32)
    } else {
        cx.binary_constant(BinaryOp::And, b, 31)
    };
    let result = if i.resolved.source.opcode() == "vshl" {
        let shifted = cx.binary(BinaryOp::Shl, a, amount);
        // An unsigned number with its highest bit set, moved by 32, leaves no room for a sign: any number as large will do.
        if signed { shifted } else { not_negative(cx, shifted) }
    } else {
        cx.binary(BinaryOp::ShrSigned, a, amount)
    };
    finish(cx, i, result, i.ty("D").is_signed())
}

/// A number of 64 bits that is not less than 0: too large ones become 2^62, which has the same low bits.
fn not_negative(cx: &mut Lowering<'_>, value: Value) -> Value {
    let (zero, large) = (cx.constant(Type::I64, 0), cx.constant(Type::I64, 1 << 62));
    let is_negative = cx.compare(IntCondition::LtSigned, value, zero);
    cx.select(is_negative, large, value)
}

fn set(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = number(cx, operand(i, "a")?, i.ty("A").is_signed())?;
    let b = number(cx, operand(i, "b")?, i.ty("B").is_signed())?;
    let truth = cx.compare(condition(i), a, b);
    let result = cx.resize(false, Type::I64, truth);
    finish(cx, i, result, false)
}

/// What follows the operation: saturation to the destination or its part, and what the third number is for.
fn finish(cx: &mut Lowering<'_>, i: &Checked<'_>, result: Value, signed: bool) -> Result<(), Problem> {
    let place = part(operand(i, "d")?)?;
    if place.is_some() && i.operand("c").is_none() {
        return Problem::invalid("a result that is a part of a register is merged into a fourth operand");
    }
    let result = if i.has("sat") { clamped(cx, result, place.map_or(32, |(_, width)| width), signed) } else { result };
    let d = match (i.slot("OP"), place) {
        (None, None) => cx.resize(false, Type::I32, result),
        (None, Some(place)) => {
            let c = cx.source(i, "c")?;
            merged(cx, place, result, c)
        }
        (Some(op), _) => {
            let c = number(cx, operand(i, "c")?, signed)?;
            let op = match op {
                "add" => BinaryOp::Add,
                "min" => BinaryOp::MinSigned,
                _ => BinaryOp::MaxSigned,
            };
            let d = cx.binary(op, result, c);
            cx.resize(false, Type::I32, d)
        }
    };
    write(cx, i, d)
}

/// `c` with the bits of one place replaced by the low bits of `value`.
fn merged(cx: &mut Lowering<'_>, (start, width): (u32, u32), value: Value, c: Value) -> Value {
    let mask = ((1u64 << width) - 1) << start;
    let value = cx.resize(false, Type::I32, value);
    let value = cx.shift_left_by(value, start);
    let value = cx.binary_constant(BinaryOp::And, value, mask);
    let rest = cx.binary_constant(BinaryOp::And, c, !mask);
    cx.binary(BinaryOp::Or, value, rest)
}
