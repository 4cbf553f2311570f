//! The sum of an array, in two launches: a sum a block, then the sum of those.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const COUNT: u32 = 64 << 20;
const BLOCK: u32 = 256;
const BLOCKS: u32 = 1024;

/// The benchmark.
pub fn workload() -> Workload {
    let launch = |blocks, values, sums, count| Launch {
        kernel: "reduce",
        grid: [blocks, 1, 1],
        block: [BLOCK, 1, 1],
        arguments: vec![Argument::Buffer(values), Argument::Buffer(sums), Argument::I32(count)],
    };
    Workload {
        name: "reduce",
        about: "sum of 64 Mi floats, shuffles",
        buffers: vec![
            // Few bits a value, so that partial sums are exact in whatever order a peer adds.
            Buffer::input("values", Element::F32, COUNT as usize, Contents::F32(|i| (mix(i) & 7) as f32 * 0.25)),
            Buffer::input("block_sums", Element::F32, BLOCKS as usize, Contents::Zero),
            Buffer::output("sum", Element::F32, 1, Tolerance::Relative(1e-5)),
        ],
        launches: vec![launch(BLOCKS, 0, 1, COUNT as i32), launch(1, 1, 2, BLOCKS as i32)],
        native: vec![Argument::Buffer(0), Argument::Buffer(2), Argument::I32(COUNT as i32)],
        work: Work::Read(4.0 * f64::from(COUNT)),
    }
}
