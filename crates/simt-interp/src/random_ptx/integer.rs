//! Integer arithmetic (PTX ISA 9.7.1, 9.7.2) and dot products.

use super::text::{Class, Kernel, list};
use crate::random::Check;

const TYPES: [&str; 6] = ["s16", "u16", "s32", "u32", "s64", "u64"];
const WIDE_TYPES: [&str; 4] = ["s32", "u32", "s64", "u64"];

/// One instruction, or a short sequence that belongs together.
pub(super) fn instruction(k: &mut Kernel) {
    match k.rng.below(12) {
        0..4 => two_operands(k),
        4 => three_operands(k),
        5 => wide(k),
        6 => twenty_four_bits(k),
        7 => counts(k),
        8 => carries(k),
        9 => saturating(k),
        10 => one_operand(k),
        _ => packed_halves(k),
    }
}

fn two_operands(k: &mut Kernel) {
    let op = k.rng.pick(&["add", "sub", "mul.lo", "mul.hi", "div", "rem", "min", "max"]);
    let ty = k.rng.pick(&TYPES);
    let class = Class::of(ty);
    let (a, b) = (k.operand(class), k.operand_or_immediate(class));
    k.result(class, &format!("{op}.{ty}"), &list([&a, &b]));
}

fn three_operands(k: &mut Kernel) {
    let op = k.rng.pick(&["mad.lo", "mad.hi", "sad"]);
    let ty = k.rng.pick(&TYPES);
    let class = Class::of(ty);
    let (a, b, c) = (k.operand(class), k.operand(class), k.operand_or_immediate(class));
    k.result(class, &format!("{op}.{ty}"), &list([&a, &b, &c]));
}

fn wide(k: &mut Kernel) {
    let (ty, to) = k.rng.pick(&[("s16", Class::B32), ("u16", Class::B32), ("s32", Class::B64), ("u32", Class::B64)]);
    let class = Class::of(ty);
    let (a, b, c) = (k.operand(class), k.operand(class), k.operand(to));
    if k.rng.flag() {
        k.result(to, &format!("mul.wide.{ty}"), &list([&a, &b]));
    } else {
        k.result(to, &format!("mad.wide.{ty}"), &list([&a, &b, &c]));
    }
}

fn twenty_four_bits(k: &mut Kernel) {
    let (half, ty) = (k.rng.pick(&["lo", "hi"]), k.rng.pick(&["s32", "u32"]));
    let [a, b, c] = [(); 3].map(|()| k.operand(Class::B32));
    // Operands are 24-bit numbers; what is above is ignored only if it is the sign's or zeros.
    let [a, b] = [a, b].map(|operand| {
        let register = k.register(Class::B32);
        k.line(format_args!("bfe.{ty} {register}, {operand}, 0, 24"));
        register
    });
    if k.rng.flag() {
        k.result(Class::B32, &format!("mul24.{half}.{ty}"), &list([&a, &b]));
    } else {
        k.result(Class::B32, &format!("mad24.{half}.{ty}"), &list([&a, &b, &c]));
    }
}

fn counts(k: &mut Kernel) {
    let (op, ty) = match k.rng.below(4) {
        0 => ("clz", k.rng.pick(&["b32", "b64"])),
        1 => ("popc", k.rng.pick(&["b32", "b64"])),
        2 => (k.rng.pick(&["bfind", "bfind.shiftamt"]), k.rng.pick(&WIDE_TYPES)),
        _ => {
            let ty = k.rng.pick(&["b32", "b64"]);
            let a = k.operand(Class::of(ty));
            k.result(Class::of(ty), &format!("brev.{ty}"), &list([&a]));
            return;
        }
    };
    let a = k.operand(Class::of(ty));
    k.result(Class::B32, &format!("{op}.{ty}"), &list([&a]));
}

/// Sums and differences of several words, and a product of two.
fn carries(k: &mut Kernel) {
    let ty = k.rng.pick(&["u32", "s32", "u64", "s64"]);
    let class = Class::of(ty);
    let (steps, count) = k.rng.pick(&[
        (["add.cc", "addc.cc", "addc"], 2),
        (["sub.cc", "subc.cc", "subc"], 2),
        (["mad.lo.cc", "madc.hi.cc", "madc.lo"], 3),
    ]);
    // The operands are there before the first step: what comes between steps might change the carry.
    let operands: Vec<Vec<String>> =
        steps.iter().map(|_| (0..count).map(|_| k.operand(class).to_string()).collect()).collect();
    let results = steps.map(|_| k.register(class));
    for ((step, operands), result) in steps.iter().zip(operands).zip(results) {
        k.line(format_args!("{step}.{ty} {result}, {}", operands.join(", ")));
    }
    for result in results {
        k.add(result);
        k.output(result, Check::Exact);
    }
}

fn saturating(k: &mut Kernel) {
    let [a, b, c] = [(); 3].map(|()| k.operand(Class::B32));
    match k.rng.below(3) {
        0 => k.result(Class::B32, "add.sat.s32", &list([&a, &b])),
        1 => k.result(Class::B32, "sub.sat.s32", &list([&a, &b])),
        _ => k.result(Class::B32, "mad.hi.sat.s32", &list([&a, &b, &c])),
    };
}

fn one_operand(k: &mut Kernel) {
    let (op, ty) = (k.rng.pick(&["abs", "neg"]), k.rng.pick(&["s16", "s32", "s64"]));
    let class = Class::of(ty);
    let a = k.operand(class);
    k.result(class, &format!("{op}.{ty}"), &list([&a]));
}

/// Two 16-bit numbers in a register (from sm_90 on).
fn packed_halves(k: &mut Kernel) {
    let (op, ty) = (k.rng.pick(&["add", "min", "max"]), k.rng.pick(&["u16x2", "s16x2"]));
    let (a, b) = (k.operand(Class::B32), k.operand(Class::B32));
    k.result(Class::B32, &format!("{op}.{ty}"), &list([&a, &b]));
}

/// A dot product.
pub(super) fn dot(k: &mut Kernel) {
    let (a_type, b_type) = (k.rng.pick(&["u32", "s32"]), k.rng.pick(&["u32", "s32"]));
    let (a, b, c) = (k.operand(Class::B32), k.operand(Class::B32), k.operand_or_immediate(Class::B32));
    let op = k.rng.pick(&["dp4a", "dp2a.lo", "dp2a.hi"]);
    k.result(Class::B32, &format!("{op}.{a_type}.{b_type}"), &list([&a, &b, &c]));
}
