//! Products of matrices, and what moves them between lanes. All warps are whole.
//!
//! Integers only: the order in which a card adds floats is its own.

use super::text::{Class, Kernel, Register};
use crate::random::Check;

pub(super) fn body(k: &mut Kernel) {
    for _ in 0..12 {
        match k.rng.below(5) {
            0 => {
                let source = k_operand(k);
                k.result(Class::B32, "movmatrix.sync.aligned.m8n8.trans.b16", &[source]);
            }
            1 => product(k, &["m8n8k32", "m16n8k32", "m16n8k64"], &["s4", "u4"], 4),
            2 => bits(k),
            _ => product(k, &["m8n8k16", "m16n8k16", "m16n8k32"], &["s8", "u8"], 8),
        }
    }
}

fn k_operand(k: &mut Kernel) -> String {
    k.operand(Class::B32).to_string()
}

/// A list of operands in braces.
fn operands(k: &mut Kernel, count: u32) -> String {
    let list: Vec<String> = (0..count).map(|_| k_operand(k)).collect();
    format!("{{{}}}", list.join(", "))
}

/// Rows and products of a shape.
fn size(shape: &str) -> (u32, u32) {
    let rows = if shape.starts_with("m16") { 16 } else { 8 };
    let k = shape.rsplit('k').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    (rows, k)
}

fn product(k: &mut Kernel, shapes: &[&str], types: &[&str], bits: u32) {
    let (shape, saturate) = (k.rng.pick(shapes), k.rng.pick(&["", ".satfinite"]));
    let (a, b) = (k.rng.pick(types), k.rng.pick(types));
    emit(k, shape, bits, &format!("{shape}.row.col{saturate}.s32.{a}.{b}.s32"));
}

fn bits(k: &mut Kernel) {
    let (shape, op) = (k.rng.pick(&["m8n8k128", "m16n8k128", "m16n8k256"]), k.rng.pick(&["xor", "and"]));
    emit(k, shape, 1, &format!("{shape}.row.col.s32.b1.b1.s32.{op}.popc"));
}

fn emit(k: &mut Kernel, shape: &str, bits: u32, modifiers: &str) {
    let (rows, products) = size(shape);
    let registers = |lines: u32| lines * products * bits / 32 / 32;
    let (a, b, c) = (operands(k, registers(rows)), operands(k, registers(8)), operands(k, rows / 4));
    let results: Vec<Register> = (0..rows / 4).map(|_| k.register(Class::B32)).collect();
    let d: Vec<String> = results.iter().map(ToString::to_string).collect();
    k.line(format_args!("mma.sync.aligned.{modifiers} {{{}}}, {a}, {b}, {c}", d.join(", ")));
    for register in results {
        k.add(register);
        k.output(register, Check::Exact);
    }
}
