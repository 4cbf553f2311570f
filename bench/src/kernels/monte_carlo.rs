//! The price of an option by simulation: random numbers by Philox, logarithms, sines and exponentials, no memory.

use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const BLOCKS: u32 = 256;
const BLOCK: u32 = 256;
/// Counters of a thread, which the sources know too; each gives four paths.
const COUNTERS: u32 = 16;
const PATHS: u32 = 4 * COUNTERS * BLOCK * BLOCKS;

const PRICE: f32 = 100.0;
const STRIKE: f32 = 105.0;
/// Of a year at a rate of 0.03 and a volatility of 0.2.
const DRIFT: f32 = 0.01;
const DEVIATION: f32 = 0.2;

/// The benchmark.
pub fn workload() -> Workload {
    let option = [PRICE, STRIKE, DRIFT, DEVIATION].map(Argument::F32);
    let launch = |kernel, blocks, arguments| Launch { kernel, grid: [blocks, 1, 1], block: [BLOCK, 1, 1], arguments };
    let simulate = option.into_iter().chain([Argument::Buffer(0)]).collect();
    let mean = vec![Argument::I32(BLOCKS as i32), Argument::Buffer(0), Argument::Buffer(1)];
    let native = std::iter::once(Argument::I32((PATHS / 4) as i32)).chain(option).chain([Argument::Buffer(1)]);
    Workload {
        name: "monte_carlo",
        about: "the price of a call by 4 Mi paths",
        buffers: vec![
            Buffer::input("sums", Element::F32, BLOCKS as usize, Contents::Zero),
            // Of many small numbers added in another order.
            Buffer::output("mean", Element::F32, 1, Tolerance::Relative(1e-4)),
        ],
        launches: vec![launch("simulate", BLOCKS, simulate), launch("mean", 1, mean)],
        native: native.collect(),
        work: Work::Items(f64::from(PATHS)),
    }
}
