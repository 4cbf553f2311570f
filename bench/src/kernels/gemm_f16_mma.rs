//! The matrix product on tensor cores: f16 with sums of f32, operands loaded as matrices, tiles copied asynchronously.

use crate::random::signed_unit_halves;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 1024;
const TILE: u32 = 128;
const BLOCK: u32 = 256;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (SIZE * SIZE) as usize;
    let arguments = vec![Argument::I32(SIZE as i32), Argument::Buffer(0), Argument::Buffer(1), Argument::Buffer(2)];
    Workload {
        name: "gemm_f16_mma",
        about: "C = A B, 1024 x 1024, f16 with sums of f32, mma.sync of 16 x 8 x 16, tiles of 128 x 128",
        // Two elements in each.
        buffers: vec![
            Buffer::input("a", Element::U32, count / 2, Contents::U32(signed_unit_halves)),
            Buffer::input("b", Element::U32, count / 2, Contents::U32(|i| signed_unit_halves(!i))),
            Buffer::output("c", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "gemm_f16_mma",
            grid: [SIZE / TILE, SIZE / TILE, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Flops(2.0 * f64::from(SIZE).powi(3)),
    }
}
