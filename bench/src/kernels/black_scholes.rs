//! Prices of options: exponential functions, logarithms and roots, an option a thread.

use crate::random::unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload, blocks};

const COUNT: u32 = 2 << 20;
const BLOCK: u32 = 256;
const RATE: f32 = 0.02;
const VOLATILITY: f32 = 0.30;

/// The benchmark.
pub fn workload() -> Workload {
    let count = COUNT as usize;
    let mut arguments = vec![Argument::I32(COUNT as i32), Argument::F32(RATE), Argument::F32(VOLATILITY)];
    arguments.extend((0..5).map(Argument::Buffer));
    Workload {
        name: "black_scholes",
        about: "calls and puts of 2 Mi options",
        buffers: vec![
            Buffer::input("prices", Element::F32, count, Contents::F32(|i| 5.0 + 25.0 * unit(i))),
            Buffer::input("strikes", Element::F32, count, Contents::F32(|i| 1.0 + 99.0 * unit(!i))),
            Buffer::input("years", Element::F32, count, Contents::F32(|i| 0.25 + 9.75 * unit(i.reverse_bits()))),
            Buffer::output("calls", Element::F32, count, Tolerance::Relative(1e-5)),
            Buffer::output("puts", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "black_scholes",
            grid: [blocks(COUNT, BLOCK), 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        // Three numbers in, two out.
        work: Work::Copy(20.0 * f64::from(COUNT)),
    }
}
