//! The matrix product as one writes it for speed: tiles in shared memory, sixteen results a thread in registers.

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 1024;
const TILE: u32 = 64;
const BLOCK: u32 = 16;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (SIZE * SIZE) as usize;
    let arguments = vec![Argument::I32(SIZE as i32), Argument::Buffer(0), Argument::Buffer(1), Argument::Buffer(2)];
    Workload {
        name: "sgemm_blocked",
        about: "C = A B, 1024 x 1024, tiles of 64 x 64, 4 x 4 a thread",
        buffers: vec![
            Buffer::input("a", Element::F32, count, Contents::F32(signed_unit)),
            Buffer::input("b", Element::F32, count, Contents::F32(|i| signed_unit(!i))),
            Buffer::output("c", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "sgemm_blocked",
            grid: [SIZE / TILE, SIZE / TILE, 1],
            block: [BLOCK, BLOCK, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Flops(2.0 * f64::from(SIZE).powi(3)),
    }
}
