//! An image filtered by 7 x 7 weights: a part with margins in shared memory, weights in constant memory.

use crate::random::{signed_unit, unit};
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 2048;
const BLOCK: [u32; 3] = [32, 8, 1];
const WEIGHTS: u32 = 7 * 7;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (SIZE * SIZE) as usize;
    let arguments = vec![Argument::I32(SIZE as i32), Argument::Buffer(0), Argument::Buffer(1), Argument::Buffer(2)];
    Workload {
        name: "conv2d",
        about: "2048 x 2048 floats, 7 x 7 weights",
        buffers: vec![
            Buffer::input("weights", Element::F32, WEIGHTS as usize, Contents::F32(|i| signed_unit(i) / 7.0))
                .constant(),
            Buffer::input("input", Element::F32, count, Contents::F32(|i| unit(!i))),
            Buffer::output("output", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "conv2d",
            grid: [SIZE / BLOCK[0], SIZE / BLOCK[1], 1],
            block: BLOCK,
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Flops(2.0 * f64::from(WEIGHTS) * count as f64),
    }
}
