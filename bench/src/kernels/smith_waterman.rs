//! Local alignments of many pairs of short sequences: a front that moves through a warp, in shuffles, and 16-bit scores, two in a word.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const PAIRS: u32 = 4096;
const BLOCK: u32 = 128;
/// A warp has two.
const PAIRS_PER_BLOCK: u32 = 2 * BLOCK / 32;
/// Letters of each sequence, which the sources know too.
const LENGTH: u32 = 128;

/// The benchmark.
pub fn workload() -> Workload {
    let words = (PAIRS * LENGTH / 4) as usize;
    let buffers = (0..3).map(Argument::Buffer);
    Workload {
        name: "smith_waterman",
        about: "4096 pairs of 128 letters, gaps with a cost to open, a warp two pairs in halves of words",
        buffers: vec![
            Buffer::input("queries", Element::U32, words, Contents::U32(|i| four(i, letter))),
            Buffer::input("targets", Element::U32, words, Contents::U32(|i| four(i, similar_letter))),
            Buffer::output("scores", Element::I32, PAIRS as usize, Tolerance::Exact),
        ],
        launches: vec![Launch {
            kernel: "smith_waterman",
            grid: [PAIRS / PAIRS_PER_BLOCK, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: buffers.clone().collect(),
        }],
        native: std::iter::once(Argument::I32(PAIRS as i32)).chain(buffers).collect(),
        // Cells of the tables.
        work: Work::Items(f64::from(PAIRS) * f64::from(LENGTH * LENGTH)),
    }
}

/// Four letters in a word.
fn four(word: u32, letter: fn(u32) -> u8) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| letter(4 * word + i as u32)))
}

/// A letter of a query.
fn letter(index: u32) -> u8 {
    b"ACGT"[mix(index) as usize % 4]
}

/// A letter of a target: in runs that are shifted by up to three places, and often another one.
fn similar_letter(index: u32) -> u8 {
    let shift = mix(!(index / 32)) % 4;
    letter(if mix(!index) % 6 == 0 { !index } else { index + shift })
}
