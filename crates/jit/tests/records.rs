//! Records of arrays that lanes take element by element are moved as what lies one behind the other (`simt-llvm/src/emit/records.rs`); the interpreter says
//! what must come of it.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block, of which there are two.
const THREADS: u32 = 128;

/// Sizes of a thread's element and numbers of elements: of records of at most 32 bytes.
const RECORDS: [(u32, u32); 9] = [(1, 3), (1, 4), (1, 7), (2, 2), (2, 8), (4, 2), (4, 3), (4, 8), (8, 3)];

/// What stands in the middle of the loads, and in the middle of the stores. `B` is the type, `R` a record's bytes, `T` where the element is that is loaded last,
/// `S` one that has just been stored.
const BETWEEN: [[&str; 2]; 9] = [
    ["", ""],
    // An element is stored to that is loaded later, or was stored to.
    ["st.global.B [%rd4+T], %e9;", "st.global.B [%rd5+S], %e9;"],
    // Something else is stored, or loaded.
    ["st.global.B [%rd8], %e9;", "ld.global.B %e9, [%rd4]; xor.b32 %r9, %r9, 3;"],
    // An element is loaded once more, or what has just been stored.
    ["ld.global.B %e9, [%rd4];", "ld.global.B %e9, [%rd5+S];"],
    // Others may look on.
    ["ld.volatile.global.B %e9, [%rd4];", "membar.gl;"],
    // All threads wait.
    ["bar.sync 0;", "bar.sync 0;"],
    // The record of the next thread as well.
    ["ld.global.B %e9, [%rd4+R];", ""],
    // By an address that may be in any space.
    ["st.B [%rd6+T], %e9;", "ld.B %e9, [%rd7+S];"],
    // Shared memory is another.
    ["st.shared.B [%r10], %e9;", "ld.shared.B %e9, [%r10];"],
];

/// Which records threads take: their own; their own, which follows from an index that may wrap; up to a last one, which threads of one warp share; and their own in turned order
/// of the threads.
const INDICES: [&str; 4] = ["", "add.s32 %r6, %r6, %r11;", "min.s32 %r6, %r6, 236;", "sub.s32 %r6, 255, %r6;"];

/// Which threads take part: all; some, by a branch; some, by a predicate.
const PARTS: [[&str; 2]; 3] = [["", ""], ["setp.gt.u32 %p2, %r3, 251; @%p2 bra SKIP;", ""], ["", "@%p1 "]];

