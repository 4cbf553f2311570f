//! Loops that few lanes are left in: compiled code, which has each of these end the loop by itself, computes what the interpreter does.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Words that are read.
const WORDS: u64 = 2048;

/// Words that each thread writes.
const RESULTS: usize = 6;

/// Each thread goes from word to word, as many steps as its own word says, or until it comes to one that ends it early. On the way it
/// computes with numbers and predicates, loads and counts where a predicate holds, and stores what it has so far.
const CODE: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<6>;
    .reg .b32 %r<12>;
    .reg .f32 %f<4>;
    .reg .b64 %rd<20>;
    .shared .align 4 .b32 counts[1024];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u64 %rd5, [%rd4];
    mul.wide.u32 %rd6, %r1, 48;
    add.s64 %rd7, %rd2, %rd6;
    cvt.u32.u64 %r2, %rd5;
    shr.u32 %r3, %r2, 8;
    and.b32 %r2, %r2, 63;
    and.b32 %r3, %r3, 2047;
    mov.u64 %rd8, 0;
    mov.f32 %f1, 0f3F800000;
    mov.u32 %r4, 0;
    mov.u32 %r10, counts;
    mad.lo.u32 %r10, %r1, 32, %r10;
    st.shared.u32 [%r10], %r4;
    st.shared.u32 [%r10+4], %r4;
    setp.gt.u32 %p1, %r2, 40;
    setp.eq.u32 %p2, %r2, 0;
    @%p2 bra $end;
$steps:
    mul.wide.u32 %rd9, %r3, 8;
    add.s64 %rd10, %rd1, %rd9;
    ld.global.u64 %rd11, [%rd10];
    add.s64 %rd8, %rd8, %rd11;
    cvt.u32.u64 %r5, %rd11;
    cvt.rn.f32.u32 %f2, %r5;
    fma.rn.f32 %f1, %f1, 0f3F800347, %f2;
    and.b32 %r6, %r5, 31;
    setp.eq.u32 %p3, %r6, 17;
    @%p3 bra $early;
    xor.b32 %r7, %r6, %r2;
    and.b32 %r7, %r7, 1;
    setp.eq.u32 %p4, %r7, 1;
    xor.pred %p1, %p1, %p4;
    and.b32 %r8, %r6, 4;
    add.s32 %r9, %r10, %r8;
    @%p1 atom.shared.add.u32 %r11, [%r9], %r5;
    @%p4 st.global.u64 [%rd7+40], %rd8;
    @%p4 ld.global.u64 %rd12, [%rd10+8];
    @%p4 add.s64 %rd8, %rd8, %rd12;
    mad.lo.u32 %r3, %r3, 5, %r5;
    and.b32 %r3, %r3, 2046;
    sub.u32 %r2, %r2, 1;
    setp.ne.u32 %p2, %r2, 0;
    @%p2 bra $steps;
    bra $end;
$early:
    mov.u32 %r4, 7;
$end:
    selp.u32 %r4, %r4, 100, %p1;
    ld.shared.u32 %r5, [%r10];
    ld.shared.u32 %r6, [%r10+4];
    mov.b32 %r7, %f1;
    st.global.u64 [%rd7], %rd8;
    cvt.u64.u32 %rd13, %r3;
    st.global.u64 [%rd7+8], %rd13;
    cvt.u64.u32 %rd14, %r4;
    st.global.u64 [%rd7+16], %rd14;
    mov.b64 %rd15, {%r5, %r6};
    st.global.u64 [%rd7+24], %rd15;
    cvt.u64.u32 %rd16, %r7;
    st.global.u64 [%rd7+32], %rd16;
    ret;
}
";

/// How many steps a thread goes at most.
type Steps = fn(u64) -> u64;

#[test]
fn few_lanes_end_a_loop_as_all_would() {
    let device = Device::new();
    let steps: [(&str, Steps); 6] = [
        ("together", |_| 33),
        ("none", |_| 0),
        ("one of each warp", |thread| if thread % 32 == 11 { 60 } else { 2 }),
        ("the first and the last", |thread| if [0, 31].contains(&(thread % 32)) { 63 } else { thread % 3 }),
        ("anything", |thread| thread * 7 % 61),
        ("fewer and fewer", |thread| 1 + thread % 32),
    ];
    for (name, steps) in steps {
        let word = |word: u64| (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !63) | steps(word);
        let case = Case {
            code: CODE.to_owned(),
            blocks: 1,
            threads: THREADS,
            input_words: WORDS as usize / THREADS as usize,
            output_words: RESULTS,
            scratch_words: 0,
            inputs: (0..WORDS).map(word).collect(),
            checks: vec![Check::Exact; RESULTS],
        };
        let lowered = Lowered::new(case).expect("the text is PTX");
        lowered.assert_same_everywhere(&device, &[16, 32, THREADS], None, name);
    }
}
