//! AES in counter mode: lookups in a table in shared memory at places that depend on data.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

/// Blocks of 16 bytes.
const COUNT: u32 = 512 << 10;
const BLOCK: u32 = 256;
/// The key of the standard's example.
const KEY: [u32; 4] = [0x2b7e_1516, 0x28ae_d2a6, 0xabf7_1588, 0x09cf_4f3c];
const ROUND_KEY_WORDS: usize = 44;

/// The benchmark.
pub fn workload() -> Workload {
    let arguments: Vec<Argument> = (0..4).map(Argument::Buffer).collect();
    let words = 4 * COUNT as usize;
    Workload {
        name: "aes",
        about: "AES-128 in counter mode over 8 MiB, a table in shared memory",
        buffers: vec![
            Buffer::input("round_keys", Element::U32, ROUND_KEY_WORDS, Contents::Table(round_keys)).constant(),
            Buffer::input("table", Element::U32, 256, Contents::U32(|i| table_entry(i as u8))),
            Buffer::input("input", Element::U32, words, Contents::U32(mix)),
            Buffer::output("output", Element::U32, words, Tolerance::Exact),
        ],
        launches: vec![Launch {
            kernel: "aes",
            grid: [COUNT / BLOCK, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: std::iter::once(Argument::I32(COUNT as i32)).chain(arguments).collect(),
        work: Work::Copy(8.0 * words as f64),
    }
}

/// A product in the field of 256 elements that AES computes in.
fn product(mut a: u8, mut b: u8) -> u8 {
    let mut sum = 0;
    while b != 0 {
        sum ^= if b & 1 == 1 { a } else { 0 };
        a = a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
        b >>= 1;
    }
    sum
}

/// What AES puts in the place of a byte.
fn substitution(byte: u8) -> u8 {
    // The 254th power is the inverse, and zero stays zero.
    let inverse = (0..254).fold(1, |power, _| product(power, byte));
    (1..5).fold(inverse ^ 0x63, |sum, count| sum ^ inverse.rotate_left(count))
}

/// A substituted byte times the first column of the matrix that mixes columns.
fn table_entry(byte: u8) -> u32 {
    let byte = substitution(byte);
    u32::from_be_bytes([product(byte, 2), byte, byte, product(byte, 3)])
}

fn round_keys() -> Vec<u32> {
    let mut words = KEY.to_vec();
    let mut round = 1;
    for i in KEY.len()..ROUND_KEY_WORDS {
        let mut word = words[i - 1];
        if i % 4 == 0 {
            word = u32::from_be_bytes(word.rotate_left(8).to_be_bytes().map(substitution)) ^ u32::from(round) << 24;
            round = product(round, 2);
        }
        words.push(words[i - 4] ^ word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_keys_are_those_of_the_standard() {
        assert_eq!([0, 1, 0x53, 0xff].map(substitution), [0x63, 0x7c, 0xed, 0x16]);
        assert_eq!(table_entry(0), 0xc663_63a5);
        let keys = round_keys();
        assert_eq!((keys[4], keys[43]), (0xa0fa_fe17, 0xb663_0ca6));
    }
}
