//! Eight patterns searched at every place of a text: bytes, loops that end after a different number of steps.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

/// Places where a pattern may begin.
const PLACES: u32 = 8 << 20;
const BLOCK: u32 = 256;
const PATTERNS: u32 = 8;
/// Letters of a pattern.
const LENGTH: u32 = 12;
/// Places from which the text is the same again; large enough that nothing is predicted, and all patterns occur.
const PERIOD: u32 = (64 << 10) + 13;

/// The benchmark.
pub fn workload() -> Workload {
    let arguments = vec![Argument::I32(PLACES as i32), Argument::Buffer(0), Argument::Buffer(1), Argument::Buffer(2)];
    Workload {
        name: "string_match",
        about: "8 patterns of 12 letters in 8 Mi",
        buffers: vec![
            Buffer::input("patterns", Element::U32, (PATTERNS * LENGTH / 4) as usize, Contents::U32(pattern_word))
                .constant(),
            Buffer::input("text", Element::U32, ((PLACES + LENGTH) / 4) as usize, Contents::U32(|i| four(4 * i))),
            Buffer::output("counts", Element::U32, PATTERNS as usize, Tolerance::Exact).restored(),
        ],
        launches: vec![Launch {
            kernel: "string_match",
            grid: [PLACES / BLOCK, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Items(f64::from(PLACES)),
    }
}

/// Four letters of the text from a place on.
fn four(place: u32) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| b"ACGT"[mix((place + i as u32) % PERIOD) as usize % 4]))
}

/// Four letters of the patterns, each of which is taken from somewhere in the text.
fn pattern_word(index: u32) -> u32 {
    let words = LENGTH / 4;
    four(1000 * (index / words) + 4 * (index % words))
}
