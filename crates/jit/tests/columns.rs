//! Lanes that lie by columns in shared memory: compiled code turns them in registers, and the interpreter says what must come of it.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Each thread that takes part stores a word of its own to the row `thread % columns` and the place `thread / columns`; then it reads the words of
/// its own number along the rows, and one by columns from another place.
fn case(columns: u32, stride: u32, takes_part: &str) -> Case<String> {
    let shift = columns.trailing_zeros();
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<20>;
    .reg .b64 %rd<12>;
    .shared .align 4 .b8 tile[1536];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u64 %rd5, [%rd4];
    cvt.u32.u64 %r2, %rd5;
    mov.u32 %r3, tile;
    shl.b32 %r10, %r1, 2;
    add.s32 %r11, %r3, %r10;
    st.shared.u32 [%r11], %r1;
    st.shared.u32 [%r11+512], %r1;
    st.shared.u32 [%r11+1024], %r1;
    bar.sync 0;
    and.b32 %r4, %r1, {mask};
    shr.u32 %r5, %r1, {shift};
    mad.lo.s32 %r6, %r4, {stride}, %r3;
    shl.b32 %r7, %r5, 2;
    add.s32 %r8, %r6, %r7;
    {takes_part}
    @%p1 st.shared.u32 [%r8], %r2;
    bar.sync 0;
    ld.shared.u32 %r12, [%r11];
    mov.u32 %r13, 0;
    @%p1 ld.shared.u32 %r13, [%r8+4];
    cvt.u64.u32 %rd6, %r12;
    cvt.u64.u32 %rd7, %r13;
    shl.b64 %rd7, %rd7, 32;
    or.b64 %rd6, %rd6, %rd7;
    add.s64 %rd8, %rd2, %rd3;
    st.global.u64 [%rd8], %rd6;
    ret;
}}
",
        mask = columns - 1,
    );
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..2 * u64::from(THREADS)).map(|word| (0x9e37_79b9 * (word + 1)) & 0xffff_ffff).collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn columns_are_stored_and_loaded_as_the_interpreter_does() {
    let device = Device::new();
    for (columns, stride) in [(4, 132), (4, 272), (8, 68), (16, 36), (4, 16)] {
        for takes_part in ["setp.ge.s32 %p1, %r1, 0;", "setp.ne.s32 %p1, %r1, 37;", "setp.lt.u32 %p1, %r5, 3;"] {
            let lowered = Lowered::new(case(columns, stride, takes_part)).expect("the text is PTX");
            // Of threads that store to one place nobody knows which is last.
            if stride < 4 * THREADS / columns && takes_part != "setp.lt.u32 %p1, %r5, 3;" {
                continue;
            }
            let name = format!("{columns} columns, {takes_part}");
            lowered.assert_same_everywhere(&device, &[32, THREADS], None, &name);
        }
    }
}
