//! Logic, shifts, bit fields, permutations (PTX ISA 9.7.8, 9.7.1.18 and following, 9.7.9).

use super::text::{Class, INPUT_WORDS, Kernel, list};
use crate::random::Check;

/// One instruction.
pub(super) fn instruction(k: &mut Kernel) {
    match k.rng.below(11) {
        0 | 1 => bitwise(k),
        2 => shift(k),
        3 => lop3(k),
        4 => permute(k),
        5 => funnel_shift(k),
        6 => extract(k),
        7 => insert(k),
        8 => masks(k),
        9 => find_nth_set(k),
        _ => pack(k),
    }
}

fn bitwise(k: &mut Kernel) {
    let ty = k.rng.pick(&["pred", "b16", "b32", "b64"]);
    let class = Class::of(ty);
    let a = k.operand(class);
    match k.rng.below(5) {
        0 => {
            k.result(class, &format!("not.{ty}"), &list([&a]));
        }
        1 if ty != "pred" => {
            k.result(class, &format!("cnot.{ty}"), &list([&a]));
        }
        _ => {
            let op = k.rng.pick(&["and", "or", "xor"]);
            let b = if ty == "pred" { k.operand(class).to_string() } else { k.operand_or_immediate(class) };
            k.result(class, &format!("{op}.{ty}"), &list([&a, &b]));
        }
    }
}

fn shift(k: &mut Kernel) {
    let instruction = k.rng.pick(&[
        "shl.b16", "shl.b32", "shl.b64", "shr.u16", "shr.u32", "shr.u64", "shr.s16", "shr.s32", "shr.s64", "shr.b32",
    ]);
    let class = Class::of(&instruction[4..]);
    let a = k.operand(class);
    let amount = match k.rng.below(3) {
        0 => k.operand(Class::B32).to_string(),
        1 => k.rng.below(70).to_string(),
        _ => {
            let (amount, source) = (k.register(Class::B32), k.operand(Class::B32));
            k.line(format_args!("and.b32 {amount}, {source}, 63"));
            amount.to_string()
        }
    };
    k.result(class, instruction, &list([&a, &amount]));
}

fn lop3(k: &mut Kernel) {
    let table = k.rng.below(256);
    let [a, b, c] = [(); 3].map(|()| k.operand(Class::B32));
    if !k.rng.one_in(4) {
        k.result(Class::B32, "lop3.b32", &list([&a, &b, &c, &table]));
        return;
    }
    let (op, q) = (k.rng.pick(&["or", "and"]), k.operand(Class::Predicate));
    let (word, predicate) = (k.register(Class::B32), k.register(Class::Predicate));
    k.line(format_args!("lop3.{op}.b32 {word}|{predicate}, {a}, {b}, {c}, {table}, {q}"));
    for register in [word, predicate] {
        k.add(register);
        k.output(register, Check::Exact);
    }
}

fn permute(k: &mut Kernel) {
    let mode = k.rng.pick(&["", ".f4e", ".b4e", ".rc8", ".ecl", ".ecr", ".rc16"]);
    let [a, b] = [(); 2].map(|()| k.operand(Class::B32));
    let selector = k.operand_or_immediate(Class::B32);
    k.result(Class::B32, &format!("prmt.b32{mode}"), &list([&a, &b, &selector]));
}

fn funnel_shift(k: &mut Kernel) {
    let (direction, mode) = (k.rng.pick(&["l", "r"]), k.rng.pick(&["clamp", "wrap"]));
    let [a, b] = [(); 2].map(|()| k.operand(Class::B32));
    let amount = if k.rng.flag() { k.operand(Class::B32).to_string() } else { k.rng.below(40).to_string() };
    k.result(Class::B32, &format!("shf.{direction}.{mode}.b32"), &list([&a, &b, &amount]));
}

/// A field's position or length: any number of the input, or a constant within the width. Of 32-bit fields with constants
/// beyond it NVIDIA's assembler makes something else than of the same numbers in registers.
fn field_number(k: &mut Kernel, ty: &str) -> String {
    if k.rng.one_in(3) {
        let (number, word) = (k.register(Class::B32), k.rng.below(INPUT_WORDS));
        let source = k.input(word);
        k.line(format_args!("cvt.u32.u64 {number}, {source}"));
        return number.to_string();
    }
    k.rng.below(if ty.ends_with("64") { 70 } else { 32 }).to_string()
}

fn extract(k: &mut Kernel) {
    let ty = k.rng.pick(&["u32", "s32", "u64", "s64"]);
    let class = Class::of(ty);
    let (a, position, length) = (k.operand(class), field_number(k, ty), field_number(k, ty));
    k.result(class, &format!("bfe.{ty}"), &list([&a, &position, &length]));
}

fn insert(k: &mut Kernel) {
    let ty = k.rng.pick(&["b32", "b64"]);
    let class = Class::of(ty);
    let (a, b) = (k.operand(class), k.operand(class));
    let (position, length) = (field_number(k, ty), field_number(k, ty));
    k.result(class, &format!("bfi.{ty}"), &list([&a, &b, &position, &length]));
}

fn masks(k: &mut Kernel) {
    let mode = k.rng.pick(&["clamp", "wrap"]);
    let (a, b) = (k.operand(Class::B32), k.operand(Class::B32));
    if k.rng.flag() {
        k.result(Class::B32, &format!("bmsk.{mode}.b32"), &list([&a, &b]));
    } else {
        let ty = k.rng.pick(&["u32", "s32"]);
        k.result(Class::B32, &format!("szext.{mode}.{ty}"), &list([&a, &b]));
    }
}

fn find_nth_set(k: &mut Kernel) {
    let (mask, source, n) = (k.operand(Class::B32), k.operand(Class::B32), k.operand_or_immediate(Class::B32));
    let base = k.register(Class::B32);
    k.line(format_args!("and.b32 {base}, {source}, 31"));
    k.result(Class::B32, "fns.b32", &list([&mask, &base, &n]));
}

/// Registers put together and taken apart.
fn pack(k: &mut Kernel) {
    let (ty, whole, part) = k.rng.pick(&[("b32", Class::B32, Class::B16), ("b64", Class::B64, Class::B32)]);
    if k.rng.flag() {
        let (low, high) = (k.operand(part), k.operand(part));
        k.result(whole, &format!("mov.{ty}"), &[format!("{{{low}, {high}}}")]);
        return;
    }
    let (low, high, source) = (k.register(part), k.register(part), k.operand(whole));
    k.line(format_args!("mov.{ty} {{{low}, {high}}}, {source}"));
    for register in [low, high] {
        k.add(register);
        k.output(register, Check::Exact);
    }
}
