//! Lanes that lie one before the other in shared memory: compiled code turns a plain vector around, and the interpreter says what must come of it,
//! at the ends of the space and with lanes missing too.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Each thread that takes part stores a number of its own `thread` elements before the place `last`; then all read what lies at their place from the
/// front, and, if they take part, what lies `thread` elements before `last`, and a neighbour.
fn case(bits: u32, last: u32, takes_part: &str) -> Case<String> {
    let bytes = bits / 8;
    let (class, shift) = if bits == 64 { ("rd", bytes.trailing_zeros()) } else { ("r", bytes.trailing_zeros()) };
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<20>;
    .reg .b64 %rd<20>;
    .shared .align 8 .b8 row[{size}];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u64 %rd5, [%rd4];
    cvt.u32.u64 %r5, %rd5;
    mov.u32 %r3, row;
    shl.b32 %r10, %r1, {shift};
    add.s32 %r11, %r3, %r10;
    st.shared.u{bits} [%r11], %{class}5;
    bar.sync 0;
    sub.s32 %r12, {last}, %r1;
    shl.b32 %r13, %r12, {shift};
    add.s32 %r14, %r3, %r13;
    {takes_part}
    @%p1 st.shared.u{bits} [%r14], %{class}5;
    bar.sync 0;
    ld.shared.u{bits} %{class}6, [%r11];
    mov.u32 %r7, 0;
    mov.u64 %rd7, 0;
    @%p1 ld.shared.u{bits} %{class}7, [%r14];
    setp.ne.and.u32 %p2, %r12, 0, %p1;
    mov.u32 %r8, 0;
    mov.u64 %rd8, 0;
    @%p2 ld.shared.u{bits} %{class}8, [%r14+-{bytes}];
    {widen}
    mul.wide.u32 %rd9, %r1, 24;
    add.s64 %rd10, %rd2, %rd9;
    st.global.u64 [%rd10], %rd6;
    st.global.u64 [%rd10+8], %rd7;
    st.global.u64 [%rd10+16], %rd8;
    ret;
}}
",
        size = THREADS * bytes,
        widen = match bits {
            64 => "",
            _ => "cvt.u64.u32 %rd6, %r6; cvt.u64.u32 %rd7, %r7; cvt.u64.u32 %rd8, %r8;",
        },
    );
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 1,
        output_words: 3,
        scratch_words: 0,
        inputs: (0..2 * u64::from(THREADS)).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1)).collect(),
        checks: vec![Check::Exact; 3],
    }
}

#[test]
fn rows_are_stored_and_loaded_from_the_end() {
    let device = Device::new();
    for bits in [8, 16, 32, 64] {
        for (last, takes_part) in [
            (127, "setp.ge.s32 %p1, %r1, 0;"),
            (127, "setp.ne.s32 %p1, %r1, 37;"),
            // Lanes that reach over the beginning of the space, or its end, take no part.
            (50, "setp.le.s32 %p1, %r1, 50;"),
            (50, "setp.eq.s32 %p1, %r1, 50;"),
            (140, "setp.ge.s32 %p1, %r1, 13;"),
        ] {
            let lowered = Lowered::new(case(bits, last, takes_part)).expect("the text is PTX");
            let name = format!("{bits} bits, from {last}, {takes_part}");
            lowered.assert_same_everywhere(&device, &[32, THREADS], None, &name);
        }
    }
}

#[test]
fn a_lane_beyond_the_space_is_found() {
    let device = Device::new();
    for (last, takes_part) in [(50, "setp.le.s32 %p1, %r1, 51;"), (140, "setp.ge.s32 %p1, %r1, 12;")] {
        let lowered = Lowered::new(case(32, last, takes_part)).expect("the text is PTX");
        assert!(lowered.run(&device, true).is_err(), "from {last}, {takes_part}");
    }
}
