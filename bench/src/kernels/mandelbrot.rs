//! The Mandelbrot set: threads of a warp leave their loop at different times.

use crate::workload::{Argument, Buffer, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 2048;
const BLOCK: u32 = 16;
const STEPS_MAX: i32 = 256;

/// The benchmark.
pub fn workload() -> Workload {
    let arguments =
        vec![Argument::I32(SIZE as i32), Argument::I32(SIZE as i32), Argument::I32(STEPS_MAX), Argument::Buffer(0)];
    let count = SIZE * SIZE;
    Workload {
        name: "mandelbrot",
        about: "2048 x 2048 points, up to 256 steps",
        // Whether a compiler fuses multiplication and addition decides over points at the border.
        buffers: vec![Buffer::output("steps", Element::I32, count as usize, Tolerance::Share(1e-2))],
        launches: vec![Launch {
            kernel: "mandelbrot",
            grid: [SIZE / BLOCK, SIZE / BLOCK, 1],
            block: [BLOCK, BLOCK, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Items(f64::from(count)),
    }
}
