//! A matrix turned by tiles in shared memory: memory that is read along rows and written along columns.

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 4096;
const TILE: u32 = 32;
const ROWS: u32 = 8;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (SIZE * SIZE) as usize;
    let arguments = vec![Argument::I32(SIZE as i32), Argument::Buffer(0), Argument::Buffer(1)];
    Workload {
        name: "transpose",
        about: "4096 x 4096 floats, tiles of 32 x 32",
        buffers: vec![
            Buffer::input("input", Element::F32, count, Contents::F32(signed_unit)),
            Buffer::output("output", Element::F32, count, Tolerance::Exact),
        ],
        launches: vec![Launch {
            kernel: "transpose",
            grid: [SIZE / TILE, SIZE / TILE, 1],
            block: [TILE, ROWS, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Copy(8.0 * count as f64),
    }
}
