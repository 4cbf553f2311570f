//! Lookups in small tables in shared and constant memory (`simt-llvm/src/emit/{tables,formulas}.rs`): compiled code takes tables apart, and the interpreter says what is found.

#[path = "common/aes.rs"]
mod aes;
mod common;

use aes::{Numbers, product, substitution};
use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Bytes of the table.
const TABLE_BYTES: u32 = 1024;

/// A kernel whose threads have a word of their own in `%r2`, which `body` changes and which is the result. There is a table in shared memory (`%r3`, `%rd10`) that the block has filled
/// with its words, a thread's at `%r6`; `%p1` is so for three of four lanes.
fn program(variables: &str, body: &str) -> String {
    format!(
        "
.version 8.0
.target sm_75
.address_size 64
{variables}
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<30>;
    .reg .b64 %rd<30>;
    .shared .align 4 .b8 before[12];
    .shared .align 4 .b8 table[{TABLE_BYTES}];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u32 %r2, [%rd4];
    ld.global.u32 %r4, [%rd4+4];
    mov.u32 %r3, table;
    mov.u64 %rd10, table;
    shl.b32 %r5, %r1, 2;
    add.s32 %r6, %r3, %r5;
    st.shared.u32 [%r6], %r2;
    st.shared.u32 [%r6+512], %r4;
    and.b32 %r7, %r1, 3;
    setp.ne.s32 %p1, %r7, 1;
    mov.u32 %r9, 1;
    mov.u32 %r12, 77;
    {body}
    cvt.u64.u32 %rd6, %r2;
    add.s64 %rd8, %rd2, %rd3;
    st.global.u64 [%rd8], %rd6;
    ret;
}}
"
    )
}

/// A program's text with what it works on.
fn case_of(code: String, inputs: Vec<u64>) -> Case<String> {
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs,
        checks: vec![Check::Exact],
    }
}

/// A table in constant memory behind some other elements.
fn constants(name: &str, elements: &[u32], bytes: u32) -> String {
    let mask = u32::MAX >> (32 - 8 * bytes);
    let words: Vec<String> = elements.iter().map(|element| (element & mask).to_string()).collect();
    format!(".const .align 4 .b{} {name}[260] = {{1, 2, 3, 4, {}}};", 8 * bytes, words.join(", "))
}

/// Each thread looks up what the bytes of its word choose, several times over, changes a word of the table, and does so once more.
fn case(bytes: u32, elements: u32, guard: &str, inputs: Vec<u64>) -> Case<String> {
    let load = format!("ld.shared.{}", ["u8", "u16", "", "u32"][bytes as usize - 1]);
    let lookups: String = (0..16)
        .map(|turn| {
            let shift = turn % 4 * 8;
            format!(
                "
    shr.u32 %r10, %r2, {shift};
    and.b32 %r10, %r10, {mask};
    mad.lo.s32 %r11, %r10, {bytes}, %r3;
    {guard} {load} %r12, [%r11];
    mad.lo.s32 %r2, %r2, 69069, %r12;",
                mask = elements - 1,
            )
        })
        .collect();
    let body = format!(
        "bar.sync 0; {lookups} bar.sync 0; mul.lo.s32 %r8, %r2, 5; @%p1 st.shared.u32 [%r6], %r8; bar.sync 0; {lookups}"
    );
    case_of(program("", &body), inputs)
}

/// Tables without a formula.
fn any_contents() -> Vec<u64> {
    (0..2 * u64::from(THREADS)).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1)).collect()
}

/// A table of elements, for both blocks: a thread brings two words, which lie half a table apart.
fn contents(elements: &[u32], bytes: u32) -> Vec<u64> {
    let all: Vec<u8> = elements.iter().flat_map(|element| element.to_le_bytes()[..bytes as usize].to_vec()).collect();
    let bytes: Vec<u8> = all.into_iter().cycle().take(TABLE_BYTES as usize).collect();
    let word = |at: u32| u32::from_le_bytes(bytes[at as usize..][..4].try_into().expect("four bytes"));
    let of_thread = |thread: u32| u64::from(word(4 * thread)) | u64::from(word(TABLE_BYTES / 2 + 4 * thread)) << 32;
    (0..2 * THREADS).map(|thread| of_thread(thread % THREADS)).collect()
}

/// A table of a checksum, least bit first.
fn remainder(index: u8) -> u32 {
    (0..8).fold(index.into(), |rest: u32, _| rest >> 1 ^ if rest & 1 == 1 { 0xedb8_8320 } else { 0 })
}

#[test]
fn tables_are_looked_up_in_as_the_interpreter_does() {
    let device = Device::new();
    for bytes in [1, 2, 4] {
        for elements in [16, 64, 128, 256] {
            for guard in ["", "@%p1"] {
                let lowered = Lowered::new(case(bytes, elements, guard, any_contents())).expect("the text is PTX");
                let name = format!("{elements} elements of {bytes} bytes {guard}");
                lowered.assert_same_everywhere(&device, &[32, 64, THREADS], None, &name);
            }
        }
    }
}

