//! Kernels of so many accesses that these are called instead of inlined (`simt-llvm/src/emit/outline.rs`), and of nearly so many: compiled code does what
//! the interpreter does.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 64;

/// Words of 64 bits that a thread brings.
const WORDS: u32 = 4;

/// Loads from anywhere in the input, and loads and stores anywhere in eight words of shared memory that each thread has to itself, some of them for some lanes.
fn case(accesses: u32) -> Case<String> {
    let lines: String = (0..accesses)
        .map(|turn| {
            let guard = ["", "", "@%p1 "][turn as usize % 3];
            let own = "shr.u32 %r3, %r2, 9; and.b32 %r3, %r3, 28; add.s32 %r3, %r3, %r6;";
            let access = match turn % 4 {
                0 => format!("{own} {guard}st.shared.u32 [%r3], %r2;"),
                1 => format!("{own} {guard}ld.shared.u32 %r4, [%r3];"),
                _ => format!(
                    "shr.u32 %r3, %r2, 7; and.b32 %r3, %r3, {}; mul.wide.u32 %rd5, %r3, 8; add.s64 %rd5, %rd5, %rd1;
                     {guard}ld.global.u32 %r4, [%rd5+4];",
                    2 * THREADS * WORDS - 1
                ),
            };
            format!("mad.lo.s32 %r2, %r2, 69069, {turn}; {access} xor.b32 %r2, %r2, %r4;\n")
        })
        .collect();
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<2>;
    .reg .b32 %r<10>;
    .reg .b64 %rd<10>;
    .shared .align 16 .b8 own[{own_bytes}];
    mov.u32 %r1, %tid.x;
    mov.u32 %r7, %ctaid.x;
    mad.lo.s32 %r8, %r7, {THREADS}, %r1;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.lo.s32 %r6, %r1, 32;
    mov.u32 %r5, own;
    add.s32 %r6, %r6, %r5;
    st.shared.v4.u32 [%r6], {{%r1, %r8, %r1, %r8}};
    st.shared.v4.u32 [%r6+16], {{%r1, %r8, %r1, %r8}};
    and.b32 %r9, %r1, 5;
    setp.ne.s32 %p1, %r9, 4;
    mov.u32 %r4, 1;
    mad.lo.s32 %r2, %r8, 40503, 977;
    {lines}
    mul.wide.u32 %rd3, %r8, 8;
    add.s64 %rd4, %rd2, %rd3;
    cvt.u64.u32 %rd6, %r2;
    st.global.u64 [%rd4], %rd6;
    ret;
}}
",
        own_bytes = 32 * THREADS,
    );
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: WORDS as usize,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..u64::from(2 * THREADS * WORDS))
            .map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1))
            .collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn accesses_that_are_called_do_what_the_interpreter_does() {
    let device = Device::new();
    for accesses in [60, 300, 400] {
        let lowered = Lowered::new(case(accesses)).expect("the text is PTX");
        lowered.assert_same_everywhere(&device, &[32, THREADS], None, &format!("{accesses} accesses"));
    }
}
