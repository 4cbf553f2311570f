//! Read-modify-write instructions (PTX ISA 9.7.13.5, 9.7.13.6). What threads do to words they share is such that the order
//! does not matter, and old values are looked at only in the thread's own word.

use std::fmt::Write;

use super::convert::check;
use super::text::{Class, Kernel, Register};

/// Words that all threads share, in global memory and in each block's shared memory.
const SHARED_WORDS: usize = 8;

/// For each shared word the instruction that all use on it.
const COMMUTING: [(&str, Class); SHARED_WORDS] = [
    ("add.u64", Class::B64),
    ("and.b32", Class::B32),
    ("or.b64", Class::B64),
    ("xor.b32", Class::B32),
    ("min.s32", Class::B32),
    ("min.u64", Class::B64),
    ("max.s64", Class::B64),
    ("max.u32", Class::B32),
];

/// Instructions on the thread's own word, with the class of the operand and the number of operands.
const OWN: [(&str, Class, usize); 22] = [
    ("add.u32", Class::B32, 1),
    ("add.s32", Class::B32, 1),
    ("add.u64", Class::B64, 1),
    ("and.b64", Class::B64, 1),
    ("or.b32", Class::B32, 1),
    ("xor.b64", Class::B64, 1),
    ("min.s32", Class::B32, 1),
    ("max.u32", Class::B32, 1),
    ("min.u64", Class::B64, 1),
    ("max.s64", Class::B64, 1),
    ("inc.u32", Class::B32, 1),
    ("dec.u32", Class::B32, 1),
    ("exch.b32", Class::B32, 1),
    ("exch.b64", Class::B64, 1),
    ("cas.b16", Class::B16, 2),
    ("cas.b32", Class::B32, 2),
    ("cas.b64", Class::B64, 2),
    ("add.f32", Class::F32, 1),
    ("add.f64", Class::F64, 1),
    ("add.noftz.f16", Class::B16, 1),
    ("add.noftz.f16x2", Class::B32, 1),
    ("add.noftz.bf16x2", Class::B32, 1),
];

pub(super) fn body(k: &mut Kernel) {
    k.scratch_words = SHARED_WORDS + 2 * k.threads as usize;
    let _ = writeln!(k.locals, "    .shared .align 16 .b64 common[{SHARED_WORDS}];");
    let _ = writeln!(k.locals, "    .shared .align 16 .b64 own[{}];", k.threads);
    let [common, own, own_shared, own_global] = [(); 4].map(|()| k.register(Class::B64));
    k.line(format_args!("mov.u64 {common}, common"));
    k.line(format_args!("mov.u64 {own}, own"));
    k.line(format_args!("mad.wide.u32 {own_shared}, %index, 8, {own}"));
    k.line(format_args!("mad.wide.u32 {own_global}, %thread, 8, %output"));
    k.line(format_args!("add.u64 {own_global}, {own_global}, {}", 8 * SHARED_WORDS));
    for (word, (instruction, _)) in COMMUTING.iter().enumerate() {
        // Ones where zeros would stay whatever is done to them.
        let first = if matches!(*instruction, "and.b32" | "min.u64") { -1 } else { 0 };
        k.line(format_args!("st.shared.b64 [{common}+{}], {first}", 8 * word));
    }
    k.line(format_args!("st.shared.u64 [{own_shared}], 0"));
    k.line("bar.sync 0");
    let global = k.register(Class::B64);
    k.line(format_args!("mov.u64 {global}, %output"));
    for _ in 0..4 {
        commute(k, ".shared", common);
        commute(k, ".global", global);
        for _ in 0..2 {
            operate(k, ".shared", own_shared);
            operate(k, ".global", own_global);
        }
    }
    k.line("bar.sync 0");
    for word in 0..SHARED_WORDS {
        let value = k.register(Class::B64);
        k.line(format_args!("ld.shared.u64 {value}, [{common}+{}]", 8 * word));
        k.output(value, crate::random::Check::Exact);
    }
}

/// The space and address, or the same as a generic address.
fn maybe_generic(k: &mut Kernel, space: &'static str, address: Register) -> (&'static str, Register) {
    if !k.rng.one_in(4) {
        return (space, address);
    }
    let generic = k.register(Class::B64);
    k.line(format_args!("cvta{space}.u64 {generic}, {address}"));
    ("", generic)
}

fn strength(k: &mut Kernel) -> &'static str {
    k.rng.pick(&["", ".relaxed.gpu", ".acquire.cta", ".release.gpu", ".acq_rel.sys"])
}

/// A reduction of a word that all threads share.
fn commute(k: &mut Kernel, space: &'static str, base: Register) {
    let word = k.rng.below(SHARED_WORDS);
    let (instruction, class) = COMMUTING[word];
    let (space, address) = maybe_generic(k, space, base);
    let operand = k.operand(class);
    let strength = k.rng.pick(&["", ".relaxed.gpu", ".release.gpu"]);
    k.line(format_args!("red{strength}{space}.{instruction} [{address}+{}], {operand}", 8 * word));
}

/// Any instruction on the thread's own word.
fn operate(k: &mut Kernel, space: &'static str, address: Register) {
    let (instruction, class, count) = loop {
        let own = k.rng.pick(&OWN);
        // Of a packed sum in shared memory NVIDIA's assembler makes a loop that takes the operand's high half from another
        // register.
        if space == ".global" || !own.0.ends_with("f16x2") {
            break own;
        }
    };
    // atom.add.f32 flushes subnormals in global memory alone: generic addresses are left to the hardware's taste.
    let (space, address) = if instruction == "add.f32" { (space, address) } else { maybe_generic(k, space, address) };
    let operands: Vec<String> = (0..count).map(|_| k.operand(class).to_string()).collect();
    let ty = instruction.rsplit('.').next().unwrap_or_default();
    let strength = strength(k);
    let instruction = format!("atom{strength}{space}.{instruction}");
    let old = k.register(class);
    k.line(format_args!("{instruction} {old}, [{address}], {}", operands.join(", ")));
    k.add(old);
    k.output(old, check(ty));
}
