//! What each lane has to itself in shared memory, a few words, is moved by plain accesses and turned in registers
//! (`simt-llvm/src/emit/strided.rs`); the interpreter says what must come of it.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// What stands in the middle of the accesses to a thread's words: `N` is the offset of the word that was just stored to, `M` of the one before it, `L` of the
/// last.
const BETWEEN: [&str; 8] = [
    "",
    // A word that has been stored is loaded again.
    "ld.shared.u32 %r13, [%r6+N]; xor.b32 %r9, %r9, %r13;",
    // One that is still to be loaded is stored.
    "mul.lo.s32 %r13, %r9, 3; st.shared.u32 [%r6+L], %r13;",
    // Another is stored twice.
    "ld.shared.u32 %r13, [%r6+N]; xor.b32 %r9, %r9, %r13; st.shared.u32 [%r6+M], %r9;",
    // Some threads store to it.
    "@%p1 st.shared.u32 [%r6+N], %r9;",
    // Another array, and the thread's own words by an address that nothing is known of.
    "st.shared.u32 [%r15], %r9; ld.shared.u32 %r13, [%r16+N]; xor.b32 %r9, %r9, %r13; st.shared.u32 [%r16], %r9;",
    // The words of the next thread, between barriers.
    "bar.sync 0; ld.shared.u32 %r13, [%r14]; xor.b32 %r9, %r9, %r13; bar.sync 0;",
    // A sum across the warp.
    "shfl.sync.bfly.b32 %r13, %r9, 3, 31, -1; xor.b32 %r9, %r9, %r13;",
];

/// Each thread stores `words` words, changes each of them and adds them up, if it `takes_part`.
fn case(words: u32, between: &str, takes_part: &str) -> Case<String> {
    let bytes = 4 * words;
    let between = between.replace('N', &(bytes / 2).to_string()).replace('M', &(bytes / 2 - 4).to_string());
    let between = between.replace('L', &(bytes - 4).to_string());
    let mut stores = String::new();
    let mut changes = String::new();
    for word in 0..words {
        // Not in order.
        let at = 4 * (word * 5 % words.next_power_of_two() % words);
        stores += &format!("mad.lo.s32 %r2, %r2, 69069, {word}; st.shared.u32 [%r6+{at}], %r2;\n");
        changes += &format!("ld.shared.u32 %r12, [%r6+{}];\n", 4 * word);
        changes += &format!("st.shared.u32 [%r6+{}], %r9; mad.lo.s32 %r9, %r9, 31, %r12;\n", 4 * word);
        if word == words / 2 {
            changes += &between;
        }
    }
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
    .shared .align 4 .b8 other[512];
    .shared .align 4 .b8 own[{size}];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u32 %r2, [%rd4];
    ld.global.u32 %r4, [%rd4+4];
    mov.u32 %r5, own;
    mad.lo.s32 %r6, %r1, {bytes}, %r5;
    mov.u32 %r8, other;
    shl.b32 %r7, %r1, 2;
    add.s32 %r15, %r8, %r7;
    and.b32 %r14, %r4, 63;
    add.s32 %r14, %r14, %r1;
    and.b32 %r14, %r14, 127;
    mad.lo.s32 %r14, %r14, {bytes}, %r5;
    mad.lo.s32 %r16, %r1, {bytes}, %r5;
    shr.u32 %r17, %r4, 31;
    shr.u32 %r17, %r17, 1;
    xor.b32 %r16, %r16, %r17;
    and.b32 %r18, %r4, 1;
    setp.ne.s32 %p1, %r18, 0;
    {stores}
    mov.u32 %r9, %r4;
    bar.sync 0;
    {takes_part}
    {changes}
SKIP:
    bar.sync 0;
    ld.shared.u32 %r10, [%r6];
    ld.shared.u32 %r11, [%r6+{last}];
    mad.lo.s32 %r9, %r9, 31, %r10;
    mad.lo.s32 %r9, %r9, 31, %r11;
    cvt.u64.u32 %rd6, %r9;
    add.s64 %rd8, %rd2, %rd3;
    st.global.u64 [%rd8], %rd6;
    ret;
}}
",
        size = bytes * THREADS,
        last = bytes - 4,
    );
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..2 * u64::from(THREADS)).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1)).collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn words_of_lanes_are_moved_as_the_interpreter_does() {
    let device = Device::new();
    for words in [2, 4, 8, 16] {
        for (number, between) in BETWEEN.into_iter().enumerate() {
            // Barriers and operations across lanes want all threads.
            let together = number >= 6;
            for takes_part in ["", "setp.lt.u32 %p2, %r1, 77; @!%p2 bra SKIP;"] {
                if together && !takes_part.is_empty() {
                    continue;
                }
                let lowered = Lowered::new(case(words, between, takes_part)).expect("the text is PTX");
                let name = format!("{words} words, {between} {takes_part}");
                lowered.assert_same_everywhere(&device, &[32, 64, THREADS], None, &name);
            }
        }
    }
}
