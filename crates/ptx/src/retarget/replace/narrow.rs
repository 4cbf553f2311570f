//! Conversions to and from floats of 8, 6 and 4 bits, and to `.tf32`: the same arithmetic as the lowering of these instructions has
//! (`instructions/narrow.rs`, `instructions/convert.rs`), in PTX.

use std::fmt::Write;

use super::float::widened;
use super::{ANY, Rule, Site};
use crate::instructions::narrow::{Format, format};

pub(super) const RULES: &[Rule] = &[
    Rule {
        what: "`cvt` to `.e4m3x2`, `.e5m2x2` (before sm_89), `.e2m3x2`, `.e3m2x2`, `.e2m1x2`",
        by: "rounding by integer arithmetic",
        needs: ANY,
        make: to_narrow,
    },
    Rule {
        what: "`cvt` from these to `.f16x2`",
        by: "shifts, and a product with a power of two, which is exact",
        needs: ANY,
        make: from_narrow,
    },
    Rule { what: "`cvt` to `.ue8m0x2`", by: "integer arithmetic on the exponent", needs: ANY, make: to_scale },
    Rule { what: "`cvt` from `.ue8m0x2` to `.bf16x2`", by: "shifts", needs: ANY, make: from_scale },
    Rule {
        what: "`cvt.rn`, `cvt.rz` of two `.f32` to `.f16x2`, without `.relu` and `.satfinite`",
        by: "one after the other to `.f16`",
        needs: ANY,
        make: to_halves,
    },
    Rule { what: "`cvt.rn`, `cvt.rz` to `.tf32`", by: "rounding by integer arithmetic", needs: ANY, make: to_tf32 },
];

/// Registers that these replacements use.
const REGISTERS: &str = ".reg .b32 %apexu_x<8>; .reg .b32 %apexu_c<2>; .reg .b32 %apexu_r;\n\
                         .reg .f32 %apexu_f<3>; .reg .b16 %apexu_h<4>; .reg .pred %apexu_p<4>;\n";

/// The type of a narrow format, if it is one of those with sign, exponent and fraction.
fn narrow(name: Option<&str>) -> Option<Format> {
    let known = ["e4m3x2", "e5m2x2", "e2m3x2", "e3m2x2", "e2m1x2"];
    name.filter(|name| known.contains(name)).map(|name| format(Some(name)))
}

/// Puts the two numbers to be converted into `%apexu_f0` (the lower one) and `%apexu_f1`.
fn sources(site: &Site<'_>) -> Option<String> {
    Some(match site.checked.slot("A")? {
        "f32" => format!("mov.f32 %apexu_f0, {}; mov.f32 %apexu_f1, {};\n", site.text("b"), site.text("a")),
        packed @ ("f16x2" | "bf16x2") => {
            let half = packed.trim_end_matches("x2");
            let mut text =
                format!("mov.b32 %apexu_x0, {}; mov.b32 {{%apexu_h2, %apexu_h3}}, %apexu_x0;\n", site.text("a"));
            text += &widened(half, "%apexu_h2", "%apexu_f0");
            text + &widened(half, "%apexu_h3", "%apexu_f1")
        }
        _ => return None,
    })
}

/// Puts the numbers in `%apexu_c0` and `%apexu_c1` together into the result.
fn write_pair(site: &Site<'_>, apart: u32) -> String {
    let (guard, d) = (site.guard(), site.text("d"));
    let mut text = format!("shl.b32 %apexu_c1, %apexu_c1, {apart}; or.b32 %apexu_c0, %apexu_c0, %apexu_c1;\n");
    text += &match apart {
        4 => format!("{guard}cvt.u8.u32 {d}, %apexu_c0;"),
        _ => format!("cvt.u16.u32 %apexu_h0, %apexu_c0;\n{guard}mov.b16 {d}, %apexu_h0;"),
    };
    text
}

