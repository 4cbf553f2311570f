//! Elements of arrays by indices of 32 bits: compiled code, which tests the base alone and gathers by words, reads and writes what the
//! interpreter does, and says of an element that is not there which thread wanted it, and where. In shared memory words are tested.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 64;

/// Reads words of the input at an index of each thread's own that `index` computes in `%r3`, adds one that `adds` says, and writes the sum to the output,
/// at the index again. The lanes' indices lie in disorder.
fn case(index: &str, extend: &str, base_moved_by: i64, bytes: u32) -> Case<String> {
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .b32 %r<8>;
    .reg .b64 %rd<12>;
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    add.s64 %rd1, %rd1, {base_moved_by};
    mul.lo.s32 %r2, %r1, 37;
    and.b32 %r2, %r2, {mask};
    {index}
    mul.wide.{extend} %rd3, %r3, {bytes};
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u{bits} %rd5, [%rd4];
    mul.wide.u32 %rd6, %r2, 8;
    add.s64 %rd7, %rd2, %rd6;
    st.global.u64 [%rd7], %rd5;
    atom.global.add.u64 %rd8, [%rd7], 5;
    ld.global.u64 %rd9, [%rd7];
    add.s64 %rd9, %rd9, %rd8;
    st.global.u64 [%rd7], %rd9;
    ret;
}}
",
        mask = THREADS - 1,
        bits = 8 * bytes,
    );
    Case {
        code,
        blocks: 1,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..u64::from(THREADS)).map(|word| 0x1_0203_0405 * (word + 1)).collect(),
        checks: vec![Check::Exact],
    }
}

/// As PTX has it: `%r3` from `%r2`.
fn moved_index(distance: i64) -> String {
    format!("add.s32 %r3, %r2, {distance};")
}

#[test]
fn indices_with_and_without_sign_reach_their_elements() {
    let device = Device::new();
    let half = 1i64 << 31;
    for bytes in [1, 2, 4, 8] {
        let width = i64::from(bytes);
        for (extend, distance, base) in [
            ("s32", 0, 0),
            ("u32", 0, 0),
            // Negative indices from behind; large ones from far before.
            ("s32", -64, 64 * width),
            ("u32", half, -half * width),
            ("u32", -64, -((1i64 << 32) - 64) * width),
            ("s32", half - 64, -(half - 64) * width),
            // Some of the lanes are on either side.
            ("s32", -20, 20 * width),
            ("u32", half - 20, -(half - 20) * width),
        ] {
            let case = case(&moved_index(distance as i32 as i64), extend, base, bytes);
            let lowered = Lowered::new(case).expect("the text is PTX");
            let name = format!("{bytes} bytes, {extend}, {distance}, base moved by {base}");
            lowered.assert_same_everywhere(&device, &[8, 32, THREADS], None, &name);
            lowered.assert_same_everywhere(&Device::new().like_zen5(), &[32, THREADS], None, &name);
            let quick = Device::new().quickly();
            assert_eq!(lowered.run(&quick, true), lowered.run(&device, true), "{name}");
        }
    }
}

#[test]
fn the_thread_that_wants_what_is_not_there_is_named() {
    // The thread whose index is 5 reads far behind, before, or a little behind the input: 37 * 33 = 5 modulo 64.
    let far = "setp.eq.s32 %p1, %r2, 5; selp.b32 %r3, DISTANCE, %r2, %p1;";
    for device in [Device::new(), Device::new().quickly()] {
        for (extend, distance) in
            [("s32", 0x7fff_ffff), ("s32", -0x7fff_0000), ("u32", -1), ("s32", 1 << 20), ("u32", 0x4000_0000)]
        {
            let index = far.replace("DISTANCE", &format!("{distance}"));
            let mut case = case(&index, extend, 0, 4);
            case.code = case.code.replace(".reg .b64", ".reg .pred %p<2>;\n    .reg .b64");
            let line = 1 + case.code.lines().position(|line| line.contains("ld.global.u32")).expect("it loads");
            let lowered = Lowered::new(case).expect("the text is PTX");
            let fault = lowered.run(&device, true).expect_err("one lane faults");
            assert!(fault.contains("IllegalAddress"), "{fault}");
            assert!(
                fault.contains("thread: Some([33, 0, 0])") && fault.contains(&format!("line: Some({line})")),
                "{fault}"
            );
        }
    }
}

#[test]
fn a_base_that_is_not_aligned_is_told() {
    let device = Device::new();
    let lowered = Lowered::new(case(&moved_index(0), "s32", 2, 4)).expect("the text is PTX");
    let fault = lowered.run(&device, true).expect_err("no lane is aligned");
    assert!(fault.contains("MisalignedAddress"), "{fault}");
}

