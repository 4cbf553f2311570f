//! Sorting by digits: counters in shared memory, a scan over all blocks, keys moved to where their digit says.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const COUNT: u32 = 1 << 20;
const BLOCK: u32 = 256;
/// Keys of a block.
const PART: u32 = 16 * BLOCK;
const BLOCKS: u32 = COUNT / PART;
const DIGIT_BITS: u32 = 8;
/// A counter for each digit and block.
const COUNTERS: u32 = BLOCKS << DIGIT_BITS;

const KEYS_BUFFER: usize = 0;
const SORTED_BUFFER: usize = 1;
const SCRATCH_BUFFER: usize = 2;
const COUNTERS_BUFFER: usize = 3;

/// The benchmark.
pub fn workload() -> Workload {
    let launch = |kernel, blocks, number: u32, buffers: &[usize]| Launch {
        kernel,
        grid: [blocks, 1, 1],
        block: [BLOCK, 1, 1],
        arguments: std::iter::once(Argument::I32(number as i32))
            .chain(buffers.iter().map(|&buffer| Argument::Buffer(buffer)))
            .collect(),
    };
    let pass = |index: u32| {
        let shift = index * DIGIT_BITS;
        // The number of passes is even, so that the last one ends where the result is wanted.
        let (from, to) = match index {
            0 => (KEYS_BUFFER, SCRATCH_BUFFER),
            _ if index % 2 == 1 => (SCRATCH_BUFFER, SORTED_BUFFER),
            _ => (SORTED_BUFFER, SCRATCH_BUFFER),
        };
        [
            launch("count_digits", BLOCKS, shift, &[from, COUNTERS_BUFFER]),
            launch("scan_counts", 1, COUNTERS, &[COUNTERS_BUFFER]),
            launch("scatter", BLOCKS, shift, &[from, COUNTERS_BUFFER, to]),
        ]
    };
    let count = COUNT as usize;
    Workload {
        name: "radix_sort",
        about: "1 Mi unsigneds, 4 passes of 8 bits",
        buffers: vec![
            Buffer::input("keys", Element::U32, count, Contents::U32(mix)),
            Buffer::output("sorted", Element::U32, count, Tolerance::Exact),
            Buffer::input("scratch", Element::U32, count, Contents::Zero),
            Buffer::input("counters", Element::U32, COUNTERS as usize, Contents::Zero),
        ],
        launches: (0..u32::BITS / DIGIT_BITS).flat_map(pass).collect(),
        native: vec![
            Argument::I32(COUNT as i32),
            Argument::Buffer(KEYS_BUFFER),
            Argument::Buffer(SORTED_BUFFER),
            Argument::Buffer(SCRATCH_BUFFER),
        ],
        work: Work::Items(f64::from(COUNT)),
    }
}
