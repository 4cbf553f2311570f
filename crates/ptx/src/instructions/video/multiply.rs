//! `vmad` (PTX ISA 9.7.18): a product of two numbers and a third, moved right.

use simt_ir::{BinaryOp, IntCondition, Type, Value};

use super::super::Guarding;
use super::{Declaration, clamped, number, operand};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &[
        "vmad.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat?.SCALE{shr7 shr15}? =d:D, a:A^, b:B^, c:D",
        "vmad.D{u32 s32}.A{u32 s32}.B{u32 s32}.po.sat?.SCALE{shr7 shr15}? =d:D, a:A^, b:B^, c:D",
    ],
    guarding: Guarding::Select,
    lower: multiply_add,
}];

/// An operand without its sign, and whether there was one.
fn without_sign<'a>(i: &Checked<'a>, name: &str) -> Result<(&'a Operand, bool), Problem> {
    match operand(i, name)? {
        Operand::Negated(_) if i.has("po") => Problem::invalid("with .po no operand is negated"),
        Operand::Negated(inner) => Ok((&**inner, true)),
        operand => Ok((operand, false)),
    }
}

fn multiply_add(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a_signed, b_signed) = (i.ty("A").is_signed(), i.ty("B").is_signed());
    let ((a, minus_a), (b, minus_b), (c, minus_c)) =
        (without_sign(i, "a")?, without_sign(i, "b")?, without_sign(i, "c")?);
    let negated = minus_a != minus_b;
    if negated && minus_c {
        return Problem::invalid("either the product or the sum is negated");
    }
    let signed = a_signed || b_signed || negated || minus_c;
    let (a, b) = (number(cx, a, a_signed)?, number(cx, b, b_signed)?);
    let whole_product = cx.binary(BinaryOp::Mul, a, b);
    let c = cx.value(c, ScalarType::B32)?;
    // `-x` is `!x + 1`, before `c` is extended too.
    let (product, c) = if negated {
        (cx.not(whole_product), c)
    } else if minus_c {
        (whole_product, cx.not(c))
    } else {
        (whole_product, c)
    };
    let c = cx.resize(signed, Type::I64, c);
    let mut sum = cx.binary(BinaryOp::Add, product, c);
    if i.has("po") || negated || minus_c {
        sum = cx.binary_constant(BinaryOp::Add, sum, 1);
    }
    let scale = match i.slot("SCALE") {
        Some("shr7") => 7,
        Some(_) => 15,
        None => 0,
    };
    let result = cx.shift_right_by(signed, sum, scale);
    let result = match (i.has("sat"), signed) {
        (false, _) => result,
        (true, false) => cx.binary_constant(BinaryOp::MinUnsigned, result, 0xffff_ffff),
        (true, true) => {
            let clamped = clamped(cx, result, 32, true);
            // The product of two unsigned numbers may have all 64 bits, and no room for a sign.
            if a_signed || b_signed { clamped } else { beyond(cx, whole_product, negated, clamped) }
        }
    };
    let d = cx.resize(false, Type::I32, result);
    cx.write(i, "d", d)
}

/// The end of the range for a product that has its highest bit set, or else `result`.
fn beyond(cx: &mut Lowering<'_>, product: Value, negated: bool, result: Value) -> Value {
    let end = if negated { i64::from(i32::MIN) } else { i64::from(i32::MAX) };
    let (zero, end) = (cx.constant(Type::I64, 0), cx.constant(Type::I64, end.cast_unsigned()));
    let large = cx.compare(IntCondition::LtSigned, product, zero);
    cx.select(large, end, result)
}