fn to_narrow(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "cvt" {
        return None;
    }
    let format = narrow(site.checked.slot("D"))?;
    let mut text = REGISTERS.to_owned() + &sources(site)?;
    for index in 0..2 {
        narrowed(&mut text, &format, site.has("relu"), index);
    }
    Some(text + &write_pair(site, format.apart))
}

/// The number of the format that is nearest to `%apexu_f<index>`, in `%apexu_c<index>`.
fn narrowed(text: &mut String, format: &Format, relu: bool, index: usize) {
    let Format { sign_at, fraction, bias, largest, nan, .. } = *format;
    let dropped = 23 - fraction;
    let power = (127 + 23 + 1 - bias - fraction) << 23;
    let code = format!("%apexu_c{index}");
    let _ = writeln!(text, "mov.b32 %apexu_x0, %apexu_f{index}; and.b32 %apexu_x1, %apexu_x0, 0x7fffffff;");
    let _ = writeln!(text, "setp.gt.u32 %apexu_p0, %apexu_x1, 0x7f800000;");
    let _ = writeln!(text, "min.u32 %apexu_x1, %apexu_x1, {:#x};", format.single(largest));
    // Where the result is a normal number: the fraction rounded to nearest even.
    let _ = writeln!(text, "shr.u32 %apexu_x2, %apexu_x1, {dropped}; and.b32 %apexu_x2, %apexu_x2, 1;");
    let _ = writeln!(text, "add.u32 %apexu_x3, %apexu_x1, {:#x};", (1u32 << (dropped - 1)) - 1);
    let _ = writeln!(text, "add.u32 %apexu_x3, %apexu_x3, %apexu_x2; shr.u32 %apexu_x3, %apexu_x3, {dropped};");
    let _ = writeln!(text, "sub.u32 %apexu_x3, %apexu_x3, {};", (127 - bias) << fraction);
    // Where it is subnormal: a sum whose last place is the smallest number rounds to a multiple of it.
    let _ = writeln!(text, "mov.b32 %apexu_f2, %apexu_x1; add.rn.f32 %apexu_f2, %apexu_f2, 0f{power:08X};");
    let _ = writeln!(text, "mov.b32 %apexu_x4, %apexu_f2; sub.u32 %apexu_x4, %apexu_x4, {power:#x};");
    let _ = writeln!(text, "setp.lt.u32 %apexu_p1, %apexu_x1, {:#x};", format.single(1 << fraction));
    let _ = writeln!(text, "selp.b32 {code}, %apexu_x4, %apexu_x3, %apexu_p1;");
    if relu {
        let _ = writeln!(text, "setp.lt.s32 %apexu_p2, %apexu_x0, 0; selp.b32 {code}, 0, {code}, %apexu_p2;");
    } else {
        let _ = writeln!(text, "shr.u32 %apexu_x5, %apexu_x0, 31; shl.b32 %apexu_x5, %apexu_x5, {sign_at};");
        let _ = writeln!(text, "or.b32 {code}, {code}, %apexu_x5;");
    }
    let _ = writeln!(text, "selp.b32 {code}, {nan:#x}, {code}, %apexu_p0;");
}

fn from_narrow(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "cvt" || site.checked.slot("D") != Some("f16x2") {
        return None;
    }
    let format = narrow(site.checked.slot("A"))?;
    let from = if format.apart == 4 { "u8" } else { "u16" };
    let mut text = REGISTERS.to_owned();
    let _ = writeln!(text, "cvt.u32.{from} %apexu_x0, {};", site.text("a"));
    let _ = writeln!(text, "shr.u32 %apexu_x1, %apexu_x0, {};", format.apart);
    for index in 0..2 {
        widen(&mut text, &format, site.has("relu"), index);
    }
    Some(text + &pack_halves(site))
}

