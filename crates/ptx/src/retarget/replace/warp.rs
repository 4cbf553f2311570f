//! What the lanes of a warp do together: reductions of integers (from sm_80 on) and of floats (from sm_100 on), and the choice of a lane (from
//! sm_90 on).

use std::fmt::Write;

use super::{ANY, Rule, Site};
use crate::ast::{Operand, Version};

pub(super) const RULES: &[Rule] = &[
    Rule {
        what: "`redux.sync.min`, `redux.sync.max` of `.f32`",
        by: "`redux.sync` of integers in the order of the floats",
        needs: (80, Version { major: 7, minor: 0 }),
        make: of_floats,
    },
    Rule {
        what: "`redux.sync`, before sm_80",
        by: "a loop over the lanes, with `shfl.sync`",
        needs: ANY,
        make: of_any,
    },
    Rule { what: "`elect.sync`", by: "the first of the lanes, after `bar.warp.sync`", needs: ANY, make: elect },
];

/// A reduction of integers: `to` and the lanes' values are registers.
struct Reduction<'a> {
    operation: &'a str,
    ty: &'a str,
    to: &'a str,
    from: &'a str,
}

impl Reduction<'_> {
    fn instruction(&self, site: &Site<'_>) -> String {
        let Reduction { operation, ty, to, from } = self;
        format!("{}redux.sync.{operation}.{ty} {to}, {from}, {};\n", site.guard(), site.text("members"))
    }

    /// The same with what every card has.
    fn in_a_loop(&self, site: &Site<'_>) -> Option<String> {
        let Reduction { operation, ty, to, from } = *self;
        let neutral = match (operation, ty) {
            ("add" | "or" | "xor", _) | ("max", "u32") => "0",
            ("and", _) | ("min", "u32") => "0xffffffff",
            ("min", "s32") => "0x7fffffff",
            ("max", "s32") => "0x80000000",
            _ => return None,
        };
        let members = site.text("members");
        let mut text = String::from(
            ".reg .b32 %apexu_left; .reg .b32 %apexu_lane; .reg .b32 %apexu_one; .reg .b32 %apexu_all; .reg .pred %apexu_more;\n",
        );
        if let Some(guard) = &site.checked.resolved.source.guard {
            let _ = writeln!(text, "@{}{} bra $apexu_end;", if guard.negated { "" } else { "!" }, guard.register);
        }
        let _ = writeln!(text, "mov.b32 %apexu_left, {members}; mov.b32 %apexu_all, {neutral};\n$apexu_next:");
        text += "brev.b32 %apexu_lane, %apexu_left; clz.b32 %apexu_lane, %apexu_lane;\n";
        let _ = writeln!(text, "shfl.sync.idx.b32 %apexu_one, {from}, %apexu_lane, 31, {members};");
        let _ = writeln!(text, "{operation}.{ty} %apexu_all, %apexu_all, %apexu_one;");
        text += "sub.u32 %apexu_one, %apexu_left, 1; and.b32 %apexu_left, %apexu_left, %apexu_one;\n";
        text += "setp.ne.u32 %apexu_more, %apexu_left, 0; @%apexu_more bra $apexu_next;\n";
        let _ = writeln!(text, "mov.b32 {to}, %apexu_all;\n$apexu_end:");
        Some(text)
    }
}

fn of_floats(site: &Site<'_>) -> Option<String> {
    let is_it = site.opcode() == "redux" && site.has("f32");
    is_it.then(|| floats(site, |reduction| Some(reduction.instruction(site)))).flatten()
}

fn of_any(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "redux" {
        return None;
    }
    if site.has("f32") {
        return floats(site, |reduction| reduction.in_a_loop(site));
    }
    let (operation, ty) = (site.checked.slot("OP")?, site.checked.slot("T")?);
    let (to, from) = (site.text("d"), site.text("a"));
    Reduction { operation, ty, to: &to, from: &from }.in_a_loop(site)
}

/// Floats as integers of the same order: the magnitude of a negative one counts downwards. A NaN is the last of all, or, where it decides
/// the result, the first.
fn floats(site: &Site<'_>, reduce: impl Fn(&Reduction<'_>) -> Option<String>) -> Option<String> {
    let minimum = site.has("min");
    let (operation, last, first) =
        if minimum { ("min", "0x7fffffff", "0x80000000") } else { ("max", "0x80000000", "0x7fffffff") };
    let nan = if site.has("NaN") { first } else { last };
    let guard = site.guard();
    let mut text = String::from(".reg .b32 %apexu_r<4>; .reg .f32 %apexu_f; .reg .pred %apexu_p;\n");
    let take = if site.has("abs") { "abs.f32" } else { "mov.f32" };
    let _ = writeln!(text, "{take} %apexu_f, {};", site.text("a"));
    text +=
        "mov.b32 %apexu_r0, %apexu_f;\nshr.s32 %apexu_r1, %apexu_r0, 31; and.b32 %apexu_r1, %apexu_r1, 0x7fffffff;\n";
    text += "xor.b32 %apexu_r0, %apexu_r0, %apexu_r1;\nsetp.nan.f32 %apexu_p, %apexu_f, %apexu_f;\n";
    let _ = writeln!(text, "selp.b32 %apexu_r0, {nan}, %apexu_r0, %apexu_p;");
    // In a block of its own, with registers of its own.
    let of_integers = reduce(&Reduction { operation, ty: "s32", to: "%apexu_r2", from: "%apexu_r0" })?;
    let _ = writeln!(text, "{{\n{of_integers}}}");
    // No number has the two keys.
    text += "shr.s32 %apexu_r1, %apexu_r2, 31; and.b32 %apexu_r1, %apexu_r1, 0x7fffffff;\n";
    text += "xor.b32 %apexu_r1, %apexu_r2, %apexu_r1;\n";
    let _ = writeln!(text, "setp.eq.s32 %apexu_p, %apexu_r2, {nan};");
    text += "selp.b32 %apexu_r1, 0x7fffffff, %apexu_r1, %apexu_p;\n";
    let _ = write!(text, "{guard}mov.b32 {}, %apexu_r1;", site.text("d"));
    Some(text)
}

/// The lane that is chosen is the same for the same members; which it is, is open.
fn elect(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "elect" {
        return None;
    }
    let (guard, members) = (site.guard(), site.text("members"));
    let Operand::Pair(pair) = site.checked.resolved.source.operands.first()? else { return None };
    let mut text = String::from(".reg .b32 %apexu_first; .reg .b32 %apexu_own;\n");
    let _ = writeln!(text, "brev.b32 %apexu_first, {members}; clz.b32 %apexu_first, %apexu_first;");
    let _ = writeln!(text, "mov.u32 %apexu_own, %laneid;\n{guard}bar.warp.sync {members};");
    if pair.0 != Operand::Sink {
        let _ = writeln!(text, "{guard}mov.b32 {}, %apexu_first;", pair.0);
    }
    let _ = writeln!(text, "{guard}setp.eq.u32 {}, %apexu_own, %apexu_first;", pair.1);
    Some(text)
}
