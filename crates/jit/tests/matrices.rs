//! Compiled code and the interpreter agree on products of matrices whose factors are used again and again, on processors with and without the
//! instructions for bytes.

mod common;

use std::fmt::Write;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check, NanRule};
use simt_llvm::CpuLevel;

const THREADS: u32 = 64;
const INPUT_WORDS: usize = 3;
/// More factors than are kept prepared.
const FACTORS: usize = 11;
const PRODUCTS: usize = 33;
const SUMS: usize = 4;

/// A kernel that adds up products of factors, some of them used soon again and some much later. `zero` is 0 for the type of sums; of each
/// register of a factor the bits in `mask` are random.
fn module(product: &str, sums_type: &str, zero: &str, mask: u32) -> String {
    let mut body = String::new();
    for factor in 0..FACTORS {
        for register in 0..6 {
            // Rotations of the thread's words make all of them different.
            let (word, turn) = (register % 6, factor * 3 + register);
            let _ = writeln!(body, "shf.l.wrap.b32 %f{factor}_{register}, %i{word}, %i{word}, {turn};");
            let _ = writeln!(body, "and.b32 %f{factor}_{register}, %f{factor}_{register}, {mask:#x};");
        }
    }
    for sum in 0..SUMS {
        let _ = writeln!(body, "mov.b32 %d{sum}, {zero};");
    }
    for index in 0..PRODUCTS {
        let (left, right) = (index / 3 * 7 % FACTORS, index * 5 % FACTORS);
        let _ = writeln!(
            body,
            "mma.sync.aligned.{product} {{%d0, %d1, %d2, %d3}}, {{%f{left}_0, %f{left}_1, %f{left}_2, %f{left}_3}}, \
             {{%f{right}_4, %f{right}_5}}, {{%d0, %d1, %d2, %d3}};"
        );
    }
    for sum in 0..SUMS {
        let _ = writeln!(body, "mov.b32 %o, %d{sum}; cvt.u64.u32 %w, %o; st.global.u64 [%output + {}], %w;", 8 * sum);
    }
    let mut registers = String::new();
    for factor in 0..FACTORS {
        let list: Vec<String> = (0..6).map(|register| format!("%f{factor}_{register}")).collect();
        let _ = writeln!(registers, ".reg .b32 {};", list.join(", "));
    }
    let input_bytes = 8 * INPUT_WORDS;
    format!(
        ".version 8.4\n.target sm_90\n.address_size 64\n\
         .visible .entry k(.param .u64 input, .param .u64 output)\n{{\n\
         .reg .b64 %input, %output, %offset, %w; .reg .b32 %thread, %o, %i<6>; .reg .{sums_type} %d<{SUMS}>;\n\
         {registers}\
         ld.param.u64 %input, [input]; ld.param.u64 %output, [output]; mov.u32 %thread, %tid.x;\n\
         mul.wide.u32 %offset, %thread, {input_bytes}; add.u64 %input, %input, %offset;\n\
         mul.wide.u32 %offset, %thread, {}; add.u64 %output, %output, %offset;\n\
         ld.global.v2.b32 {{%i0, %i1}}, [%input]; ld.global.v2.b32 {{%i2, %i3}}, [%input + 8];\n\
         ld.global.v2.b32 {{%i4, %i5}}, [%input + 16];\n{body}ret;\n}}\n",
        8 * SUMS
    )
}

/// Sums that go around a loop, with barriers in front of the products and behind them.
const GROUPS: usize = 12;

