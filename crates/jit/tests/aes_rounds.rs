//! Rounds of AES made of lookups (`simt-llvm/src/emit/aes.rs`), and what is nearly that: the interpreter says what comes of it.

#[path = "common/aes.rs"]
mod aes;
mod common;

use aes::{Numbers, product, substitution};
use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// AES's table, with the first row of a column in the highest byte or in the lowest.
fn table(is_high_first: bool) -> Vec<u32> {
    let element = |index| {
        let byte = substitution(index);
        let rows = [product(byte, 2), byte, byte, product(byte, 3)];
        if is_high_first { u32::from_be_bytes(rows) } else { u32::from_le_bytes(rows) }
    };
    (0..=255).map(element).collect()
}

/// Whether it is the one case in so many.
fn one_in(numbers: &mut Numbers, count: u32) -> bool {
    numbers.below(count) == 0
}

/// What is made.
struct Making {
    numbers: Numbers,
    text: String,
    next: u32,
    is_high_first: bool,
    is_constant: bool,
    /// How many parts on average there are for one that is not as in AES; 0 for none.
    faults: u32,
}

impl Making {
    fn is_fault(&mut self) -> bool {
        self.faults > 0 && one_in(&mut self.numbers, self.faults)
    }

    fn register(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// What a byte of a word chooses; all of it, or a byte of it.
    fn lookup(&mut self, word: u32, byte: u32, plane: Option<u32>) -> u32 {
        let (index, place, found) = (self.register(), self.register(), self.register());
        let space = if self.is_constant { "const" } else { "shared" };
        let moved = match byte {
            0 => format!("shl.b32 %w{index}, %w{word}, 2;"),
            _ => format!("shr.u32 %w{index}, %w{word}, {};", 8 * byte - 2),
        };
        let index_text = format!("{moved} and.b32 %w{index}, %w{index}, 1020;");
        let address = if self.is_constant {
            format!("cvt.u64.u32 %a{place}, %w{index}; add.s64 %a{place}, %a{place}, %rd7;")
        } else {
            format!("add.s32 %w{place}, %w{index}, %r3;")
        };
        let at = if self.is_constant { format!("%a{place}") } else { format!("%w{place}") };
        let load = match plane {
            None => format!("ld.{space}.u32 %w{found}, [{at}];"),
            Some(plane) => format!("ld.{space}.u8 %w{found}, [{at}+{plane}];"),
        };
        self.text += &format!("{index_text} {address} {load}\n");
        found
    }

    /// An element rotated up by so many bytes.
    fn rotated(&mut self, element: u32, up: u32) -> u32 {
        let rotated = self.register();
        let text = match self.numbers.below(3) {
            0 => format!("shf.r.wrap.b32 %w{rotated}, %w{element}, %w{element}, {};", (32 - 8 * up) % 32),
            1 => format!("shf.l.wrap.b32 %w{rotated}, %w{element}, %w{element}, {};", 8 * up),
            _ => {
                let selector = (0..4).fold(0, |all, byte| all | ((byte + 4 - up) % 4) << (4 * byte));
                format!("prmt.b32 %w{rotated}, %w{element}, 0, {selector};")
            }
        };
        self.text += &format!("{text}\n");
        if up == 0 { element } else { rotated }
    }

    /// One byte of an element, at the place of the byte that chooses it.
    fn substituted(&mut self, word: u32, byte: u32) -> u32 {
        let plane = if self.is_fault() { self.numbers.below(4) } else { 1 + self.numbers.below(2) };
        let result = self.register();
        if byte == 0 && one_in(&mut self.numbers, 2) {
            return self.lookup(word, byte, Some(plane));
        }
        let element = self.lookup(word, byte, None);
        let mask = 0xffu32 << (8 * byte);
        let moved = match byte.cmp(&plane) {
            std::cmp::Ordering::Less => format!("shr.u32 %w{result}, %w{element}, {};", 8 * (plane - byte)),
            _ => format!("shl.b32 %w{result}, %w{element}, {};", 8 * (byte - plane)),
        };
        self.text += &format!("{moved} and.b32 %w{result}, %w{result}, {mask};\n");
        result
    }

    /// A column of a round of these words, of which each row takes one.
    fn column(&mut self, words: [u32; 4], rows: [usize; 4], key: &str, is_last: bool) -> u32 {
        let mut parts: Vec<u32> = (0..4)
            .map(|row: u32| {
                let mut word = words[rows[row as usize]];
                if self.is_fault() {
                    word = words[self.numbers.below(4) as usize];
                }
                let mut byte = if self.is_high_first { 3 - row } else { row };
                if self.is_fault() {
                    byte = self.numbers.below(4);
                }
                if is_last {
                    return self.substituted(word, byte);
                }
                let mut up = if self.is_high_first { (byte + 1) % 4 } else { byte };
                if self.is_fault() {
                    up = self.numbers.below(4);
                }
                let element = self.lookup(word, byte, None);
                self.rotated(element, up)
            })
            .collect();
        let first = self.numbers.below(4);
        parts.rotate_left(first as usize);
        let (sum, other) = (self.register(), self.register());
        let way = if (is_last && one_in(&mut self.numbers, 2)) != self.is_fault() { "or" } else { "xor" };
        let [a, b, c, d] = parts[..] else { unreachable!("four rows") };
        self.text += &match self.numbers.below(3) {
            0 if way == "xor" => format!(
                "xor.b32 %w{sum}, %w{a}, {key}; xor.b32 %w{sum}, %w{sum}, %w{b}; xor.b32 %w{sum}, %w{c}, %w{sum}; xor.b32 %w{sum}, %w{sum}, %w{d};\n"
            ),
            1 => format!(
                "{way}.b32 %w{sum}, %w{a}, %w{b}; {way}.b32 %w{other}, %w{c}, %w{d}; {way}.b32 %w{sum}, %w{sum}, %w{other}; xor.b32 %w{sum}, %w{sum}, {key};\n"
            ),
            _ => format!(
                "{way}.b32 %w{sum}, %w{a}, %w{b}; {way}.b32 %w{sum}, %w{sum}, %w{c}; {way}.b32 %w{sum}, %w{d}, %w{sum}; xor.b32 %w{sum}, {key}, %w{sum};\n"
            ),
        };
        sum
    }

    fn round(&mut self, number: u32, words: [u32; 4], is_last: bool) -> [u32; 4] {
        let way = self.numbers.below(4);
        let first = self.numbers.below(4) as usize;
        // Shifted the other way, or by two.
        let turn = if self.is_fault() || self.is_fault() { 2 + self.numbers.below(2) as usize } else { 1 };
        let mut made = [0; 4];
        for place in 0..4 {
            let column = (first + place) % 4;
            let key = match way {
                0 | 1 => {
                    let key = self.register();
                    let at = 16 * number + 4 * column as u32;
                    self.text += &format!("ld.const.u32 %w{key}, [keys+{at}];\n");
                    format!("%w{key}")
                }
                2 => format!("{}", self.numbers.below(u32::MAX)),
                _ if self.is_fault() => "%r2".to_owned(),
                _ => "%r15".to_owned(),
            };
            let mut rows = [0, 1, 2, 3].map(|row| (column + turn * row) % 4);
            if self.faults > 0 && one_in(&mut self.numbers, 12) {
                rows.swap(1, 2 + self.numbers.below(2) as usize);
            }
            made[column] = self.column(words, rows, &key, is_last);
        }
        if one_in(&mut self.numbers, 4) {
            let word = made[self.numbers.below(4) as usize];
            self.text += &format!("mad.lo.s32 %r9, %r9, 77, %w{word};\n");
        }
        made
    }
}

/// A program of some rounds. With `turns`, the byte that is first changes from one round to the next, which is in another block.
fn case(seed: u64, faults: u32, turns: bool) -> Case<String> {
    let mut numbers = Numbers(seed);
    let (is_high_first, is_constant) = (one_in(&mut numbers, 2), one_in(&mut numbers, 2));
    let of_table = numbers.below(8);
    let mut making = Making { numbers, text: String::new(), next: 10, is_high_first, is_constant, faults };
    let mut words = [1, 2, 3, 4];
    let rounds = if turns { 2 } else { 1 + making.numbers.below(4) };
    for number in 0..rounds {
        if turns && number == 1 {
            making.text += "setp.ne.s32 %p1, %r2, 7; @%p1 bra NEXT; add.s32 %r9, %r9, 1; NEXT:\n";
            making.is_high_first = !is_high_first;
        }
        let is_last = number + 1 == rounds && making.numbers.below(3) > 0;
        words = making.round(number, words, is_last);
    }
    let Making { text, next, .. } = making;
    let mut elements = table(is_high_first != (of_table == 0));
    if of_table == 1 {
        elements[seed as usize % 256] ^= 1 << (seed % 32);
    }
    let texts = |words: &[u32]| words.iter().map(u32::to_string).collect::<Vec<String>>().join(", ");
    let keys: Vec<u32> = (0..16).map(|word: u32| word.wrapping_mul(0x9e37_79b9) ^ seed as u32).collect();
    let [a, b, c, d] = words;
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.const .align 4 .b32 constants[256] = {{{constants}}};
.const .align 4 .b32 keys[16] = {{{keys}}};
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<2>;
    .reg .b32 %r<30>;
    .reg .b32 %w<{registers}>;
    .reg .b64 %a<{registers}>;
    .reg .b64 %rd<30>;
    .shared .align 4 .b8 table[1024];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u32 %r2, [%rd4];
    ld.global.u32 %r4, [%rd4+4];
    mov.u32 %r3, table;
    mov.u64 %rd7, constants;
    shl.b32 %r5, %r1, 2;
    add.s32 %r6, %r3, %r5;
    st.shared.u32 [%r6], %r2;
    st.shared.u32 [%r6+512], %r4;
    bar.sync 0;
    mov.u32 %r9, 1;
    mov.u32 %r15, %ctaid.x;
    mad.lo.s32 %w1, %r1, 0x9e3779b9, %r15;
    mul.lo.s32 %w2, %w1, 69069;
    {second}
    xor.b32 %w4, %w1, 0x5bd1e995;
    {text}
    mad.lo.s32 %r20, %w{b}, 3, %w{a};
    mad.lo.s32 %r21, %w{d}, 5, %w{c};
    xor.b32 %r20, %r20, %r9;
    cvt.u64.u32 %rd5, %r20;
    cvt.u64.u32 %rd6, %r21;
    shl.b64 %rd6, %rd6, 32;
    or.b64 %rd5, %rd5, %rd6;
    add.s64 %rd8, %rd2, %rd3;
    mov.u32 %r22, %ctaid.x;
    mul.wide.u32 %rd9, %r22, {block_bytes};
    add.s64 %rd8, %rd8, %rd9;
    st.global.u64 [%rd8], %rd5;
    ret;
}}
",
        constants = texts(&elements),
        keys = texts(&keys),
        registers = next + 1,
        // All lanes have the same here, at times.
        second = if seed % 3 == 0 { "mov.u32 %w3, %r15;" } else { "mad.lo.s32 %w3, %w2, 5, %w1;" },
        block_bytes = 8 * THREADS,
    );
    let inputs: Vec<u64> = (0..2 * THREADS as usize)
        .map(|thread| thread % THREADS as usize)
        .map(|thread| u64::from(elements[thread]) | u64::from(elements[thread + THREADS as usize]) << 32)
        .collect();
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

/// As many cases as `APEX_TEST_CASES` says, with so many faults.
fn check(faults: u32, turns: bool) {
    let device = Device::new();
    let cases = std::env::var("APEX_TEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(16);
    for seed in 0..cases {
        let lowered = Lowered::new(case(seed, faults, turns)).expect("the text is PTX");
        let width = if seed % 4 < 2 { 64 } else { THREADS };
        lowered.assert_same_everywhere(&device, &[width], None, &format!("seed {seed}, one fault in {faults}"));
    }
}

#[test]
fn rounds_make_what_their_lookups_say() {
    check(0, false);
}

#[test]
fn what_is_nearly_a_round_is_none() {
    check(40, false);
    check(200, false);
}

#[test]
fn a_table_is_that_of_aes_in_one_order_of_bytes() {
    check(0, true);
}
