//! `y = a x + y`: nothing but memory.

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload, blocks};

const COUNT: u32 = 64 << 20;
const BLOCK: u32 = 256;

/// The benchmark.
pub fn workload() -> Workload {
    let arguments = vec![Argument::I32(COUNT as i32), Argument::F32(0.5), Argument::Buffer(0), Argument::Buffer(1)];
    Workload {
        name: "saxpy",
        about: "y = a x + y, 64 Mi floats",
        buffers: vec![
            Buffer::input("x", Element::F32, COUNT as usize, Contents::F32(signed_unit)),
            Buffer::input("y", Element::F32, COUNT as usize, Contents::F32(|i| signed_unit(!i)))
                .checked(Tolerance::Relative(1e-6)),
        ],
        launches: vec![Launch {
            kernel: "saxpy",
            grid: [blocks(COUNT, BLOCK), 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Update(12.0 * f64::from(COUNT)),
    }
}
