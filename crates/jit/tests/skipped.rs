//! Blocks that nobody comes to: the walk goes past them with all that lanes come to from there alone.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

const THREADS: u32 = 64;

/// Each block goes one of three ways together, parts and meets there, and parts once more on its way to the end, so that the walk comes by
/// the ways that nobody took.
const WAYS: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<9>;
    .reg .b32 %r<16>;
    .reg .b64 %rd<16>;
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mad.lo.s32 %r4, %r2, %r3, %r1;
    mul.wide.u32 %rd3, %r4, 8;
    add.s64 %rd1, %rd1, %rd3;
    add.s64 %rd2, %rd2, %rd3;
    ld.global.u32 %r5, [%rd1];
    and.b32 %r6, %r5, 1;
    setp.ne.s32 %p1, %r6, 0;
    and.b32 %r6, %r5, 2;
    setp.ne.s32 %p2, %r6, 0;
    setp.eq.s32 %p3, %r2, 0;
    setp.eq.s32 %p4, %r2, 1;
    @%p3 bra $first;
    @%p4 bra $second;
    mul.lo.s32 %r5, %r5, 3;
    @%p1 bra $third_met;
    add.s32 %r5, %r5, 11;
$third_met:
    xor.b32 %r5, %r5, 5;
    @%p2 bra $here;
    bra $there;
$second:
    mul.lo.s32 %r5, %r5, 5;
    @%p1 bra $second_met;
    add.s32 %r5, %r5, 13;
$second_met:
    xor.b32 %r5, %r5, 9;
    @%p2 bra $here;
    bra $there;
$first:
    mul.lo.s32 %r5, %r5, 7;
    @%p1 bra $first_met;
    add.s32 %r5, %r5, 17;
$first_met:
    xor.b32 %r5, %r5, 3;
    @%p2 bra $here;
$there:
    add.s32 %r5, %r5, 100;
$here:
    cvt.u64.u32 %rd4, %r5;
    st.global.u64 [%rd2], %rd4;
    ret;
}
";

#[test]
fn ways_that_nobody_takes_change_nothing() {
    let blocks = 3;
    let words = u64::from(blocks * THREADS);
    let case = Case {
        code: WAYS.to_owned(),
        blocks,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..words).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1) >> 7).collect(),
        checks: vec![Check::Exact],
    };
    let lowered = Lowered::new(case).expect("the text is PTX");
    lowered.assert_same_everywhere(&Device::new(), &[THREADS], None, "ways");
}