/// A kernel that adds products of bytes to more sums than there are registers. From turn to turn each group of sums takes the place of another one `step`
/// groups on.
fn turns(step: usize) -> String {
    let group = |name: &str, index: usize| {
        let registers: Vec<String> = (0..SUMS).map(|sum| format!("%{name}{index}_{sum}")).collect();
        registers.join(", ")
    };
    let lists = |name: &str| (0..GROUPS).map(|index| group(name, index)).collect::<Vec<_>>().join(", ");
    let mut code = format!(".reg .b32 {}, {};\n", lists("d"), lists("n"));
    let each = |code: &mut String, text: &dyn Fn(usize, usize) -> String| {
        for index in 0..GROUPS {
            (0..SUMS).for_each(|sum| code.push_str(&text(index, sum)));
        }
    };
    each(&mut code, &|index, sum| format!("mov.b32 %d{index}_{sum}, {};\n", index * SUMS + sum));
    code.push_str("mov.u32 %turn, 0;\n$turn:\nbar.sync 0;\n");
    for index in 0..GROUPS {
        // Of what was in a group before, the next product adds to some once more.
        let from = (index + step) % GROUPS;
        let _ = writeln!(
            code,
            "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {{{}}}, {{%i0, %i1, %i2, %i{}}}, {{%i4, %i5}}, {{{}}};",
            group("n", index),
            index % 4,
            group("d", from)
        );
    }
    code.push_str("bar.sync 0;\n");
    each(&mut code, &|index, sum| format!("mov.b32 %d{index}_{sum}, %n{index}_{sum};\n"));
    code.push_str("add.s32 %turn, %turn, 1;\nsetp.lt.s32 %more, %turn, 5;\n@%more bra $turn;\n");
    code.push_str("mov.u64 %w, 0;\n");
    each(&mut code, &|index, sum| {
        format!(
            "mad.lo.s32 %d{index}_{sum}, %d{index}_{sum}, {}, 1; cvt.u64.u32 %x, %d{index}_{sum}; mad.lo.u64 %w, %w, 31, %x;\n",
            index + 3
        )
    });
    code.push_str("st.global.u64 [%output], %w;\n");
    format!(
        ".version 8.4\n.target sm_90\n.address_size 64\n\
         .visible .entry k(.param .u64 input, .param .u64 output)\n{{\n\
         .reg .b64 %input, %output, %offset, %w, %x; .reg .b32 %thread, %turn, %i<6>; .reg .pred %more;\n\
         ld.param.u64 %input, [input]; ld.param.u64 %output, [output]; mov.u32 %thread, %tid.x;\n\
         mul.wide.u32 %offset, %thread, {}; add.u64 %input, %input, %offset;\n\
         mul.wide.u32 %offset, %thread, 8; add.u64 %output, %output, %offset;\n\
         ld.global.v2.b32 {{%i0, %i1}}, [%input]; ld.global.v2.b32 {{%i2, %i3}}, [%input + 8];\n\
         ld.global.v2.b32 {{%i4, %i5}}, [%input + 16];\n{code}ret;\n}}\n",
        8 * INPUT_WORDS
    )
}

fn check(product: &str, sums_type: &str, zero: &str, mask: u32) {
    check_code(product, module(product, sums_type, zero, mask), SUMS);
}

fn check_code(name: &str, code: String, output_words: usize) {
    let mut state = 1u64;
    // Bytes of all sizes, the extremes among them.
    let inputs = (0..THREADS as usize * INPUT_WORDS).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 29
    });
    let case = Case {
        code,
        blocks: 1,
        threads: THREADS,
        input_words: INPUT_WORDS,
        output_words,
        scratch_words: 0,
        inputs: inputs.collect(),
        checks: vec![Check::Exact; output_words],
    };
    let lowered = Lowered::new(case).unwrap();
    let expected = lowered.interpret().unwrap();
    for level in [CpuLevel::Host, CpuLevel::V4, CpuLevel::V3, CpuLevel::V2] {
        let actual = lowered.run(&Device::of_level(level), true).unwrap();
        if let Err(mismatch) = lowered.case().compare(&expected, &actual, NanRule::AnyDoubleNan) {
            panic!("{name} on {level}: {mismatch}");
        }
    }
}

#[test]
fn factors_are_used_again() {
    // Numbers below 2, so that sums stay numbers.
    check("m16n8k16.row.col.f32.f16.f16.f32", "f32", "0f00000000", 0xbfff_bfff);
    for (a, b) in [("s8", "s8"), ("s8", "u8"), ("u8", "s8"), ("u8", "u8")] {
        check(&format!("m16n8k32.row.col.s32.{a}.{b}.s32"), "b32", "0", u32::MAX);
    }
    check("m16n8k32.row.col.satfinite.s32.s8.s8.s32", "b32", "0", u32::MAX);
    for (a, b) in [("s4", "s4"), ("s4", "u4"), ("u4", "s4"), ("u4", "u4")] {
        check(&format!("m16n8k64.row.col.s32.{a}.{b}.s32"), "b32", "0", u32::MAX);
    }
}

#[test]
fn sums_stay_in_the_frame_from_barrier_to_barrier() {
    for step in [0, 1, 5] {
        check_code(&format!("groups {step} on"), turns(step), 1);
    }
}