/// Each thread loads the elements of its record, in some order, changes them, and stores them in another; `pairs` of them as one.
fn case(
    (bytes, elements): (u32, u32),
    [in_loads, in_stores]: [&str; 2],
    index: &str,
    [branch, guard]: [&str; 2],
    pairs: bool,
) -> Case<String> {
    let ty = format!("u{}", 8 * bytes);
    // Registers of 32 bits hold small elements, too.
    let (register, bits) = if bytes == 8 { (".b64", "64") } else { (".b32", "32") };
    let (mut loads, mut stores) = (String::new(), String::new());
    let step = if pairs { 2 } else { 1 };
    let number = elements / step;
    let loaded_in = |turn: u32| (turn * 5 + 1) % number * step;
    let stored_in = |turn: u32| (number - 1 - turn) * step;
    for turn in 0..number {
        let name = |element: u32| format!("%e{}", 10 + element);
        let member = |element: u32| match pairs {
            true => (".v2", format!("{{{}, {}}}", name(element), name(element + 1))),
            false => ("", name(element)),
        };
        // Not in order, and in two different ones.
        let (loaded, stored) = (loaded_in(turn), stored_in(turn));
        let ((v, what), (w, that)) = (member(loaded), member(stored));
        loads += &format!("{guard}ld.global{v}.{ty} {what}, [%rd4+{}];\n", loaded * bytes);
        stores += &format!("{guard}st.global{w}.{ty} [%rd5+{}], {that};\n", stored * bytes);
        if turn == number / 2 {
            loads += in_loads;
            stores += in_stores;
        }
    }
    let moves: String = (0..elements).map(|e| format!("mov.b{bits} %e{}, {e};\n", 10 + e)).collect();
    let change = |e: u32| format!("mad.lo.u{bits} %e{}, %e{}, 3, %e{};\n", 10 + e, 10 + (e + 1) % elements, 8 + e % 2);
    let changes: String = (0..elements).map(change).collect();
    let record = bytes * elements;
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
    .reg {register} %e<20>;
    .shared .align 8 .b8 other[1024];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    mad.lo.s32 %r3, %r2, {THREADS}, %r1;
    ld.param.u64 %rd0, [input];
    ld.param.u64 %rd2, [output];
    cvta.to.global.u64 %rd1, %rd0;
    ld.global.u32 %r11, [%rd1];
    shr.u32 %r11, %r11, 31;
    shr.u32 %r11, %r11, 1;
    mov.u32 %r6, %r3;
    {index}
    mul.wide.s32 %rd3, %r6, {record};
    add.s64 %rd4, %rd1, %rd3;
    cvta.to.global.u64 %rd5, %rd2;
    add.s64 %rd5, %rd5, %rd3;
    add.s64 %rd6, %rd0, %rd3;
    add.s64 %rd7, %rd2, %rd3;
    mul.wide.s32 %rd8, %r3, 8;
    add.s64 %rd8, %rd8, %rd2;
    cvta.to.global.u64 %rd8, %rd8;
    add.s64 %rd8, %rd8, 8192;
    mov.u32 %r8, other;
    mad.lo.s32 %r10, %r1, 8, %r8;
    mov.u32 %r9, %r3;
    cvt.u{bits}.u32 %e8, %r3;
    mov.b{bits} %e9, 78;
    and.b32 %r12, %r3, 5;
    setp.ne.s32 %p1, %r12, 4;
    {moves}
    {branch}
    {loads}
    {changes}
    {stores}
    cvt.u64.u{bits} %rd9, %e9;
    cvt.u64.u32 %rd10, %r9;
    add.s64 %rd9, %rd9, %rd10;
    st.global.u64 [%rd8+2048], %rd9;
SKIP:
    ret;
}}
"
    )
    .replace(".B", &format!(".{ty}"))
    .replace("+R]", &format!("+{record}]"))
    .replace("+T]", &format!("+{}]", loaded_in(number - 1) * bytes))
    .replace("+S]", &format!("+{}]", stored_in(number / 2) * bytes));
    let words = 2 * THREADS as usize * 6;
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 6,
        output_words: 6,
        scratch_words: 0,
        inputs: (0..words as u64).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1)).collect(),
        checks: vec![Check::Exact; 6],
    }
}

/// Tries records with all that may come between, all indices and all parts, but not each with each.
fn try_records(records: &[(u32, u32)]) {
    let device = Device::new();
    let records = records.iter().flat_map(|record| BETWEEN.map(|between| (*record, between)));
    for (number, (record, between)) in records.enumerate() {
        for turn in 0..INDICES.len() {
            let (index, part) = (INDICES[turn], PARTS[(number + turn) % PARTS.len()]);
            let pairs = record.1 % 2 == 0 && record.1 > 2 && (number / 2 + turn) % 2 == 0;
            // Barriers want all threads; and of threads that share a record it is open what each of them finds stored.
            let waits = between[0].starts_with("bar");
            let looks_again = between.iter().any(|text| ["+T]", "+S]"].iter().any(|place| text.contains(place)));
            if waits && !part[0].is_empty() || index.starts_with("min") && looks_again {
                continue;
            }
            let lowered = Lowered::new(case(record, between, index, part, pairs)).expect("the text is PTX");
            let name = format!("{record:?}, {between:?}, {index:?}, {part:?}, pairs {pairs}");
            let width = if (number + turn) % 2 == 0 { 16 } else { 64 };
            lowered.assert_same_everywhere(&device, &[width], None, &name);
        }
    }
}

#[test]
fn records_of_small_elements_are_moved_as_the_interpreter_does() {
    try_records(&RECORDS[..5]);
}

#[test]
fn records_of_words_are_moved_as_the_interpreter_does() {
    try_records(&RECORDS[5..]);
}
