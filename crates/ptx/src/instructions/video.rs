//! SIMD video instructions on two halves or four bytes (PTX ISA 9.7.18).
//!
//! Only whole words: the lane masks and selectors of the operands (`.h10`, `.b3210`) in other than their default order are
//! not read by the parser's operands and not implemented.

use simt_ir::{BinaryOp, IntCondition, Type, Value};

use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &[
        "vadd2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vadd2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vsub2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vsub2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vavrg2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vavrg2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vabsdiff2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vabsdiff2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vmin2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vmin2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vmax2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vmax2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vset2.A{u32 s32}.B{u32 s32}.CMP{eq ne lt le gt ge}.add? =d:b32, %a:b32, %b:b32, %c:b32",
        "vadd4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vadd4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vsub4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vsub4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vavrg4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vavrg4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vabsdiff4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vabsdiff4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vmin4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vmin4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vmax4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32, %a:b32, %b:b32, %c:b32",
        "vmax4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32, %a:b32, %b:b32, %c:b32",
        "vset4.A{u32 s32}.B{u32 s32}.CMP{eq ne lt le gt ge}.add? =d:b32, %a:b32, %b:b32, %c:b32",
    ],
    guarding: Guarding::Select,
    lower: video,
}];

/// Each lane is computed in 32 bits, one more than any operand needs; then saturated, and cut or summed.
fn video(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let opcode = i.resolved.source.opcode();
    let (operation, lanes) = opcode.split_at(opcode.len() - 1);
    let lanes: u32 = if lanes == "2" { 2 } else { 4 };
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let a = widened(cx, a, lanes, i.ty("A").is_signed());
    let b = widened(cx, b, lanes, i.ty("B").is_signed());
    let signed = i.slot("D") == Some("s32");
    let width = 32 / lanes;
    let mut results = Vec::new();
    for (a, b) in a.into_iter().zip(b) {
        let mut lane = lane_operation(cx, i, operation, a, b);
        if i.has("sat") {
            lane = saturated(cx, lane, width, signed);
        }
        results.push(lane);
    }
    let d = if i.has("add") {
        let mut sum = c;
        for lane in results {
            sum = cx.binary(BinaryOp::Add, sum, lane);
        }
        sum
    } else {
        let part = Type::int(width).unwrap_or(Type::I8);
        let parts: Vec<Value> = results.into_iter().map(|lane| cx.resize(false, part, lane)).collect();
        cx.pack(&parts)
    };
    cx.write(i, "d", d)
}

fn widened(cx: &mut Lowering<'_>, packed: Value, lanes: u32, signed: bool) -> Vec<Value> {
    let parts = cx.unpack(packed, lanes);
    parts.into_iter().map(|part| cx.resize(signed, Type::I32, part)).collect()
}

fn lane_operation(cx: &mut Lowering<'_>, i: &Checked<'_>, operation: &str, a: Value, b: Value) -> Value {
    match operation {
        "vadd" => cx.binary(BinaryOp::Add, a, b),
        "vsub" => cx.binary(BinaryOp::Sub, a, b),
        "vavrg" => {
            // Rounded up for positive sums, and away from zero for negative ones: (a + b + (a + b >= 0)) >> 1.
            let sum = cx.binary(BinaryOp::Add, a, b);
            let zero = cx.word(0);
            let not_negative = cx.compare(IntCondition::GeSigned, sum, zero);
            let bias = cx.resize(false, Type::I32, not_negative);
            let sum = cx.binary(BinaryOp::Add, sum, bias);
            cx.shift_right_by(true, sum, 1)
        }
        "vabsdiff" => {
            let difference = cx.binary(BinaryOp::Sub, a, b);
            cx.builder.unary(simt_ir::UnaryOp::Abs, difference)
        }
        "vmin" => cx.binary(BinaryOp::MinSigned, a, b),
        "vmax" => cx.binary(BinaryOp::MaxSigned, a, b),
        _ => {
            let condition = match i.slot("CMP") {
                Some("eq") => IntCondition::Eq,
                Some("ne") => IntCondition::Ne,
                Some("lt") => IntCondition::LtSigned,
                Some("le") => IntCondition::LeSigned,
                Some("gt") => IntCondition::GtSigned,
                _ => IntCondition::GeSigned,
            };
            let result = cx.compare(condition, a, b);
            cx.resize(false, Type::I32, result)
        }
    }
}

fn saturated(cx: &mut Lowering<'_>, lane: Value, width: u32, signed: bool) -> Value {
    let (low, high) = if signed { (-1i64 << (width - 1), (1i64 << (width - 1)) - 1) } else { (0, (1i64 << width) - 1) };
    let lane = cx.binary_constant(BinaryOp::MaxSigned, lane, low.cast_unsigned());
    cx.binary_constant(BinaryOp::MinSigned, lane, high.cast_unsigned())
}
