//! f32 and f64 arithmetic (PTX ISA 9.7.3). Roundings are always written: without one, an assembler may contract.

use simt_ir::Type;

use super::text::{Class, Kernel, Register, list};
use crate::random::Check;

/// Which of the two types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Width {
    Single,
    Double,
}

const ROUNDINGS: [&str; 4] = ["rn", "rz", "rm", "rp"];

/// `a`, or infinity if that is NaN: which of several f64 NaNs comes out of an operation depends on the order in which
/// NVIDIA's assembler puts its operands, so that no number may depend on the sign of one.
fn number(k: &mut Kernel, a: Register) -> Register {
    let number = k.register(a.class);
    match a.class {
        Class::F64 => k.line(format_args!("min.f64 {number}, {a}, 0d7FF0000000000000")),
        _ => k.line(format_args!("min.f32 {number}, {a}, 0f7F800000")),
    }
    number
}

/// One instruction.
pub(super) fn instruction(k: &mut Kernel, width: Width) {
    let single = width == Width::Single;
    let (class, ty) = if single { (Class::F32, "f32") } else { (Class::F64, "f64") };
    let check = Check::Float(if single { Type::F32 } else { Type::F64 });
    let rounding = k.rng.pick(&ROUNDINGS);
    let flush = if single && k.rng.one_in(3) { ".ftz" } else { "" };
    let saturate = if single && k.rng.one_in(4) { ".sat" } else { "" };
    let (a, b, c) = (k.operand(class), k.operand_or_immediate(class), k.operand(class));
    match k.rng.below(10) {
        0..3 => {
            let op = k.rng.pick(&["add", "sub", "mul"]);
            k.result_as(class, &format!("{op}.{rounding}{flush}{saturate}.{ty}"), &list([&a, &b]), check);
        }
        3..6 => {
            let op = k.rng.pick(&["fma", "mad"]);
            k.result_as(class, &format!("{op}.{rounding}{flush}{saturate}.{ty}"), &list([&a, &b, &c]), check);
        }
        6 => {
            k.result_as(class, &format!("div.{rounding}{flush}.{ty}"), &list([&a, &b]), check);
        }
        7 => {
            let op = k.rng.pick(&["sqrt", "rcp"]);
            k.result_as(class, &format!("{op}.{rounding}{flush}.{ty}"), &list([&a]), check);
        }
        8 => {
            let op = k.rng.pick(&["min", "max"]);
            let nan = if single { k.rng.pick(&["", ".NaN", ".NaN.xorsign.abs", ".xorsign.abs"]) } else { "" };
            k.result_as(class, &format!("{op}{flush}{nan}.{ty}"), &list([&a, &b]), check);
        }
        _ => {
            let op = k.rng.pick(&["abs", "neg", "copysign"]);
            if op == "copysign" {
                let sign = if single { a } else { number(k, a) };
                k.result_as(class, &format!("copysign.{ty}"), &list([&sign, &c]), check);
            } else if op == "neg" && flush.is_empty() {
                // NVIDIA's assembler drops pairs of negations, and with them what each makes of a NaN.
                let a = number(k, a);
                k.result_as(class, &format!("neg.{ty}"), &list([&a]), check);
            } else {
                k.result_as(class, &format!("{op}{flush}.{ty}"), &list([&a]), check);
            }
        }
    }
}