/// Stores each thread's number in shared memory, in disorder, and reads it where the thread with the number `%r3` put it: at `offset` from the
/// beginning of its word.
fn shared_case(index: &str, offset: i32) -> Case<String> {
    let mut case = case(index, "s32", 0, 8);
    let (before, _) = case.code.split_once("    mul.wide.s32 %rd3").expect("there is such a line");
    case.code = format!(
        "{before}
    .shared .align 8 .b8 words[{bytes}];
    mov.u32 %r4, words;
    shl.b32 %r5, %r2, 2;
    add.s32 %r5, %r4, %r5;
    st.shared.u32 [%r5], %r1;
    bar.sync 0;
    shl.b32 %r6, %r3, 2;
    add.s32 %r6, %r4, %r6;
    ld.shared.u32 %rd5, [%r6+{offset}];
    mul.wide.u32 %rd6, %r1, 8;
    add.s64 %rd7, %rd2, %rd6;
    st.global.u64 [%rd7], %rd5;
    ret;
}}
",
        bytes = 4 * THREADS,
    );
    case
}

#[test]
fn words_of_shared_memory_are_tested_as_words() {
    let last = 4 * (THREADS as i32 - 1);
    let xor = "xor.b32 %r3, %r2, 21;";
    for device in [Device::new(), Device::new().like_zen5(), Device::new().quickly()] {
        let lowered = Lowered::new(shared_case(xor, 0)).expect("the text is PTX");
        lowered.assert_same_everywhere(&device, &[8, THREADS], None, "words in disorder");
        // From the last word on, before the first, and in between.
        for (index, offset, fault) in [
            ("add.s32 %r3, %r2, 1;", 0, "IllegalAddress"),
            ("add.s32 %r3, %r2, -1;", 0, "IllegalAddress"),
            ("add.s32 %r3, %r2, 0x10000000;", 0, "IllegalAddress"),
            (xor, last + 4, "IllegalAddress"),
            (xor, 4, "IllegalAddress"),
            (xor, 2, "MisalignedAddress"),
            // Not quite brought back, and too far.
            ("add.s32 %r3, %r2, -17;", 64, "IllegalAddress"),
            ("add.s32 %r3, %r2, -15;", 64, "IllegalAddress"),
            ("add.s32 %r3, %r2, 15;", -64, "IllegalAddress"),
        ] {
            let lowered = Lowered::new(shared_case(index, offset)).expect("the text is PTX");
            let found = lowered.run(&device, true).expect_err("one lane faults");
            assert!(found.contains(fault) && found.contains("shared"), "{index} {offset}: {found}");
        }
        // Words below zero, and such beyond the end, that the offset brings back.
        for (index, offset) in
            [("sub.s32 %r3, 63, %r2;", 0), ("add.s32 %r3, %r2, -16;", 64), ("add.s32 %r3, %r2, 16;", -64)]
        {
            let lowered = Lowered::new(shared_case(index, offset)).expect("the text is PTX");
            lowered.assert_same_everywhere(&device, &[8, THREADS], None, index);
        }
    }
}

/// The lanes of a warp store their numbers to five places in shared memory, and again in global memory: those are seen that the interpreter sees.
#[test]
fn of_lanes_that_store_to_one_place_the_right_one_is_seen() {
    let mut case = case("rem.u32 %r3, %r2, 5;", "s32", 0, 8);
    let (before, _) = case.code.split_once("    mul.wide.s32 %rd3").expect("there is such a line");
    case.code = format!(
        "{before}
    .shared .align 8 .b8 words[256];
    mov.u32 %r4, words;
    shl.b32 %r5, %r1, 2;
    add.s32 %r5, %r4, %r5;
    st.shared.u32 [%r5], %r1;
    shl.b32 %r6, %r3, 2;
    add.s32 %r6, %r4, %r6;
    bar.sync 0;
    st.shared.u32 [%r6], %r2;
    bar.sync 0;
    ld.shared.u32 %r7, [%r5];
    mul.wide.u32 %rd6, %r1, 8;
    add.s64 %rd7, %rd2, %rd6;
    st.global.u32 [%rd7+4], %r7;
    mul.wide.u32 %rd8, %r3, 8;
    add.s64 %rd9, %rd2, %rd8;
    st.global.u32 [%rd9], %r1;
    ret;
}}
"
    );
    case.threads = 32;
    let lowered = Lowered::new(case).expect("the text is PTX");
    for device in [Device::new(), Device::new().like_zen5(), Device::new().quickly()] {
        lowered.assert_same_everywhere(&device, &[32], None, "one is seen");
    }
}
