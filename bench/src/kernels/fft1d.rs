//! Many Fourier transforms of 1024 points: a block each, steps of radix 4 with barriers between them.

use std::f64::consts::TAU;

use crate::random::signed_unit;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const SIZE: u32 = 1024;
const BATCH: u32 = 2048;

/// The benchmark.
pub fn workload() -> Workload {
    let count = (2 * SIZE * BATCH) as usize;
    let buffers = (0..3).map(Argument::Buffer);
    Workload {
        name: "fft1d",
        about: "2048 complex transforms of 1024 points, radix 4",
        buffers: vec![
            Buffer::input("input", Element::F32, count, Contents::F32(signed_unit)),
            Buffer::input("roots", Element::F32, 2 * SIZE as usize, Contents::F32(root)),
            Buffer::output("output", Element::F32, count, Tolerance::Relative(1e-5)),
        ],
        launches: vec![Launch {
            kernel: "fft1d",
            grid: [BATCH, 1, 1],
            block: [SIZE / 4, 1, 1],
            arguments: buffers.clone().collect(),
        }],
        native: std::iter::once(Argument::I32(BATCH as i32)).chain(buffers).collect(),
        // What the literature counts, for whatever radix.
        work: Work::Flops(5.0 * f64::from(SIZE) * f64::from(SIZE).log2() * f64::from(BATCH)),
    }
}

/// The real and the imaginary parts of the roots of one, in the direction of a forward transform.
fn root(index: u32) -> f32 {
    let angle = TAU * f64::from(index / 2) / f64::from(SIZE);
    if index % 2 == 0 { angle.cos() as f32 } else { -angle.sin() as f32 }
}