/// The number in `%apexu_x<index>` as `.f16`, in `%apexu_h<2 + index>`.
fn widen(text: &mut String, format: &Format, relu: bool, index: usize) {
    let Format { sign_at, fraction, bias, .. } = *format;
    let code = format!("%apexu_x{index}");
    let _ = writeln!(text, "and.b32 %apexu_x2, {code}, {:#x};", (1u32 << sign_at) - 1);
    // A single has every number as a normal or subnormal one, and the product with a power of two is exact.
    let _ = writeln!(text, "shl.b32 %apexu_x3, %apexu_x2, {}; mov.b32 %apexu_f0, %apexu_x3;", 23 - fraction);
    let _ = writeln!(text, "mul.rn.f32 %apexu_f0, %apexu_f0, 0f{:08X};", (254 - bias) << 23);
    let _ = writeln!(text, "cvt.rn.f16.f32 %apexu_h0, %apexu_f0; mov.b32 %apexu_x3, {{%apexu_h0, %apexu_h0}};");
    let _ = writeln!(text, "and.b32 %apexu_x3, %apexu_x3, 0xffff;");
    if let Some(infinity) = format.infinity() {
        let _ = writeln!(text, "setp.gt.u32 %apexu_p0, %apexu_x2, {infinity:#x};");
        // The number above the largest one that is finite: the infinity of the format that has one.
        if bias == 15 {
            let _ = writeln!(text, "setp.eq.u32 %apexu_p1, %apexu_x2, {infinity:#x};");
            let _ = writeln!(text, "selp.b32 %apexu_x3, 0x7c00, %apexu_x3, %apexu_p1;");
        }
    }
    let _ = writeln!(text, "and.b32 %apexu_x4, {code}, {:#x};", 1u32 << sign_at);
    if relu {
        let _ = writeln!(text, "setp.ne.u32 %apexu_p2, %apexu_x4, 0; selp.b32 %apexu_x3, 0, %apexu_x3, %apexu_p2;");
    } else {
        let _ =
            writeln!(text, "shl.b32 %apexu_x4, %apexu_x4, {}; or.b32 %apexu_x3, %apexu_x3, %apexu_x4;", 15 - sign_at);
    }
    if format.infinity().is_some() {
        let _ = writeln!(text, "selp.b32 %apexu_x3, 0x7fff, %apexu_x3, %apexu_p0;");
    }
    let _ = writeln!(text, "cvt.u16.u32 %apexu_h{}, %apexu_x3;", 2 + index);
}

/// `%apexu_h2` and `%apexu_h3` as the result.
fn pack_halves(site: &Site<'_>) -> String {
    format!("{}mov.b32 {}, {{%apexu_h2, %apexu_h3}};", site.guard(), site.text("d"))
}

fn to_scale(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "cvt" || site.checked.slot("D") != Some("ue8m0x2") {
        return None;
    }
    let largest = if site.has("satfinite") { 0xfe } else { 0xff };
    let up = site.checked.slot("RND") == Some("rp");
    let mut text = REGISTERS.to_owned() + &sources(site)?;
    for index in 0..2 {
        let code = format!("%apexu_c{index}");
        let _ = writeln!(text, "mov.b32 %apexu_x0, %apexu_f{index}; and.b32 %apexu_x1, %apexu_x0, 0x7fffffff;");
        let _ = writeln!(text, "shr.u32 {code}, %apexu_x1, 23;");
        if up {
            // Any fraction leads to the next power; a subnormal number only from above the lowest power.
            let _ = writeln!(text, "and.b32 %apexu_x2, %apexu_x1, 0x7fffff; setp.ne.u32 %apexu_p0, %apexu_x2, 0;");
            let _ = writeln!(text, "setp.gt.and.u32 %apexu_p0, %apexu_x1, 0x400000, %apexu_p0;");
            let _ = writeln!(text, "selp.u32 %apexu_x2, 1, 0, %apexu_p0; add.u32 {code}, {code}, %apexu_x2;");
        }
        let _ = writeln!(text, "min.u32 {code}, {code}, {largest:#x}; setp.gt.u32 %apexu_p1, %apexu_x1, 0x7f800000;");
        let _ = writeln!(text, "selp.b32 {code}, 0xff, {code}, %apexu_p1;");
    }
    Some(text + &write_pair(site, 8))
}

