//! Parts of vector loads that are computed as memory has them: compiled code makes of them what the interpreter makes.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Each thread loads four numbers, goes through a loop with four sums that begin as `start` says, and stores them. `turn` is what the loop does,
/// `barrier` how its turns end, and `end` what comes behind it.
fn case(start: [&str; 4], turn: &str, barrier: &str, end: &str) -> Case<String> {
    let [x, y, z, w] = start;
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<8>;
    .reg .f32 %f<24>;
    .reg .b64 %rd<10>;
    .shared .align 16 .b8 tile[2048];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 16;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
    ld.global.v4.f32 {{%f1, %f2, %f3, %f4}}, [%rd4];
    ld.global.f32 %f9, [%rd1];
    mov.f32 %f5, {x};
    mov.f32 %f6, {y};
    mov.f32 %f7, {z};
    mov.f32 %f8, {w};
    shl.b32 %r3, %r1, 4;
    mov.u32 %r4, tile;
    add.s32 %r4, %r4, %r3;
    st.shared.v4.f32 [%r4], {{%f1, %f2, %f3, %f4}};
    bar.sync 0;
    mov.u32 %r2, 5;
$turn:
    {turn}
    {barrier}
    sub.s32 %r2, %r2, 1;
    setp.ne.s32 %p1, %r2, 0;
    @%p1 bra $turn;
    {end}
    st.global.v4.f32 [%rd5], {{%f5, %f6, %f7, %f8}};
    ret;
}}
"
    );
    Case {
        code,
        blocks: 1,
        threads: THREADS,
        input_words: 2,
        output_words: 2,
        scratch_words: 0,
        // Numbers, infinities and NaNs of both kinds.
        inputs: (0..2 * u64::from(THREADS)).map(|word| pair(2 * word) | pair(2 * word + 1) << 32).collect(),
        checks: vec![Check::Exact; 2],
    }
}

fn pair(number: u64) -> u64 {
    let special = [0x7f80_0000, 0xff80_0000, 0x7fc0_1234, 0x7f80_0001, 0x0000_0001, 0x8000_0000];
    match number % 17 {
        0 if number > 16 => special[(number / 17) as usize % special.len()],
        _ => u64::from((1.0 + number as f32 / 8.0).to_bits()),
    }
}

const FMA: &str = "
    ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r4];
    fma.rn.f32 %f5, %f1, %f9, %f5;
    fma.rn.f32 %f6, %f2, %f9, %f6;
    fma.rn.f32 %f7, %f3, %f9, %f7;
    fma.rn.f32 %f8, %f4, %f9, %f8;";

/// Keeps what the turn began with.
const PREVIOUS: &str = "
    mov.f32 %f20, %f5;
    mov.f32 %f21, %f6;
    mov.f32 %f22, %f7;
    mov.f32 %f23, %f8;
    fma.rn.f32 %f5, %f1, %f9, %f5;
    fma.rn.f32 %f6, %f2, %f9, %f6;
    fma.rn.f32 %f7, %f3, %f9, %f7;
    fma.rn.f32 %f8, %f4, %f9, %f8;";

const MIXED: &str = "
    sub.f32 %f10, %f1, %f9;
    sub.f32 %f11, %f2, %f9;
    sub.f32 %f12, %f3, %f9;
    sub.f32 %f13, %f4, %f9;
    mul.sat.f32 %f14, %f13, %f13;
    neg.f32 %f13, %f13;
    max.f32 %f15, %f10, %f11;
    add.f32 %f5, %f5, %f10;
    add.f32 %f6, %f6, %f11;
    add.f32 %f7, %f7, %f12;
    add.f32 %f8, %f8, %f15;
    add.f32 %f8, %f8, %f14;";

/// A part that has gone another way: the loop takes it along, but no pack does.
const ONE_ALONE: &str = "
    add.f32 %f5, %f5, %f1;
    add.f32 %f6, %f6, %f2;
    add.f32 %f7, %f7, %f3;
    add.f32 %f8, %f8, %f4;
    setp.eq.s32 %p2, %r2, 3;
    @%p2 mov.f32 %f7, %f9;";

#[test]
fn parts_are_computed_as_the_interpreter_does() {
    let device = Device::new();
    if !device.has_fma() {
        return;
    }
    let sum = "add.f32 %f5, %f5, %f6; add.f32 %f7, %f7, %f8;";
    let again = "$out: ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd4]; add.f32 %f5, %f5, %f1; add.f32 %f6, %f6, %f2; add.f32 %f7, %f7, %f3; add.f32 %f8, %f8, %f4;";
    let leave = "and.b32 %r5, %r1, 3; setp.lt.u32 %p2, %r2, %r5; @%p2 bra $out;";
    let before = "mov.f32 %f5, %f20; mov.f32 %f6, %f21; mov.f32 %f7, %f22; mov.f32 %f8, %f23;";
    for (turn, barrier, end) in [
        (PREVIOUS, "", before),
        (PREVIOUS, "bar.sync 0;", before),
        (FMA, "", ""),
        (FMA, "bar.sync 0;", ""),
        (FMA, "", sum),
        (FMA, leave, "$out:"),
        (FMA, leave, again),
        (MIXED, "bar.sync 0;", sum),
        (MIXED, leave, "$out:"),
        (ONE_ALONE, "bar.sync 0;", ""),
        (ONE_ALONE, leave, "$out:"),
    ] {
        for start in [["0f00000000"; 4], ["%f1", "%f2", "%f3", "%f4"], ["%f2", "%f1", "%f3", "%f4"]] {
            let lowered = Lowered::new(case(start, turn, barrier, end)).expect("the text is PTX");
            let name = format!("{start:?} {turn} {barrier} {end}");
            lowered.assert_same_everywhere(&device, &[16, 32, THREADS], None, &name);
        }
    }
}

/// Lanes of each kind come together with four numbers, of which the last is read first, and is the only one that is wanted behind the barrier.
#[test]
fn one_part_of_what_meets_survives_a_barrier() {
    let device = Device::new();
    if !device.has_fma() {
        return;
    }
    for who in ["setp.gt.u32 %p2, %r1, 70;", "and.b32 %r5, %r1, 1; setp.eq.u32 %p2, %r5, 0;"] {
        let mut case = case(["0f00000000"; 4], "", "", "");
        let (before, _) = case.code.split_once("    mov.u32 %r2, 5;").expect("there is such a line");
        case.code = format!(
            "{before}
    {who}
    @%p2 bra $join;
    ld.global.v4.f32 {{%f5, %f6, %f7, %f8}}, [%rd4];
$join:
    add.f32 %f10, %f8, %f9;
    st.global.v4.f32 [%rd5], {{%f5, %f6, %f7, %f8}};
    bar.sync 0;
    add.f32 %f10, %f10, %f8;
    st.global.f32 [%rd5+4], %f8;
    st.global.f32 [%rd5+8], %f10;
    ret;
}}
"
        );
        let lowered = Lowered::new(case).expect("the text is PTX");
        lowered.assert_same_everywhere(&device, &[16, 32, THREADS], None, who);
    }
}
