//! Conversions (PTX ISA 9.7.9.21).

use simt_ir::Type;

use super::text::{Class, Kernel, list};
use crate::random::Check;

const INTEGERS: [&str; 8] = ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64"];
const FLOAT_ROUNDINGS: [&str; 4] = ["rn", "rz", "rm", "rp"];
const INTEGER_ROUNDINGS: [&str; 4] = ["rni", "rzi", "rmi", "rpi"];

/// One conversion.
pub(super) fn instruction(k: &mut Kernel) {
    match k.rng.below(7) {
        0 => between_integers(k),
        1 => integer_to_float(k),
        2 => float_to_integer(k),
        3 => to_integral(k),
        4 => widen(k),
        5 => narrow(k),
        _ => pack(k),
    }
}

/// The check of a float result.
pub(super) fn check(ty: &str) -> Check {
    match ty {
        "f16" => Check::Float(Type::F16),
        "bf16" => Check::Float(Type::BF16),
        "f32" => Check::Float(Type::F32),
        "f64" => Check::Float(Type::F64),
        "f16x2" => Check::FloatPair(Type::F16),
        "bf16x2" => Check::FloatPair(Type::BF16),
        _ => Check::Exact,
    }
}

/// The register class of a result: 8-bit results are extended to 16 bits.
fn convert(k: &mut Kernel, modifiers: &str, to: &str, from: &str) {
    let a = k.operand(Class::of(from));
    k.result_as(Class::of(to), &format!("cvt{modifiers}.{to}.{from}"), &list([&a]), check(to));
}

fn between_integers(k: &mut Kernel) {
    let (from, to) = (k.rng.pick(&INTEGERS), k.rng.pick(&INTEGERS));
    let saturate = if may_leave_range(from, to) && k.rng.flag() { ".sat" } else { "" };
    convert(k, saturate, to, from);
}

/// Whether an integer type has numbers that another has not; `.sat` is legal only then.
fn may_leave_range(from: &str, to: &str) -> bool {
    let signed = |ty: &str| ty.starts_with('s');
    let bits = |ty: &str| ty[1..].parse::<u32>().unwrap_or(0);
    match (signed(from), signed(to)) {
        (true, false) => true,
        (false, true) => bits(from) >= bits(to),
        _ => bits(from) > bits(to),
    }
}

fn integer_to_float(k: &mut Kernel) {
    let (from, to) = loop {
        let (from, to) = (k.rng.pick(&INTEGERS), k.rng.pick(&["f16", "bf16", "f32", "f64"]));
        if !is_missing(to, from) {
            break (from, to);
        }
    };
    let rounding = k.rng.pick(&FLOAT_ROUNDINGS);
    convert(k, &format!(".{rounding}"), to, from);
}

fn float_to_integer(k: &mut Kernel) {
    let (from, to) = loop {
        let (from, to) = (k.rng.pick(&["f16", "bf16", "f32", "f64"]), k.rng.pick(&INTEGERS));
        if !is_missing(from, to) {
            break (from, to);
        }
    };
    let rounding = k.rng.pick(&INTEGER_ROUNDINGS);
    let flush = if from == "f32" && k.rng.one_in(3) { ".ftz" } else { "" };
    convert(k, &format!(".{rounding}{flush}"), to, from);
}

/// The one pair of a float and an integer type that PTX does not convert.
fn is_missing(float: &str, integer: &str) -> bool {
    float == "bf16" && integer.ends_with('8')
}

fn to_integral(k: &mut Kernel) {
    let ty = k.rng.pick(&["f16", "f32", "f64"]);
    let rounding = k.rng.pick(&INTEGER_ROUNDINGS);
    let flush = if ty == "f32" && k.rng.one_in(3) { ".ftz" } else { "" };
    let saturate = if k.rng.one_in(3) { ".sat" } else { "" };
    convert(k, &format!(".{rounding}{flush}{saturate}"), ty, ty);
}

fn widen(k: &mut Kernel) {
    let (to, from) =
        k.rng.pick(&[("f32", "f16"), ("f64", "f16"), ("f64", "f32"), ("f32", "bf16"), ("f64", "bf16"), ("f32", "f32")]);
    let flush = if (from == "f32" || (to, from) == ("f32", "f16")) && k.rng.one_in(3) { ".ftz" } else { "" };
    let saturate = if k.rng.one_in(4) && from != "bf16" { ".sat" } else { "" };
    convert(k, &format!("{flush}{saturate}"), to, from);
}

fn narrow(k: &mut Kernel) {
    let (to, from) = k.rng.pick(&[
        ("f32", "f64"),
        ("f16", "f64"),
        ("f16", "f32"),
        ("bf16", "f64"),
        ("bf16", "f32"),
        ("f32", "f64"),
        ("f16", "f32"),
    ]);
    match (to, from) {
        ("bf16" | "f16", "f32") if k.rng.flag() => {
            let rounding = k.rng.pick(&["rn", "rz"]);
            let relu = if k.rng.flag() { ".relu" } else { "" };
            convert(k, &format!(".{rounding}{relu}"), to, from);
        }
        _ => {
            let rounding = k.rng.pick(&FLOAT_ROUNDINGS);
            let has_flush = (to, from) == ("f32", "f64") || (to, from) == ("f16", "f32");
            let flush = if has_flush && k.rng.one_in(3) { ".ftz" } else { "" };
            let saturate = if to != "bf16" && k.rng.one_in(4) { ".sat" } else { "" };
            convert(k, &format!(".{rounding}{flush}{saturate}"), to, from);
        }
    }
}

fn pack(k: &mut Kernel) {
    let (to, rounding) = (k.rng.pick(&["f16x2", "bf16x2"]), k.rng.pick(&["rn", "rz"]));
    let relu = if k.rng.one_in(3) { ".relu" } else { "" };
    let (a, b) = (k.operand(Class::F32), k.operand(Class::F32));
    k.result_as(Class::B32, &format!("cvt.{rounding}{relu}.{to}.f32"), &list([&a, &b]), check(to));
}
