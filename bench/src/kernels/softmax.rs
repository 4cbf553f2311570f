//! The softmax of rows, a warp a row in registers: exponentials between reductions by shuffles.

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const ROWS: u32 = 4096;
const COLUMNS: u32 = 1024;
const BLOCK: u32 = 256;
/// A warp has one.
const ROWS_PER_BLOCK: u32 = BLOCK / 32;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (ROWS * COLUMNS) as usize;
    let arguments = vec![Argument::I32(COLUMNS as i32), Argument::Buffer(0), Argument::Buffer(1)];
    Workload {
        name: "softmax",
        about: "4096 rows of 1024 floats, a warp a row",
        buffers: vec![
            Buffer::input("input", Element::F32, count, Contents::F32(|i| 8.0 * signed_unit(i))),
            Buffer::output("output", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "softmax",
            grid: [ROWS / ROWS_PER_BLOCK, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments[1..].to_vec(),
        }],
        native: std::iter::once(Argument::I32(ROWS as i32)).chain(arguments).collect(),
        work: Work::Copy(8.0 * count as f64),
    }
}
