//! The prefix sum of an array: scans of blocks by shuffles, of their totals, of the totals of those, then additions.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload, blocks};

const COUNT: u32 = 8 << 20;
const BLOCK: u32 = 256;
/// Elements of a block.
const PART: u32 = 4 * BLOCK;
const TOTALS: u32 = COUNT / PART;
const TOTALS_OF_TOTALS: u32 = TOTALS / PART;

const VALUES_BUFFER: usize = 0;
const SUMS_BUFFER: usize = 1;
const TOTALS_BUFFER: usize = 2;
const TOTALS_OF_TOTALS_BUFFER: usize = 3;
const TOTAL_BUFFER: usize = 4;

/// The benchmark.
pub fn workload() -> Workload {
    let launch = |kernel, count: u32, buffers: &[usize]| Launch {
        kernel,
        grid: [blocks(count, PART), 1, 1],
        block: [BLOCK, 1, 1],
        arguments: std::iter::once(Argument::I32(count as i32))
            .chain(buffers.iter().map(|&buffer| Argument::Buffer(buffer)))
            .collect(),
    };
    let scratch = |name, count: u32| Buffer::input(name, Element::U32, count as usize, Contents::Zero);
    Workload {
        name: "scan",
        about: "inclusive prefix sum of 8 Mi unsigneds, shuffles",
        buffers: vec![
            Buffer::input("values", Element::U32, COUNT as usize, Contents::U32(|i| mix(i) & 255)),
            Buffer::output("sums", Element::U32, COUNT as usize, Tolerance::Exact),
            scratch("totals", TOTALS),
            scratch("totals_of_totals", TOTALS_OF_TOTALS),
            scratch("total", 1),
        ],
        launches: vec![
            launch("scan_blocks", COUNT, &[VALUES_BUFFER, SUMS_BUFFER, TOTALS_BUFFER]),
            launch("scan_blocks", TOTALS, &[TOTALS_BUFFER, TOTALS_BUFFER, TOTALS_OF_TOTALS_BUFFER]),
            launch("scan_blocks", TOTALS_OF_TOTALS, &[TOTALS_OF_TOTALS_BUFFER, TOTALS_OF_TOTALS_BUFFER, TOTAL_BUFFER]),
            launch("add_totals", TOTALS, &[TOTALS_BUFFER, TOTALS_OF_TOTALS_BUFFER]),
            launch("add_totals", COUNT, &[SUMS_BUFFER, TOTALS_BUFFER]),
        ],
        native: vec![Argument::I32(COUNT as i32), Argument::Buffer(VALUES_BUFFER), Argument::Buffer(SUMS_BUFFER)],
        // What has to move at least: the launches of the GPU's way move twice as much.
        work: Work::Copy(8.0 * f64::from(COUNT)),
    }
}
