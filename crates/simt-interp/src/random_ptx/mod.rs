//! Random PTX modules, one kernel `k(.param .u64 input, .param .u64 output)` each, for a real GPU as well as for this stack.
//!
//! The text is plain PTX 8.4 for `sm_90`: what a driver of that age compiles. Each result of a straight-line family is stored
//! as soon as it is there, as a 64-bit word; see [`crate::random`] for the buffers' form.
//!
//! Nothing is generated that PTX leaves undefined, with one exception that is worth asking the hardware about: integer
//! division by zero.
//!
//! ```
//! use simt_interp::random::Family;
//!
//! let case = simt_interp::random_ptx::module(Family::Float32, 3);
//! assert!(case.code.contains(".visible .entry k("));
//! ```

mod approximate;
mod atomics;
mod compare;
mod control_flow;
mod convert;
mod cooperation;
mod float;
mod half;
mod integer;
mod logic;
mod matrix;
mod memory;
mod parts;
#[cfg(test)]
mod tests;
mod text;
mod warp;

use crate::random::{Case, Family, Rng};
use text::Kernel;

/// Instructions of a straight-line case, about.
const INSTRUCTIONS: usize = 40;

/// A random module of a family.
pub fn module(family: Family, seed: u64) -> Case<String> {
    let mut rng = Rng::of(family, seed ^ PTX_SEEDS);
    let threads = 32 * (1 + rng.below(4) as u32);
    let blocks = 1 + rng.below(2) as u32;
    let mut kernel = Kernel::new(&mut rng, family.mix(), blocks, threads);
    match family {
        Family::Warp => warp::body(&mut kernel),
        Family::ControlFlow => control_flow::body(&mut kernel),
        Family::Memory => memory::body(&mut kernel),
        Family::Atomics => atomics::body(&mut kernel),
        Family::Matrix => matrix::body(&mut kernel),
        Family::Cooperation => cooperation::body(&mut kernel),
        _ => {
            for _ in 0..INSTRUCTIONS {
                instruction(family, &mut kernel);
            }
        }
    }
    kernel.finish()
}

/// Told apart from the seeds of IR programs, so that the two do not go through the same numbers.
const PTX_SEEDS: u64 = 0x5054_5800_0000;

fn instruction(family: Family, kernel: &mut Kernel) {
    match family {
        Family::Integer => integer::instruction(kernel),
        Family::Logic => logic::instruction(kernel),
        Family::Dot => integer::dot(kernel),
        Family::Compare => compare::instruction(kernel),
        Family::Convert => convert::instruction(kernel),
        Family::Float32 => float::instruction(kernel, float::Width::Single),
        Family::Float64 => float::instruction(kernel, float::Width::Double),
        Family::Half => half::instruction(kernel),
        Family::Approximate => approximate::instruction(kernel),
        Family::Parts => parts::instruction(kernel),
        Family::Warp
        | Family::ControlFlow
        | Family::Memory
        | Family::Atomics
        | Family::Matrix
        | Family::Cooperation => {
            unreachable!("made as a whole")
        }
    }
}
