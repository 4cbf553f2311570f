//! Rows brought to mean 0 and variance 1, a warp a row in registers: two sums by shuffles.

use crate::random::{signed_unit, unit};
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const ROWS: u32 = 8192;
/// The sources know it too.
const COLUMNS: u32 = 1024;
const BLOCK: u32 = 256;
/// A warp has one.
const ROWS_PER_BLOCK: u32 = BLOCK / 32;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (ROWS * COLUMNS) as usize;
    let buffers = (0..4).map(Argument::Buffer);
    Workload {
        name: "layer_norm",
        about: "8192 rows of 1024 floats, a warp a row",
        buffers: vec![
            Buffer::input("input", Element::F32, count, Contents::F32(|i| 0.5 + signed_unit(i))),
            Buffer::input("scales", Element::F32, COLUMNS as usize, Contents::F32(|i| 0.5 + unit(i))),
            Buffer::input("shifts", Element::F32, COLUMNS as usize, Contents::F32(|i| signed_unit(!i))),
            Buffer::output("output", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "layer_norm",
            grid: [ROWS / ROWS_PER_BLOCK, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: buffers.clone().collect(),
        }],
        native: std::iter::once(Argument::I32(ROWS as i32)).chain(buffers).collect(),
        work: Work::Copy(8.0 * count as f64),
    }
}
