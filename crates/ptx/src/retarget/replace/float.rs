//! Arithmetic on packed, mixed and three floats (from sm_100 on).

use std::fmt::Write;

use super::{ANY, Rule, Site};

pub(super) const RULES: &[Rule] = &[
    Rule { what: "`add`, `sub`, `mul`, `fma` of `.f32x2`", by: "the same on each half", needs: ANY, make: packed },
    Rule {
        what: "`add`, `sub`, `fma` of `.f32` with operands of `.f16` or `.bf16`",
        by: "the operand as `.f32`, which is exact, and the operation on `.f32`",
        needs: ANY,
        make: mixed,
    },
    Rule {
        what: "`min`, `max` of three `.f32`",
        by: "two of two; with `.abs` of the magnitudes",
        needs: ANY,
        make: three,
    },
];

fn packed(site: &Site<'_>) -> Option<String> {
    let names: &[&str] = match site.opcode() {
        "add" | "sub" | "mul" => &["a", "b"],
        "fma" => &["a", "b", "c"],
        _ => return None,
    };
    if !site.has("f32x2") {
        return None;
    }
    let mut text = String::from(".reg .b64 %apexu_q; .reg .f32 %apexu_f<8>;\n");
    for (index, name) in names.iter().enumerate() {
        let (low, high) = (2 * index, 2 * index + 1);
        let _ = writeln!(
            text,
            "mov.b64 %apexu_q, {}; mov.b64 {{%apexu_f{low}, %apexu_f{high}}}, %apexu_q;",
            site.text(name)
        );
    }
    let operation = format!("{}{}.f32", site.opcode(), site.modifiers(&["f32x2"]));
    for half in 0..2 {
        let sources: Vec<String> = (0..names.len()).map(|index| format!("%apexu_f{}", 2 * index + half)).collect();
        let _ = writeln!(text, "{operation} %apexu_f{}, {};", 6 + half, sources.join(", "));
    }
    let _ = write!(text, "{}mov.b64 {}, {{%apexu_f6, %apexu_f7}};", site.guard(), site.text("d"));
    Some(text)
}

fn mixed(site: &Site<'_>) -> Option<String> {
    let half = site.checked.slot("A").filter(|half| matches!(*half, "f16" | "bf16"))?;
    let (halves, single): (&[&str], &str) = match site.opcode() {
        "add" | "sub" => (&["a"], "b"),
        "fma" => (&["a", "b"], "c"),
        _ => return None,
    };
    let mut text = String::from(".reg .b16 %apexu_h<2>; .reg .b32 %apexu_r; .reg .f32 %apexu_f<4>;\n");
    for (index, name) in halves.iter().enumerate() {
        let _ = writeln!(text, "mov.b16 %apexu_h0, {};", site.text(name));
        text += &widened(half, "%apexu_h0", &format!("%apexu_f{index}"));
    }
    let mut sources: Vec<String> = (0..halves.len()).map(|index| format!("%apexu_f{index}")).collect();
    sources.push(site.text(single));
    let operation = format!("{}{}", site.opcode(), site.modifiers(&[half]));
    let _ = writeln!(text, "{operation} %apexu_f3, {};", sources.join(", "));
    let _ = write!(text, "{}mov.f32 {}, %apexu_f3;", site.guard(), site.text("d"));
    Some(text)
}

/// The `f32` of the half-precision number in `from`. Uses `%apexu_h1` and `%apexu_r`.
pub(super) fn widened(half: &str, from: &str, to: &str) -> String {
    match half {
        // The upper half of a single.
        "bf16" => format!("mov.b16 %apexu_h1, 0; mov.b32 %apexu_r, {{%apexu_h1, {from}}}; mov.b32 {to}, %apexu_r;\n"),
        _ => format!("cvt.f32.f16 {to}, {from};\n"),
    }
}

fn three(site: &Site<'_>) -> Option<String> {
    site.operand("c")?;
    if !matches!(site.opcode(), "min" | "max") || !site.has("f32") {
        return None;
    }
    // Two of two need a later card with `.NaN` than without.
    if site.has("NaN") && site.card.sm < 80 {
        return None;
    }
    let mut text = String::from(".reg .f32 %apexu_f<4>;\n");
    let flush = if site.has("ftz") { ".ftz" } else { "" };
    let take = if site.has("abs") { format!("abs{flush}.f32") } else { "mov.f32".to_owned() };
    for (index, name) in ["a", "b", "c"].iter().enumerate() {
        let _ = writeln!(text, "{take} %apexu_f{index}, {};", site.text(name));
    }
    let operation = format!("{}{}", site.opcode(), site.modifiers(&["abs"]));
    let _ = writeln!(text, "{operation} %apexu_f3, %apexu_f0, %apexu_f1;");
    let _ = writeln!(text, "{operation} %apexu_f3, %apexu_f3, %apexu_f2;");
    let _ = write!(text, "{}mov.f32 {}, %apexu_f3;", site.guard(), site.text("d"));
    Some(text)
}
