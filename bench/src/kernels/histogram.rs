//! How often each byte occurs: atomics in shared memory.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const BYTES: u32 = 64 << 20;
const WORDS: u32 = BYTES / 4;
const BLOCK: u32 = 256;
const BLOCKS: u32 = 1024;

/// The benchmark.
pub fn workload() -> Workload {
    let arguments = vec![Argument::Buffer(0), Argument::I32(WORDS as i32), Argument::Buffer(1)];
    Workload {
        name: "histogram",
        about: "256 bins of 64 MiB, shared atomics",
        buffers: vec![
            Buffer::input("words", Element::U32, WORDS as usize, Contents::U32(mix)),
            Buffer::output("bins", Element::U32, 256, Tolerance::Exact).restored(),
        ],
        launches: vec![Launch {
            kernel: "histogram",
            grid: [BLOCKS, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Read(f64::from(BYTES)),
    }
}
