//! The matrix product as it is first written: one result a thread, nothing kept in shared memory.

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 768;
const BLOCK: u32 = 16;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (SIZE * SIZE) as usize;
    let arguments = vec![Argument::I32(SIZE as i32), Argument::Buffer(0), Argument::Buffer(1), Argument::Buffer(2)];
    Workload {
        name: "sgemm_naive",
        about: "C = A B, 768 x 768, no tiles",
        buffers: vec![
            Buffer::input("a", Element::F32, count, Contents::F32(signed_unit)),
            Buffer::input("b", Element::F32, count, Contents::F32(|i| signed_unit(!i))),
            Buffer::output("c", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "sgemm_naive",
            grid: [SIZE / BLOCK, SIZE / BLOCK, 1],
            block: [BLOCK, BLOCK, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Flops(2.0 * f64::from(SIZE).powi(3)),
    }
}
