//! Reductions of floats across a warp (from sm_100 on).

use std::fmt::Write;

use super::{Rule, Site};
use crate::ast::Version;

pub(super) const RULES: &[Rule] = &[Rule {
    what: "`redux.sync.min`, `redux.sync.max` of `.f32`",
    by: "`redux.sync` of integers in the order of the floats",
    needs: (80, Version { major: 7, minor: 0 }),
    make: reduce,
}];

/// Floats as integers of the same order: the magnitude of a negative one counts downwards. A NaN is the last of all, or, where it decides
/// the result, the first.
fn reduce(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "redux" || !site.has("f32") {
        return None;
    }
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
    let _ = writeln!(text, "{guard}redux.sync.{operation}.s32 %apexu_r2, %apexu_r0, {};", site.text("members"));
    // No number has the two keys.
    text += "shr.s32 %apexu_r1, %apexu_r2, 31; and.b32 %apexu_r1, %apexu_r1, 0x7fffffff;\n";
    text += "xor.b32 %apexu_r1, %apexu_r2, %apexu_r1;\n";
    let _ = writeln!(text, "setp.eq.s32 %apexu_p, %apexu_r2, {nan};");
    text += "selp.b32 %apexu_r1, 0x7fffffff, %apexu_r1, %apexu_p;\n";
    let _ = write!(text, "{guard}mov.b32 {}, %apexu_r1;", site.text("d"));
    Some(text)
}
