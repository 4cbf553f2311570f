//! Lanes that nearly always go the same way, and floats that go from lane to lane: compiled code writes what the interpreter writes where all lanes
//! agree, in some turns of a loop alone, and where they do not.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Words that are read, and words that are written.
const WORDS: u64 = 1024;

/// Each thread adds up the words of its column up to `BOUND`, with a loop over a remainder first and one that goes two steps at a time behind it, as
/// compilers unroll. In the second each thread but the first stores where it stands, and one that stands beyond `LAST` leaves the loop in the
/// middle. What was added up is handed to the neighbour, and behind a barrier lanes are told apart once more by what they found in front of it.
const COLUMNS: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<9>;
    .reg .b32 %r<16>;
    .reg .b64 %rd<16>;
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mov.u32 %r2, BOUND;
    mov.u32 %r10, LAST;
    mov.u32 %r3, 0;
    mov.u32 %r4, %r1;
    setp.ge.s32 %p1, %r1, %r2;
    @%p1 bra $meet;
    not.b32 %r5, %r1;
    add.s32 %r5, %r5, %r2;
    shr.u32 %r5, %r5, 7;
    add.s32 %r5, %r5, 1;
    and.b32 %r6, %r5, 1;
    setp.eq.s32 %p2, %r6, 0;
    @%p2 bra $pairs;
$single:
    mul.wide.s32 %rd3, %r4, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u32 %r7, [%rd4];
    add.s32 %r3, %r3, %r7;
    add.s32 %r4, %r4, 128;
    sub.s32 %r6, %r6, 1;
    setp.ne.s32 %p3, %r6, 0;
    @%p3 bra $single;
$pairs:
    setp.ge.s32 %p4, %r4, %r2;
    @%p4 bra $meet;
$pair:
    mul.wide.s32 %rd3, %r4, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u32 %r7, [%rd4];
    ld.global.u32 %r8, [%rd4+1024];
    add.s32 %r3, %r3, %r7;
    setp.eq.s32 %p5, %r1, 0;
    @%p5 bra $skip;
    add.s64 %rd5, %rd2, %rd3;
    st.global.u64 [%rd5], %rd3;
$skip:
    setp.gt.s32 %p6, %r4, %r10;
    @%p6 bra $meet;
    add.s32 %r3, %r3, %r8;
    add.s32 %r4, %r4, 256;
    setp.lt.s32 %p7, %r4, %r2;
    @%p7 bra $pair;
$meet:
    shfl.sync.bfly.b32 %r9, %r3, 1, 31, -1;
    bar.sync 0;
    mul.wide.u32 %rd6, %r1, 8;
    add.s64 %rd7, %rd2, %rd6;
    cvt.u64.u32 %rd8, %r9;
    mul.wide.u32 %rd9, %r4, 65536;
    xor.b64 %rd8, %rd8, %rd9;
    st.global.u64 [%rd7], %rd8;
    @%p1 bra $end;
    not.b64 %rd8, %rd8;
    st.global.u64 [%rd7], %rd8;
$end:
    ret;
}
";

/// A float of each thread, a NaN that arithmetic made in some, goes to another lane and back into arithmetic, and is stored as it came and as a larger one.
const FLOATS: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<3>;
    .reg .b32 %r<8>;
    .reg .f32 %f<8>;
    .reg .b64 %rd<8>;
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
    ld.global.f32 %f1, [%rd4];
    sqrt.rn.f32 %f2, %f1;
    mov.b32 %r2, %f2;
    shfl.sync.down.b32 %r3|%p1, %r2, 3, 31, -1;
    mov.b32 %f3, %r3;
    max.f32 %f4, %f1, %f3;
    add.f32 %f5, %f4, %f3;
    mov.b32 %r4, %f5;
    shfl.sync.bfly.b32 %r5, %r4, 8, 31, -1;
    mov.b32 %f6, %r5;
    st.global.f32 [%rd5], %f3;
    st.global.f32 [%rd5+4], %f6;
    ret;
}
";

fn case(code: &str, words: u64, inputs: Vec<u64>) -> Case<String> {
    Case {
        code: code.to_owned(),
        blocks: 1,
        threads: THREADS,
        input_words: words as usize / THREADS as usize,
        output_words: words as usize / THREADS as usize,
        scratch_words: 0,
        inputs,
        checks: vec![Check::Exact; words as usize / THREADS as usize],
    }
}

#[test]
fn lanes_that_agree_in_some_turns_write_what_they_write_apart() {
    let device = Device::new();
    for bound in [0u32, 31, 100, 128, 200, 384, 512, 650] {
        for last in [0u32, 128, 300, 1024] {
            let code = COLUMNS.replace("BOUND", &bound.to_string()).replace("LAST", &last.to_string());
            let inputs = (0..WORDS).map(|word| word * 77).collect();
            let lowered = Lowered::new(case(&code, WORDS, inputs)).expect("the text is PTX");
            lowered.assert_same_everywhere(&device, &[THREADS], None, &format!("up to {bound}, {last}"));
        }
    }
}

#[test]
fn floats_that_are_shuffled_show_the_bits_of_a_card() {
    let device = Device::new();
    let floats = [1.5f32, -2.0, 0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -1e-40, 3e38];
    // A signalling one too.
    let bits = |thread: u64| match thread % 11 {
        10 => 0x7f80_0001,
        9 => 0xffc0_1234,
        other => u64::from(floats[other as usize].to_bits()),
    };
    let inputs = (0..u64::from(THREADS)).map(bits).collect();
    let lowered = Lowered::new(case(FLOATS, u64::from(THREADS), inputs)).expect("the text is PTX");
    lowered.assert_same_everywhere(&device, &[THREADS], None, "floats");
}
