//! Sweeps over a grid, a launch each: neighbours from global memory, which caches have.

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 2048;
const SWEEPS: usize = 6;
const BLOCK: [u32; 3] = [32, 8, 1];

/// The benchmark.
pub fn workload() -> Workload {
    let count = (SIZE * SIZE) as usize;
    let sweep = |index: usize| Launch {
        kernel: "stencil2d",
        grid: [SIZE / BLOCK[0], SIZE / BLOCK[1], 1],
        block: BLOCK,
        arguments: vec![Argument::I32(SIZE as i32), Argument::Buffer(index % 2), Argument::Buffer(1 - index % 2)],
    };
    Workload {
        name: "stencil2d",
        about: "6 Jacobi sweeps over 2048 x 2048 floats, 5 points",
        buffers: vec![
            Buffer::input("even", Element::F32, count, Contents::F32(signed_unit)).checked(Tolerance::Relative(1e-5)),
            Buffer::input("odd", Element::F32, count, Contents::Zero),
        ],
        launches: (0..SWEEPS).map(sweep).collect(),
        native: vec![
            Argument::I32(SIZE as i32),
            Argument::I32(SWEEPS as i32),
            Argument::Buffer(0),
            Argument::Buffer(1),
        ],
        work: Work::Copy(8.0 * count as f64 * SWEEPS as f64),
    }
}
