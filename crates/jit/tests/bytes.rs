//! Letters that are compared as the bytes they are, by lanes that give up one after the other, in a loop whose turns are counted; and lanes that store
//! across an end of shared memory, where only those within take part. Compiled code writes what the interpreter writes, and finds who leaves their space.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Each thread has a letter of a text, and the first `TAIL` threads have another one behind it. All look for four words of four letters, from their own
/// place on; a letter's bits are those that `LETTER` leaves, extended as `KIND` has it, and a word's are compared by `COMPARE`. The loop over words
/// counts `BEGIN`, `STEP`, and `STAY` says whether it goes on.
const SEARCH: &str = "
.version 8.0
.target sm_75
.address_size 64
.const .align 1 .b8 words[16] = {0, 255, 1, 254, 1, 1, 1, 1, 254, 0, 255, 1, 255, 255, 0, 0};
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<10>;
    .reg .b16 %rs<8>;
    .reg .b32 %r<20>;
    .reg .b64 %rd<16>;
    .shared .align 1 .b8 text[131];
    .shared .align 4 .b8 counts[16];
    .shared .align 4 .b8 turns[16];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
    ld.global.u32 %r2, [%rd4];
    and.b32 %r2, %r2, LETTER;
    sub.s32 %r2, %r2, 1;
    ld.global.u32 %r3, [%rd4+4];
    and.b32 %r3, %r3, LETTER;
    mov.u32 %r4, text;
    add.s32 %r5, %r4, %r1;
    st.shared.u8 [%r5], %r2;
    setp.ge.u32 %p1, %r1, TAIL;
    @%p1 bra $filled;
    st.shared.u8 [%r5+128], %r3;
$filled:
    setp.gt.u32 %p2, %r1, 3;
    shl.b32 %r6, %r1, 2;
    mov.u32 %r7, counts;
    add.s32 %r8, %r7, %r6;
    @%p2 bra $cleared;
    mov.u32 %r9, 0;
    st.shared.u32 [%r8], %r9;
$cleared:
    bar.sync 0;
    ld.shared.KIND %rs1, [%r5];
    mov.u64 %rd6, words;
    mov.u32 %r10, BEGIN;
    mov.u32 %r11, counts;
    mov.u32 %r18, turns;
    mov.u32 %r12, 0;
$word:
    st.shared.u32 [%r18], %r10;
    add.s32 %r18, %r18, 4;
    ld.const.KIND %rs2, [%rd6];
    setp.COMPARE %p3, %rs1, %rs2;
    @%p3 bra $next;
    add.s32 %r12, %r12, 1;
    ld.const.KIND %rs3, [%rd6+1];
    ld.shared.KIND %rs4, [%r5+1];
    setp.COMPARE %p4, %rs4, %rs3;
    @%p4 bra $next;
    add.s32 %r12, %r12, 256;
    ld.const.KIND %rs3, [%rd6+2];
    ld.shared.KIND %rs4, [%r5+2];
    setp.COMPARE %p5, %rs4, %rs3;
    @%p5 bra $next;
    ld.shared.KIND %rs5, [%r5+3];
    setp.COMPARE %p6, %rs5, 1;
    @%p6 bra $next;
    add.s32 %r12, %r12, 65536;
    atom.shared.add.u32 %r13, [%r11], 1;
$next:
    add.s64 %rd6, %rd6, 4;
    add.s32 %r11, %r11, 4;
    add.s32 %r10, %r10, STEP;
    setp.STAY %p7, %r10, END;
    @%p7 bra $word;
    bar.sync 0;
    and.b32 %r14, %r6, 12;
    add.s32 %r15, %r7, %r14;
    ld.shared.u32 %r16, [%r15];
    shl.b32 %r16, %r16, 24;
    or.b32 %r17, %r16, %r12;
    cvt.u64.u32 %rd7, %r17;
    st.global.u64 [%rd5], %rd7;
    ret;
}
";

/// The search with its gaps filled.
fn case(gaps: &[(&str, &str)]) -> Case<String> {
    let usual = [
        ("LETTER", "3"),
        ("TAIL", "3"),
        ("KIND", "u8"),
        ("COMPARE", "ne.s16"),
        ("BEGIN", "4"),
        ("STEP", "8"),
        ("STAY", "ne.s32"),
        ("END", "36"),
    ];
    let fill = |text: String, (gap, with): &(&str, &str)| text.replace(gap, with);
    let code = gaps.iter().fold(SEARCH.to_owned(), fill);
    Case {
        code: usual.iter().fold(code, fill),
        blocks: 1,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..u64::from(THREADS)).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1) >> 9).collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn words_are_found_where_they_are() {
    let device = Device::new();
    let ways =
        [("u8", "ne.s16"), ("s8", "ne.s16"), ("u8", "lt.s16"), ("s8", "lt.s16"), ("u8", "hi.u16"), ("s8", "hs.u16")];
    let counts = [
        [("BEGIN", "4"), ("STEP", "8"), ("STAY", "ne.s32"), ("END", "36")],
        [("BEGIN", "0"), ("STEP", "1"), ("STAY", "lt.s32"), ("END", "4")],
        [("BEGIN", "7"), ("STEP", "-2"), ("STAY", "ge.s32"), ("END", "1")],
        [("BEGIN", "0xfffffffd"), ("STEP", "1"), ("STAY", "lo.u32"), ("END", "0xffffffff")],
    ];
    for letter in ["1", "3"] {
        for (kind, compare) in ways {
            for count in counts {
                let gaps = [&count[..], &[("LETTER", letter), ("KIND", kind), ("COMPARE", compare)]].concat();
                let lowered = Lowered::new(case(&gaps)).expect("the text is PTX");
                lowered.assert_same_everywhere(&device, &[THREADS], None, &format!("{gaps:?}"));
            }
        }
    }
}

#[test]
fn who_leaves_shared_memory_is_found() {
    let device = Device::new();
    // Behind the text there are 33 bytes more, and behind the turns there is nothing.
    for gaps in [[("TAIL", "37")], [("END", "44")]] {
        let lowered = Lowered::new(case(&gaps)).expect("the text is PTX");
        let both = [lowered.interpret().is_err(), lowered.run(&device, true).is_err()];
        assert_eq!(both, [true, true], "{gaps:?}");
    }
}
