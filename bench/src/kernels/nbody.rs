//! Gravity between all pairs of bodies: arithmetic with a square root, operands from shared memory.

use crate::random::{signed_unit, unit};
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const BODIES: u32 = 16384;
const BLOCK: u32 = 256;
/// What the literature counts for a pair: three differences, six for the distance, a root as two, nine for the sums.
const FLOPS_PER_PAIR: f64 = 20.0;

/// The benchmark.
pub fn workload() -> Workload {
    let arguments = vec![Argument::I32(BODIES as i32), Argument::Buffer(0), Argument::Buffer(1)];
    let count = 4 * BODIES as usize;
    Workload {
        name: "nbody",
        about: "accelerations of 16384 bodies",
        buffers: vec![
            // Each fourth number is a mass.
            Buffer::input(
                "bodies",
                Element::F32,
                count,
                Contents::F32(|i| if i % 4 == 3 { unit(i) } else { signed_unit(i) }),
            ),
            Buffer::output("accelerations", Element::F32, count, Tolerance::Relative(1e-3)),
        ],
        launches: vec![Launch {
            kernel: "nbody",
            grid: [BODIES / BLOCK, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: arguments.clone(),
        }],
        native: arguments,
        work: Work::Flops(FLOPS_PER_PAIR * f64::from(BODIES).powi(2)),
    }
}
