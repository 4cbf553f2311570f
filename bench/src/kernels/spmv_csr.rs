//! A sparse matrix times a vector: rows of different lengths, operands gathered from all over a vector.

use crate::random::{mix, signed_unit};
use crate::sparse;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload, blocks};

const ROWS: u32 = 128 << 10;
const MEAN: u32 = 24;
const WARP: u32 = 32;
const BLOCK: u32 = 256;

/// The benchmark.
pub fn workload() -> Workload {
    let mut arguments = vec![Argument::I32(ROWS as i32)];
    arguments.extend((0..5).map(Argument::Buffer));
    let rows = ROWS as usize;
    let entries = sparse::entries(ROWS, MEAN) as usize;
    Workload {
        name: "spmv_csr",
        about: "a sparse matrix of 128 Ki rows times a vector, a warp a row",
        buffers: vec![
            Buffer::input("starts", Element::I32, rows + 1, Contents::Table(|| sparse::row_starts(ROWS, MEAN))),
            Buffer::input("columns", Element::I32, entries, Contents::U32(|i| mix(i) % ROWS)),
            Buffer::input("values", Element::F32, entries, Contents::F32(|i| signed_unit(!i))),
            Buffer::input("x", Element::F32, rows, Contents::F32(signed_unit)),
            Buffer::output("y", Element::F32, rows, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "spmv_csr",
            grid: [blocks(ROWS * WARP, BLOCK), 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        // An entry and its column; what a row needs, once; a part of the vector comes from a cache.
        work: Work::Read(8.0 * entries as f64 + 12.0 * rows as f64),
    }
}
