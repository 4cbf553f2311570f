//! Numbers in parts of registers: video instructions (PTX ISA 9.7.18) and pairs of narrow floats (9.7.9.21).

use super::convert::check;
use super::text::{Class, Kernel};

const TYPES: [&str; 2] = ["u32", "s32"];
const SELECTORS: [&str; 7] = ["", ".b0", ".b1", ".b2", ".b3", ".h0", ".h1"];
const SECONDS: [&str; 3] = [".add", ".min", ".max"];
const COMPARISONS: [&str; 6] = ["eq", "ne", "lt", "le", "gt", "ge"];

/// One instruction.
pub(super) fn instruction(k: &mut Kernel) {
    match k.rng.below(8) {
        0..3 => scalar(k),
        3 => multiply(k),
        4..6 => simd(k),
        6 => to_narrow(k),
        _ => from_narrow(k),
    }
}

/// A register with a selector, or now and then a constant.
fn part(k: &mut Kernel) -> String {
    let operand = k.operand_or_immediate(Class::B32);
    let selector = if operand.starts_with('%') { k.rng.pick(&SELECTORS) } else { "" };
    format!("{operand}{selector}")
}

/// An operation with nothing behind it, with a second operation, or merged into a part of the result.
fn scalar(k: &mut Kernel) {
    let (d, a, b) = (k.rng.pick(&TYPES), k.rng.pick(&TYPES), k.rng.pick(&TYPES));
    let op = k.rng.pick(&["vadd", "vsub", "vabsdiff", "vmin", "vmax", "vshl", "vshr", "vset"]);
    let saturate = if op != "vset" && k.rng.flag() { ".sat" } else { "" };
    let instruction = match op {
        "vset" => format!("vset.{a}.{b}.{}", k.rng.pick(&COMPARISONS)),
        // A shift to the left by 32 leaves more bits than the machine's adder has.
        "vshl" => format!("vshl.{d}.{a}.u32{saturate}.wrap"),
        "vshr" => format!("vshr.{d}.{a}.u32{saturate}.{}", k.rng.pick(&["clamp", "wrap"])),
        _ => format!("{op}.{d}.{a}.{b}{saturate}"),
    };
    let (a, b) = (part(k), part(k));
    match k.rng.below(3) {
        0 => plain(k, &instruction, "", &[a, b]),
        1 => {
            let second = k.rng.pick(&SECONDS);
            let c = k.operand(Class::B32).to_string();
            plain(k, &format!("{instruction}{second}"), "", &[a, b, c]);
        }
        _ => {
            let place = k.rng.pick(&SELECTORS[1..]);
            let c = k.operand(Class::B32).to_string();
            plain(k, &instruction, place, &[a, b, c]);
        }
    }
}

/// An instruction whose result has a selector or none.
fn plain(k: &mut Kernel, instruction: &str, place: &str, operands: &[String]) {
    let register = k.register(Class::B32);
    k.line(format_args!("{instruction} {register}{place}, {}", operands.join(", ")));
    k.add(register);
    k.output(register, crate::random::Check::Exact);
}

fn multiply(k: &mut Kernel) {
    let (d, a, b) = (k.rng.pick(&TYPES), k.rng.pick(&TYPES), k.rng.pick(&TYPES));
    let saturate = if k.rng.flag() { ".sat" } else { "" };
    let scale = k.rng.pick(&["", ".shr7", ".shr15"]);
    let mode = k.rng.below(4);
    let plus_one = if mode == 1 { ".po" } else { "" };
    let signed_part = |k: &mut Kernel, negated: bool| {
        let part = format!("{}{}", k.operand(Class::B32), k.rng.pick(&SELECTORS));
        if negated { format!("-{part}") } else { part }
    };
    let (first, second) = (signed_part(k, mode == 2), signed_part(k, false));
    let c = k.operand(Class::B32);
    let minus = if mode == 3 { "-" } else { "" };
    let instruction = format!("vmad.{d}.{a}.{b}{plus_one}{saturate}{scale}");
    plain(k, &instruction, "", &[first, second, format!("{minus}{c}")]);
}

fn simd(k: &mut Kernel) {
    let lanes = k.rng.pick(&[2usize, 4]);
    let (d, a, b) = (k.rng.pick(&TYPES), k.rng.pick(&TYPES), k.rng.pick(&TYPES));
    let op = k.rng.pick(&["vadd", "vsub", "vabsdiff", "vmin", "vmax", "vavrg", "vset"]);
    let end = if op == "vset" { k.rng.pick(&["", ".add"]) } else { k.rng.pick(&["", ".sat", ".add"]) };
    let instruction = match op {
        "vset" => format!("vset{lanes}.{a}.{b}.{}{end}", k.rng.pick(&COMPARISONS)),
        _ => format!("{op}{lanes}.{d}.{a}.{b}{end}"),
    };
    let unit = if lanes == 2 { 'h' } else { 'b' };
    let place = match k.rng.below(1 << lanes) {
        0 => String::new(),
        mask => {
            let digits: String =
                (0..lanes).rev().filter(|lane| mask >> lane & 1 == 1).map(|lane| lane.to_string()).collect();
            format!(".{unit}{digits}")
        }
    };
    let operands = [0, 1, 2].map(|index| {
        let register = k.operand(Class::B32);
        if index == 2 || k.rng.flag() {
            return register.to_string();
        }
        let digits: String = (0..lanes).map(|_| k.rng.below(2 * lanes).to_string()).collect();
        format!("{register}.{unit}{digits}")
    });
    plain(k, &instruction, &place, &operands);
}

fn to_narrow(k: &mut Kernel) {
    let (ty, relu) = (k.rng.pick(&["e4m3x2", "e5m2x2"]), k.rng.pick(&["", ".relu"]));
    if k.rng.flag() {
        let operands = [k.operand(Class::F32).to_string(), k.operand(Class::F32).to_string()];
        k.result(Class::B16, &format!("cvt.rn.satfinite{relu}.{ty}.f32"), &operands);
    } else {
        let operand = k.operand(Class::B32).to_string();
        k.result(Class::B16, &format!("cvt.rn.satfinite{relu}.{ty}.f16x2"), &[operand]);
    }
}

fn from_narrow(k: &mut Kernel) {
    let (ty, relu) = (k.rng.pick(&["e4m3x2", "e5m2x2"]), k.rng.pick(&["", ".relu"]));
    let operand = k.operand(Class::B16).to_string();
    k.result_as(Class::B32, &format!("cvt.rn{relu}.f16x2.{ty}"), &[operand], check("f16x2"));
}