#[test]
fn tables_that_follow_from_a_formula_are_looked_up_in_as_the_interpreter_does() {
    let of_inverse: Vec<u32> = (0..=255)
        .map(|index| {
            let byte = substitution(index);
            u32::from_le_bytes([product(byte, 2), byte, byte ^ 0xff, product(byte, 3)])
        })
        .collect();
    let of_index: Vec<u32> = (0..=255).map(|index| remainder(index) ^ 0x1234_5678).collect();
    // One bit of one element is another: there is no formula.
    let but_for_one = |elements: &[u32], index: usize, bit: u32| {
        let mut elements = elements.to_vec();
        elements[index] ^= 1 << bit;
        elements
    };
    let constant = vec![0x8899_aabb; 256];
    let tables = [
        ("of the inverse", of_inverse.clone()),
        ("of the index", of_index.clone()),
        ("nearly of the inverse", but_for_one(&of_inverse, 77, 5)),
        ("nearly of the index", but_for_one(&of_index, 255, 0)),
        ("nearly of the index, from its first element on", but_for_one(&of_index, 0, 7)),
        ("of neither, as a table", of_inverse.iter().zip(&of_index).map(|(a, b)| a & 0xff | b & !0xff).collect()),
        ("constant", constant),
    ];
    let device = Device::new();
    for (name, elements) in &tables {
        for (bytes, guard, lanes) in [(1, "", 64), (2, "", 64), (4, "", 32), (4, "@%p1", THREADS)] {
            let lowered = Lowered::new(case(bytes, 256, guard, contents(elements, bytes))).expect("the text is PTX");
            lowered.assert_same_everywhere(&device, &[lanes], None, &format!("{name}, {bytes} bytes {guard}"));
        }
    }
}

/// The index of a lookup, of 64 bits, times the size of an element: what a byte of `%r2` chooses, as compilers write it.
fn scaled_index(byte: u32, bytes: u32, way: u32) -> String {
    let (shift, scale) = (8 * byte, bytes.trailing_zeros());
    let moved = match shift.cmp(&scale) {
        std::cmp::Ordering::Less => format!("shl.b32 %r10, %r2, {};", scale - shift),
        _ => format!("shr.u32 %r10, %r2, {};", shift - scale),
    };
    match (way, byte) {
        (0, 3) => format!("shr.u32 %r10, %r2, 24; mul.wide.u32 %rd9, %r10, {bytes};"),
        (0, _) => {
            format!("shr.u32 %r10, %r2, {shift}; and.b32 %r10, %r10, 255; mul.wide.u32 %rd9, %r10, {bytes};")
        }
        (1, _) => format!("{moved} and.b32 %r10, %r10, {}; cvt.u64.u32 %rd9, %r10;", 255 << scale),
        _ => format!("{moved} cvt.u64.u32 %rd9, %r10; and.b64 %rd9, %rd9, {};", 255 << scale),
    }
}

/// As the other case, with a table that stays as it is.
fn constant_case(bytes: u32, elements: &[u32]) -> Case<String> {
    let lookups: String = (0..12)
        .map(|turn| {
            let index = scaled_index(turn % 4, bytes, turn / 4);
            let load = format!("ld.const.u{}", 8 * bytes);
            format!(
                "{index} add.s64 %rd9, %rd9, %rd7; {load} %r12, [%rd9+{}]; mad.lo.s32 %r2, %r2, 69069, %r12;\n",
                4 * bytes
            )
        })
        .collect();
    let body = format!("mov.u64 %rd7, constants; {lookups} bar.sync 0; {lookups}");
    case_of(program(&constants("constants", elements, bytes), &body), any_contents())
}

#[test]
fn tables_in_constant_memory_are_looked_up_in_as_the_interpreter_does() {
    let device = Device::new();
    let any = |index: u32| index.wrapping_mul(0x9e37_79b9) ^ index << 7;
    let formula = |index: u32| u32::from(substitution(index as u8)) * 0x0101_0101;
    for bytes in [1, 2, 4] {
        for (name, elements) in
            [("any", (0..256).map(any).collect::<Vec<u32>>()), ("formula", (0..256).map(formula).collect())]
        {
            let lowered = Lowered::new(constant_case(bytes, &elements)).expect("the text is PTX");
            lowered.assert_same_everywhere(&device, &[32, THREADS], None, &format!("{name}, {bytes} bytes"));
        }
    }
}

