//! Indices that lanes most likely have in order, though they left a loop one by one: compiled code reads what the interpreter reads where
//! they have and where they have not.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Words that are read.
const WORDS: u64 = 2048;

/// As unrolled loops begin: each thread goes so many steps of 128 words as its input says; those with fewer than seven then add up words
/// two by two, up to a common end, and store each sum where they stood.
const CODE: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<5>;
    .reg .b32 %r<8>;
    .reg .b64 %rd<16>;
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u64 %rd5, [%rd4];
    cvt.u32.u64 %r2, %rd5;
    and.b32 %r2, %r2, 7;
    setp.eq.s32 %p3, %r2, 7;
    mov.u32 %r3, %r1;
    mov.u64 %rd6, 0;
    setp.eq.s32 %p1, %r2, 0;
    @%p1 bra $rest;
$steps:
    add.s32 %r3, %r3, 128;
    sub.s32 %r2, %r2, 1;
    setp.ne.s32 %p1, %r2, 0;
    @%p1 bra $steps;
$rest:
    @%p3 bra $end;
$pairs:
    mul.wide.s32 %rd7, %r3, 8;
    add.s64 %rd8, %rd1, %rd7;
    ld.global.u64 %rd9, [%rd8];
    ld.global.u64 %rd10, [%rd8+1024];
    add.s64 %rd6, %rd6, %rd9;
    add.s64 %rd6, %rd6, %rd10;
    add.s64 %rd11, %rd2, %rd7;
    st.global.u64 [%rd11+1024], %rd6;
    add.s32 %r3, %r3, 256;
    setp.lt.s32 %p2, %r3, 1024;
    @%p2 bra $pairs;
$end:
    add.s64 %rd12, %rd2, %rd3;
    st.global.u64 [%rd12], %rd6;
    ret;
}
";

/// How many steps a thread goes.
type Steps = fn(u64) -> u64;

#[test]
fn lanes_that_left_a_loop_apart_read_and_write_their_own_words() {
    let device = Device::new();
    let steps: [(&str, Steps); 6] = [
        ("together", |_| 3),
        ("none", |_| 0),
        ("each of two halves", |thread| thread % 32 / 16),
        ("the first lane late", |thread| u64::from(thread % 32 == 0)),
        ("anything", |thread| thread * 7 % 5),
        ("some not at all", |thread| if thread % 3 == 0 { 7 } else { 2 }),
    ];
    for (name, steps) in steps {
        let case = Case {
            code: CODE.to_owned(),
            blocks: 1,
            threads: THREADS,
            input_words: WORDS as usize / THREADS as usize,
            output_words: WORDS as usize / THREADS as usize,
            scratch_words: 0,
            inputs: (0..WORDS).map(|word| word * 1000 / 8 * 8 + steps(word)).collect(),
            checks: vec![Check::Exact; WORDS as usize / THREADS as usize],
        };
        let lowered = Lowered::new(case).expect("the text is PTX");
        lowered.assert_same_everywhere(&device, &[16, 32, THREADS], None, name);
    }
}
