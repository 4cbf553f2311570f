//! Comparisons and selections (PTX ISA 9.7.5, 9.7.6).

use super::text::{Class, Kernel, list};
use crate::random::Check;

const FLOAT_CONDITIONS: [&str; 14] =
    ["eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"];

/// One instruction.
pub(super) fn instruction(k: &mut Kernel) {
    match k.rng.below(8) {
        0..3 => set_predicate(k),
        3 => set(k),
        4 => select(k),
        5 => select_by_sign(k),
        6 => test_property(k),
        _ => packed(k),
    }
}

/// A type and a comparison that it has; `.ftz` included now and then.
fn comparison(k: &mut Kernel) -> (&'static str, String) {
    let ty = k.rng.pick(&[
        "b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f16", "bf16", "f32", "f64", "f32", "f64",
    ]);
    let condition = match &ty[..1] {
        "b" if ty != "bf16" => k.rng.pick(&["eq", "ne"]),
        "s" => k.rng.pick(&["eq", "ne", "lt", "le", "gt", "ge"]),
        "u" => k.rng.pick(&["eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs"]),
        _ => k.rng.pick(&FLOAT_CONDITIONS),
    };
    (ty, condition.to_string())
}

fn flush(k: &mut Kernel, ty: &str) -> &'static str {
    if matches!(ty, "f32" | "f16") && k.rng.one_in(3) { ".ftz" } else { "" }
}

fn set_predicate(k: &mut Kernel) {
    let (ty, condition) = comparison(k);
    let flush = flush(k, ty);
    let class = Class::of(ty);
    let (a, b) = (k.operand(class), k.operand(class));
    let predicate = k.register(Class::Predicate);
    // Single halves have no second result.
    let forms = if matches!(ty, "f16" | "bf16") { 2 } else { 3 };
    match k.rng.below(forms) {
        0 => k.line(format_args!("setp.{condition}{flush}.{ty} {predicate}, {a}, {b}")),
        1 => {
            let (op, c) = (k.rng.pick(&["and", "or", "xor"]), k.operand(Class::Predicate));
            let not = k.rng.pick(&["", "!"]);
            k.line(format_args!("setp.{condition}.{op}{flush}.{ty} {predicate}, {a}, {b}, {not}{c}"));
        }
        _ => {
            let (op, c) = (k.rng.pick(&["and", "or", "xor"]), k.operand(Class::Predicate));
            let other = k.register(Class::Predicate);
            k.line(format_args!("setp.{condition}.{op}{flush}.{ty} {predicate}|{other}, {a}, {b}, {c}"));
            k.add(other);
            k.output(other, Check::Exact);
        }
    }
    k.add(predicate);
    k.output(predicate, Check::Exact);
}

fn set(k: &mut Kernel) {
    let (ty, condition) = loop {
        let (ty, condition) = comparison(k);
        if !matches!(ty, "f16" | "bf16") {
            break (ty, condition);
        }
    };
    let flush = flush(k, ty);
    let to = k.rng.pick(&["u32", "s32", "f32"]);
    let class = Class::of(ty);
    let (a, b) = (k.operand(class), k.operand(class));
    if k.rng.flag() {
        k.result(Class::of(to), &format!("set.{condition}{flush}.{to}.{ty}"), &list([&a, &b]));
    } else {
        let (op, c) = (k.rng.pick(&["and", "or", "xor"]), k.operand(Class::Predicate));
        k.result(Class::of(to), &format!("set.{condition}.{op}{flush}.{to}.{ty}"), &list([&a, &b, &c]));
    }
}

fn select(k: &mut Kernel) {
    let ty = k.rng.pick(&["b16", "b32", "b64", "u16", "s32", "u64", "f32", "f64"]);
    let class = Class::of(ty);
    let (a, b, c) = (k.operand(class), k.operand(class), k.operand(Class::Predicate));
    k.result(class, &format!("selp.{ty}"), &list([&a, &b, &c]));
}

fn select_by_sign(k: &mut Kernel) {
    let ty = k.rng.pick(&["b16", "b32", "b64", "u16", "s32", "u64", "f32", "f64"]);
    let class = Class::of(ty);
    let (a, b) = (k.operand(class), k.operand(class));
    let by = k.rng.pick(&["s32", "f32"]);
    let flush = flush(k, by);
    let c = k.operand(Class::of(by));
    k.result(class, &format!("slct{flush}.{ty}.{by}"), &list([&a, &b, &c]));
}

fn test_property(k: &mut Kernel) {
    let property = k.rng.pick(&["finite", "infinite", "number", "notanumber", "normal", "subnormal"]);
    let ty = k.rng.pick(&["f32", "f64"]);
    let a = k.operand(Class::of(ty));
    k.result(Class::Predicate, &format!("testp.{property}.{ty}"), &list([&a]));
}

/// Two comparisons at once.
fn packed(k: &mut Kernel) {
    let ty = k.rng.pick(&["f16x2", "bf16x2"]);
    let condition = k.rng.pick(&FLOAT_CONDITIONS);
    let flush = if ty == "f16x2" && k.rng.one_in(3) { ".ftz" } else { "" };
    let (a, b) = (k.operand(Class::B32), k.operand(Class::B32));
    let (low, high) = (k.register(Class::Predicate), k.register(Class::Predicate));
    k.line(format_args!("setp.{condition}{flush}.{ty} {low}|{high}, {a}, {b}"));
    for register in [low, high] {
        k.add(register);
        k.output(register, Check::Exact);
    }
}
