//! f16 and bf16 arithmetic, single and packed (PTX ISA 9.7.4).

use super::convert::check;
use super::text::{Class, Kernel, list};

/// One instruction.
pub(super) fn instruction(k: &mut Kernel) {
    let ty = k.rng.pick(&["f16", "f16x2", "bf16", "bf16x2"]);
    let class = if ty.ends_with("x2") { Class::B32 } else { Class::B16 };
    let is_f16 = ty.starts_with('f');
    let flush = if is_f16 && k.rng.one_in(3) { ".ftz" } else { "" };
    let saturate = if is_f16 && k.rng.one_in(4) { ".sat" } else { "" };
    let check = check(ty);
    let (a, b, c) = (k.operand(class), k.operand(class), k.operand(class));
    match k.rng.below(8) {
        0..3 => {
            let op = k.rng.pick(&["add", "sub", "mul"]);
            k.result_as(class, &format!("{op}.rn{flush}{saturate}.{ty}"), &list([&a, &b]), check);
        }
        3..6 => {
            let clamp = if saturate.is_empty() && k.rng.one_in(3) { ".relu" } else { saturate };
            k.result_as(class, &format!("fma.rn{flush}{clamp}.{ty}"), &list([&a, &b, &c]), check);
        }
        6 => {
            let op = k.rng.pick(&["min", "max"]);
            let nan = k.rng.pick(&["", ".NaN", ".NaN.xorsign.abs", ".xorsign.abs"]);
            k.result_as(class, &format!("{op}{flush}{nan}.{ty}"), &list([&a, &b]), check);
        }
        _ => {
            let op = k.rng.pick(&["abs", "neg"]);
            // NVIDIA's assembler drops pairs of negations, and with them what each makes of a NaN.
            let op = if op == "neg" && flush.is_empty() && is_f16 { "abs" } else { op };
            k.result_as(class, &format!("{op}{flush}.{ty}"), &list([&a]), check);
        }
    }
}
