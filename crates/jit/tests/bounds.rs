//! Indices held within bounds: compiled code hopes that no lane is at one, and reads what the interpreter reads where lanes are.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Words that are read, from the beginning of the inputs.
const WORDS: i64 = 96;

/// Reads the word at the thread's number and `start`, held within 0 and the last word, or at one of the two bounds.
fn case(start: i64, lower: bool, upper: bool) -> Case<String> {
    let bound = |wanted: bool, text: &str| if wanted { text.to_owned() } else { String::new() };
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .b32 %r<6>;
    .reg .b64 %rd<8>;
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    add.s32 %r2, %r1, {start};
    {}
    {}
    mul.wide.s32 %rd3, %r2, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u64 %rd5, [%rd4];
    mul.wide.u32 %rd6, %r1, 8;
    add.s64 %rd7, %rd2, %rd6;
    st.global.u64 [%rd7], %rd5;
    ret;
}}
",
        bound(lower, "max.s32 %r2, %r2, 0;"),
        bound(upper, &format!("min.s32 %r2, %r2, {};", WORDS - 1)),
    );
    Case {
        code,
        blocks: 1,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..u64::from(THREADS)).map(|word| 1000 + word).collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn lanes_at_a_bound_read_the_bound() {
    let device = Device::new();
    // Within the bounds, at the lower, at the upper, at both, and all lanes beyond one.
    for (start, lower, upper) in [
        (0, false, true),
        (-3, true, false),
        (-3, true, true),
        (40, false, true),
        (-200, true, true),
        (500, true, true),
    ] {
        let case = case(start, lower, upper);
        let expected: Vec<u64> = (0..i64::from(THREADS))
            .map(|thread| if lower { (thread + start).max(0) } else { thread + start })
            .map(|index| 1000 + if upper { index.min(WORDS - 1) } else { index } as u64)
            .collect();
        let lowered = Lowered::new(case).expect("the text is PTX");
        let name = format!("from {start}");
        lowered.assert_same_everywhere(&device, &[8, 16, 32, THREADS], Some(&expected), &name);
    }
}