fn from_scale(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "cvt" || site.checked.slot("A") != Some("ue8m0x2") || site.checked.slot("D") != Some("bf16x2") {
        return None;
    }
    let mut text = REGISTERS.to_owned();
    let _ = writeln!(text, "cvt.u32.u16 %apexu_x0, {}; shr.u32 %apexu_x1, %apexu_x0, 8;", site.text("a"));
    for index in 0..2 {
        // The exponent alone makes the number, but for the lowest power, which is subnormal, and NaN.
        let _ = writeln!(text, "and.b32 %apexu_x2, %apexu_x{index}, 0xff; shl.b32 %apexu_x2, %apexu_x2, 7;");
        let _ = writeln!(text, "max.u32 %apexu_x2, %apexu_x2, 0x40; setp.eq.u32 %apexu_p0, %apexu_x2, 0x7f80;");
        let _ = writeln!(
            text,
            "selp.b32 %apexu_x2, 0x7fff, %apexu_x2, %apexu_p0; cvt.u16.u32 %apexu_h{}, %apexu_x2;",
            2 + index
        );
    }
    Some(text + &pack_halves(site))
}

fn to_halves(site: &Site<'_>) -> Option<String> {
    let is_it =
        site.opcode() == "cvt" && site.checked.slot("D") == Some("f16x2") && site.checked.slot("A") == Some("f32");
    if !is_it || site.has("relu") || site.has("satfinite") {
        return None;
    }
    let rounding = site.checked.slot("RND")?;
    let mut text = String::from(".reg .b16 %apexu_h<2>;\n");
    for (register, operand) in [("%apexu_h0", "b"), ("%apexu_h1", "a")] {
        let _ = writeln!(text, "cvt.{rounding}.f16.f32 {register}, {};", site.text(operand));
    }
    Some(text + &format!("{}mov.b32 {}, {{%apexu_h0, %apexu_h1}};", site.guard(), site.text("d")))
}

fn to_tf32(site: &Site<'_>) -> Option<String> {
    let rounding = site.checked.slot("RND")?;
    if site.opcode() != "cvt" || !site.has("tf32") || !matches!(rounding, "rn" | "rz") {
        return None;
    }
    let mut text = REGISTERS.to_owned();
    let _ = writeln!(text, "mov.f32 %apexu_f0, {}; mov.b32 %apexu_x0, %apexu_f0;", site.text("a"));
    let _ = writeln!(text, "mov.b32 %apexu_x1, %apexu_x0;");
    if rounding == "rn" {
        text += "shr.u32 %apexu_x2, %apexu_x0, 13; and.b32 %apexu_x2, %apexu_x2, 1;\n";
        text += "add.u32 %apexu_x1, %apexu_x0, 0xfff; add.u32 %apexu_x1, %apexu_x1, %apexu_x2;\n";
    }
    text += "and.b32 %apexu_x1, %apexu_x1, 0xffffe000;\n";
    if site.has("satfinite") {
        // One below an infinity is the largest single; cut, the largest number with ten bits of fraction.
        text += "and.b32 %apexu_x2, %apexu_x1, 0x7fffffff; setp.eq.u32 %apexu_p0, %apexu_x2, 0x7f800000;\n";
        text += "sub.u32 %apexu_x2, %apexu_x1, 1; selp.b32 %apexu_x1, %apexu_x2, %apexu_x1, %apexu_p0;\n";
        text += "and.b32 %apexu_x1, %apexu_x1, 0xffffe000;\n";
    }
    if site.has("relu") {
        text += "max.s32 %apexu_x1, %apexu_x1, 0;\n";
    }
    text += "setp.nan.f32 %apexu_p1, %apexu_f0, %apexu_f0; selp.b32 %apexu_x1, 0x7fffe000, %apexu_x1, %apexu_p1;\n";
    let _ = write!(text, "{}mov.b32 {}, %apexu_x1;", site.guard(), site.text("d"));
    Some(text)
}
