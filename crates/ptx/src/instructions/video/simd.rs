//! SIMD video instructions on two halves or four bytes (PTX ISA 9.7.18).

use simt_ir::{BinaryOp, IntCondition, Type, UnaryOp, Value};

use super::super::Guarding;
use super::{Declaration, clamped, condition, operand, split, write};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &[
        "vadd2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vadd2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vsub2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vsub2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vavrg2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vavrg2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vabsdiff2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vabsdiff2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmin2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmin2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmax2.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmax2.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vset2.A{u32 s32}.B{u32 s32}.CMP{eq ne lt le gt ge}.add? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vadd4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vadd4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vsub4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vsub4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vavrg4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vavrg4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vabsdiff4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vabsdiff4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmin4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmin4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmax4.D{u32 s32}.A{u32 s32}.B{u32 s32}.sat? =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vmax4.D{u32 s32}.A{u32 s32}.B{u32 s32}.add =d:b32^, %a:b32^, %b:b32^, %c:b32",
        "vset4.A{u32 s32}.B{u32 s32}.CMP{eq ne lt le gt ge}.add? =d:b32^, %a:b32^, %b:b32^, %c:b32",
    ],
    guarding: Guarding::Select,
    lower: video,
}];

/// Each lane is computed in 32 bits, one more than any operand needs; then saturated, and summed or put in its place in `c`.
fn video(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let opcode = i.resolved.source.opcode();
    let (operation, lanes) = opcode.split_at(opcode.len() - 1);
    let lanes: u32 = if lanes == "2" { 2 } else { 4 };
    let written = written_lanes(i, lanes)?;
    let (a, b) = operands(cx, i, lanes)?;
    let c = cx.source(i, "c")?;
    let signed = i.slot("D") == Some("s32");
    let width = 32 / lanes;
    let mut results = Vec::new();
    for (a, b) in a.into_iter().zip(b) {
        let lane = lane_operation(cx, i, operation, a, b);
        results.push(if i.has("sat") { clamped(cx, lane, width, signed) } else { lane });
    }
    let d = if i.has("add") {
        let mut sum = c;
        for (lane, _) in results.into_iter().zip(written).filter(|(_, written)| *written) {
            sum = cx.binary(BinaryOp::Add, sum, lane);
        }
        sum
    } else {
        let part = Type::int(width).unwrap_or(Type::I8);
        let kept = if written.contains(&false) { cx.unpack(c, lanes) } else { Vec::new() };
        let mut parts = Vec::new();
        for (index, (lane, written)) in results.into_iter().zip(written).enumerate() {
            parts.push(if written { cx.resize(false, part, lane) } else { kept[index] });
        }
        cx.pack(&parts)
    };
    write(cx, i, d)
}

/// Which lanes the destination's mask names; all without one.
fn written_lanes(i: &Checked<'_>, lanes: u32) -> Result<Vec<bool>, Problem> {
    let Some(mask) = split(operand(i, "d")?).1 else { return Ok(vec![true; lanes as usize]) };
    let parts = mask.parts();
    let rises = parts.is_sorted_by(|low, high| low < high);
    if mask.width != 32 / lanes || !rises || parts.iter().any(|part| u32::from(*part) >= lanes) {
        return Problem::invalid("the mask names lanes of the result, the highest first");
    }
    Ok((0..lanes).map(|lane| parts.contains(&(lane as u8))).collect())
}

/// The lanes of both operands, widened to 32 bits. A selector takes them from the lanes of either register: those of `a`
/// have the lower numbers.
fn operands(cx: &mut Lowering<'_>, i: &Checked<'_>, lanes: u32) -> Result<(Vec<Value>, Vec<Value>), Problem> {
    let mut all = Vec::new();
    for name in ["a", "b"] {
        let word = cx.value(&split(operand(i, name)?).0, ScalarType::B32)?;
        all.extend(cx.unpack(word, lanes));
    }
    let mut selected = |name: &str, first: u32, signed: bool| -> Result<Vec<Value>, Problem> {
        let numbers: Vec<usize> = match split(operand(i, name)?).1 {
            None => (first..first + lanes).map(|number| number as usize).collect(),
            Some(selector) if selector.width == 32 / lanes && selector.parts().len() == lanes as usize => {
                selector.parts().iter().map(|part| usize::from(*part)).collect()
            }
            Some(_) => return Problem::invalid("a selector names as many lanes as there are"),
        };
        Ok(numbers.into_iter().map(|number| cx.resize(signed, Type::I32, all[number])).collect())
    };
    Ok((selected("a", 0, i.ty("A").is_signed())?, selected("b", lanes, i.ty("B").is_signed())?))
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
            cx.builder.unary(UnaryOp::Abs, difference)
        }
        "vmin" => cx.binary(BinaryOp::MinSigned, a, b),
        "vmax" => cx.binary(BinaryOp::MaxSigned, a, b),
        _ => {
            let result = cx.compare(condition(i), a, b);
            cx.resize(false, Type::I32, result)
        }
    }
}
