//! Operations of the lanes of a warp, and reductions over a block. All warps are whole.

use super::text::{Class, Kernel, Register, list};
use crate::random::Check;

const ALL_LANES: u32 = 0xffff_ffff;

pub(super) fn body(k: &mut Kernel) {
    for _ in 0..20 {
        match k.rng.below(8) {
            0..3 => shuffle(k),
            3..6 => together(k),
            6 => among_some(k),
            _ => barrier(k),
        }
    }
}

fn shuffle(k: &mut Kernel) {
    let mode = k.rng.pick(&["up", "down", "bfly", "idx"]);
    let width = 32 >> k.rng.below(6);
    let clamp = if mode == "up" { 0 } else { 31 };
    let clamp =
        if k.rng.one_in(6) { k.operand(Class::B32).to_string() } else { ((32 - width) << 8 | clamp).to_string() };
    let lane = if k.rng.flag() { k.operand(Class::B32).to_string() } else { k.rng.below(32).to_string() };
    let (value, result) = (k.operand(Class::B32), k.register(Class::B32));
    let operands = format!("{value}, {lane}, {clamp}, {ALL_LANES:#x}");
    if k.rng.flag() {
        k.line(format_args!("shfl.sync.{mode}.b32 {result}, {operands}"));
    } else {
        let in_range = k.register(Class::Predicate);
        k.line(format_args!("shfl.sync.{mode}.b32 {result}|{in_range}, {operands}"));
        k.add(in_range);
        k.output(in_range, Check::Exact);
    }
    k.add(result);
    k.output(result, Check::Exact);
}

/// One operation of all lanes.
fn together(k: &mut Kernel) {
    for register in operation(k, ALL_LANES) {
        k.add(register);
        k.output(register, Check::Exact);
    }
}

/// Appends an operation among the lanes of a mask; its results.
fn operation(k: &mut Kernel, members: u32) -> Vec<Register> {
    match k.rng.below(4) {
        0 => vote(k, members),
        1 => matching(k, members),
        2 => {
            let instruction = k.rng.pick(&[
                "add.u32", "add.s32", "min.u32", "min.s32", "max.u32", "max.s32", "and.b32", "or.b32", "xor.b32",
            ]);
            let (result, value) = (k.register(Class::B32), k.operand(Class::B32));
            k.line(format_args!("redux.sync.{instruction} {result}, {value}, {members:#x}"));
            vec![result]
        }
        _ => {
            let (leader, is_leader) = (k.register(Class::B32), k.register(Class::Predicate));
            k.line(format_args!("elect.sync {leader}|{is_leader}, {members:#x}"));
            vec![leader, is_leader]
        }
    }
}

fn vote(k: &mut Kernel, members: u32) -> Vec<Register> {
    let predicate = k.operand(Class::Predicate);
    let not = k.rng.pick(&["", "!"]);
    let (class, mode) = k.rng.pick(&[
        (Class::Predicate, "all.pred"),
        (Class::Predicate, "any.pred"),
        (Class::Predicate, "uni.pred"),
        (Class::B32, "ballot.b32"),
    ]);
    let result = k.register(class);
    k.line(format_args!("vote.sync.{mode} {result}, {not}{predicate}, {members:#x}"));
    vec![result]
}

/// On few different values, so that some match.
fn matching(k: &mut Kernel, members: u32) -> Vec<Register> {
    let ty = k.rng.pick(&["b32", "b64"]);
    let class = Class::of(ty);
    let (source, value, result) = (k.operand(class), k.register(class), k.register(Class::B32));
    k.line(format_args!("and.{ty} {value}, {source}, 3"));
    if k.rng.flag() {
        k.line(format_args!("match.any.sync.{ty} {result}, {value}, {members:#x}"));
        return vec![result];
    }
    let all = k.register(Class::Predicate);
    k.line(format_args!("match.all.sync.{ty} {result}|{all}, {value}, {members:#x}"));
    vec![result, all]
}

/// An operation among those lanes that a random mask names, in a branch of their own.
fn among_some(k: &mut Kernel) {
    let members = k.rng.bits() as u32 | 1;
    let (lane, bit, is_member) = (k.register(Class::B32), k.register(Class::B32), k.register(Class::Predicate));
    k.line(format_args!("mov.u32 {lane}, %laneid"));
    k.line(format_args!("bfe.u32 {bit}, {members:#x}, {lane}, 1"));
    k.line(format_args!("setp.eq.u32 {is_member}, {bit}, 0"));
    // Operands that are made inside the branch must not be used by others later: copies carry the results out.
    let copies = [k.number(Class::B32, 0), k.number(Class::B32, 0)];
    let over = k.label();
    k.line(format_args!("@{is_member} bra {over}"));
    let results = operation(k, members);
    for (result, copy) in results.iter().zip(copies) {
        match result.class {
            Class::Predicate => k.line(format_args!("selp.b32 {copy}, 1, 0, {result}")),
            _ => k.line(format_args!("mov.b32 {copy}, {result}")),
        }
    }
    k.place(&over);
    k.line(format_args!("bar.warp.sync {ALL_LANES:#x}"));
    for copy in copies.into_iter().take(results.len()) {
        k.add(copy);
        k.output(copy, Check::Exact);
    }
}

/// A reduction over the block.
fn barrier(k: &mut Kernel) {
    let id = k.rng.below(16);
    let (predicate, a, b) = (k.register(Class::Predicate), k.operand(Class::B32), k.operand(Class::B32));
    k.line(format_args!("setp.lt.u32 {predicate}, {a}, {b}"));
    match k.rng.below(3) {
        0 => k.result(Class::B32, "bar.red.popc.u32", &list([&id, &predicate])),
        1 => k.result(Class::Predicate, "bar.red.and.pred", &list([&id, &predicate])),
        _ => k.result(Class::Predicate, "bar.red.or.pred", &list([&id, &predicate])),
    };
}