/// Lookups whose places are computed before a barrier, behind which nobody looks at the words that they come from, but for the last word.
fn case_over_a_barrier(bytes: u32, guard: &str, inputs: Vec<u64>) -> Case<String> {
    let mask = 255 * bytes;
    let scale = bytes.trailing_zeros();
    let places: String = (0..8)
        .map(|turn| {
            format!(
                "mad.lo.s32 %r2, %r2, 69069, {turn}; shr.u32 %r10, %r2, {}; and.b32 %r10, %r10, {mask};
                 add.s32 %r2{turn}, %r10, %r3;\n",
                8 - scale,
            )
        })
        .collect();
    let lookups: String = (0..8)
        .map(|turn| format!("{guard} ld.shared.u{} %r12, [%r2{turn}]; mad.lo.s32 %r9, %r9, 77, %r12;\n", 8 * bytes))
        .collect();
    let body = format!("{places} bar.sync 0; {lookups} xor.b32 %r2, %r9, %r2;");
    case_of(program("", &body), inputs)
}

#[test]
fn what_chooses_need_not_be_at_hand() {
    let device = Device::new();
    let formula: Vec<u32> = (0..=255).map(|index| u32::from(substitution(index)) * 0x0101_0101).collect();
    for (bytes, guard) in [(1, ""), (4, ""), (4, "@%p1"), (1, "@%p1")] {
        let case = case_over_a_barrier(bytes, guard, contents(&formula, bytes));
        let lowered = Lowered::new(case).expect("the text is PTX");
        lowered.assert_same_everywhere(&device, &[64, THREADS], None, &format!("{bytes} bytes {guard}"));
    }
}

/// A program of lookups in all orders: places that are computed at once or long before, behind guards and branches, in loops, over barriers, in a table in
/// shared memory, which changes at times, and in one in constant memory.
fn random_case(seed: u64) -> Case<String> {
    let mut numbers = Numbers(seed);
    let bytes = 1 << numbers.below(3);
    let mut text = String::new();
    let mut is_in_loop = false;
    // Address registers from 20 on are of shared memory, and of constant memory, in turns.
    for turn in 0..24 {
        let place = 20 + numbers.below(8);
        let is_constant = place % 2 == 1;
        let guard = ["", "", "@%p1 ", "@!%p1 "][numbers.below(4) as usize];
        let index = scaled_index(numbers.below(4), bytes, numbers.below(3));
        let (base, load) = if is_constant { (7, "ld.const") } else { (10, "ld.shared") };
        let address = format!("{index} add.s64 %rd{place}, %rd9, %rd{base};");
        let lookup = format!("{guard}{load}.u{} %r12, [%rd{place}]; mad.lo.s32 %r9, %r9, 77, %r12;", 8 * bytes);
        match numbers.below(10) {
            0..=2 => text += &format!("{address} {lookup}"),
            3..=5 => text += &lookup,
            6 => text += &address,
            7 => text += "mad.lo.s32 %r2, %r2, 69069, %r9;",
            8 if is_in_loop => {
                text += &format!("add.s32 %r13, %r13, 1; setp.lt.u32 %p2, %r13, 3; @%p2 bra LOOP{seed};");
                is_in_loop = false;
            }
            8 if turn < 12 && !text.contains("LOOP") => {
                text += &format!("mov.u32 %r13, 0; LOOP{seed}:");
                is_in_loop = true;
            }
            8 => text += &format!("{guard}bra PAST{turn}; {address} {lookup} PAST{turn}:"),
            _ if numbers.below(2) == 0 => text += "bar.sync 0;",
            _ => text += "bar.sync 0; xor.b32 %r14, %r9, %r1; st.shared.u32 [%r6], %r14; bar.sync 0;",
        }
        text += "\n";
    }
    if is_in_loop {
        text += &format!("add.s32 %r13, %r13, 1; setp.lt.u32 %p2, %r13, 2; @%p2 bra LOOP{seed};\n");
    }
    let first: String = (20..28)
        .map(|place| {
            let base = if place % 2 == 1 { 7 } else { 10 };
            format!("{} add.s64 %rd{place}, %rd9, %rd{base};\n", scaled_index(place % 4, bytes, place % 3))
        })
        .collect();
    let any = |index: u32| index.wrapping_mul(0x9e37_79b9) ^ index << 7;
    let formula = |index: u32| u32::from(substitution(index as u8)) * 0x0101_0101;
    let elements: Vec<u32> = (0..256).map(|index| if seed % 2 == 0 { formula(index) } else { any(index) }).collect();
    let body = format!(
        "mov.u64 %rd7, constants; add.s64 %rd7, %rd7, {}; xor.b32 %r2, %r2, %r4; {first} bar.sync 0; {text} xor.b32 %r2, %r9, %r2;",
        4 * bytes
    );
    case_of(program(&constants("constants", &elements, bytes), &body), contents(&elements, bytes))
}

#[test]
fn lookups_in_any_order_find_what_the_interpreter_does() {
    let device = Device::new();
    let cases = std::env::var("APEX_TEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    for seed in 0..cases {
        let lowered = Lowered::new(random_case(seed)).expect("the text is PTX");
        lowered.assert_same_everywhere(
            &device,
            &[if seed % 4 < 2 { 64 } else { THREADS }],
            None,
            &format!("seed {seed}"),
        );
    }
}
