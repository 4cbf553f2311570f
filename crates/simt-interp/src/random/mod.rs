//! Random programs, for comparing implementations: the interpreter with compiled code, and both with a real GPU.
//!
//! [`program`] makes a program in IR; [`crate::random_ptx::module`] makes PTX text. Both give a [`Case`]: the code, its
//! inputs, and what each word of its output may be. Cases depend on nothing but family and seed.
//!
//! Besides operations of all kinds on operands near which things go wrong, programs have
//! * nested branches, branches and loops with two entries, jump tables, loops that lanes leave one by one and at several places, calls and
//!   recursion under divergence, values that change places on the way round a loop ([`Family::ControlFlow`]);
//! * stores and loads of a thread's own memory one behind the other, in branches and loops too, through addresses of a space and generic
//!   ones, and of other threads' behind a barrier ([`Family::Memory`], [`Family::ControlFlow`]);
//! * barriers in branches and loops that the whole block takes, shuffles and votes among the lanes that a divergent branch or loop leaves
//!   together, lanes and warps that spin while others wait at a barrier, locks ([`Family::Cooperation`]).
//!
//! `crates/jit/tests/planted` shows what they find.
//!
//! A case's kernel has two parameters: at offset 0 the address of the inputs, at offset 8 that of the outputs, both in
//! global memory and of 64-bit words. Thread number `t` of the grid reads the inputs from word `t * input_words` and
//! writes the outputs from word `scratch_words + t * output_words`; the output buffer begins as zeros.
//!
//! ```
//! use simt_interp::random::{Family, NanRule, program};
//!
//! let case = program(Family::Integer, 1);
//! let expected = case.interpret().unwrap();
//! case.compare(&expected, &expected, NanRule::Exact).unwrap();
//! ```

mod atomics;
mod case;
mod control_flow;
mod edges;
mod floats;
mod integers;
mod matrix;
mod memory;
mod rng;
mod straight;
#[cfg(test)]
mod tests;
mod warp;

pub use case::{Case, Check, Mismatch, NanRule, interpret, interpret_counted};
pub use edges::Mix;
pub use rng::Rng;

use simt_ir::Program;
use straight::Straight;

/// Kinds of instructions that are tried together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// Integer arithmetic.
    Integer,
    /// Bits: logic, shifts, fields, permutations.
    Logic,
    /// Small dot products.
    Dot,
    /// Comparisons and selections.
    Compare,
    /// Conversions between all types.
    Convert,
    /// f32 arithmetic.
    Float32,
    /// f64 arithmetic.
    Float64,
    /// f16 and bf16 arithmetic.
    Half,
    /// The approximate operations, compared within their bounds.
    Approximate,
    /// Operations of the lanes of a warp together, and barriers.
    Warp,
    /// Nested branches, loops that lanes leave one by one, switches, irreducible flow, calls.
    ControlFlow,
    /// Loads and stores of all widths in all spaces.
    Memory,
    /// Read-modify-write operations.
    Atomics,
    /// Products of matrices.
    Matrix,
    /// Numbers in parts of registers; in IR, the integer operations and conversions that these are made of.
    Parts,
    /// Threads that wait for and exchange with one another: barriers in branches that the whole block takes, operations among the lanes
    /// of a divergent branch or loop, lanes and warps that spin, locks. In PTX only.
    Cooperation,
}

impl Family {
    /// All families, in each of which there are programs in PTX.
    pub const ALL: [Family; 16] = [
        Family::Integer,
        Family::Logic,
        Family::Dot,
        Family::Compare,
        Family::Convert,
        Family::Float32,
        Family::Float64,
        Family::Half,
        Family::Approximate,
        Family::Warp,
        Family::ControlFlow,
        Family::Memory,
        Family::Atomics,
        Family::Matrix,
        Family::Parts,
        Family::Cooperation,
    ];

    /// Whether there are programs of the family in IR too.
    pub fn is_in_ir(self) -> bool {
        self != Family::Cooperation
    }

    /// What the family's inputs look like.
    pub(crate) fn mix(self) -> Mix {
        match self {
            Family::Integer
            | Family::Logic
            | Family::Dot
            | Family::Warp
            | Family::ControlFlow
            | Family::Memory
            | Family::Cooperation => Mix::Integers,
            Family::Float32 | Family::Approximate => Mix::Float32,
            Family::Float64 => Mix::Float64,
            Family::Half => Mix::Half,
            Family::Compare | Family::Convert | Family::Atomics | Family::Matrix | Family::Parts => Mix::All,
        }
    }
}

/// Operations of a straight-line program, and so its output words.
const STRAIGHT_OPERATIONS: usize = 32;

/// A random program of a family.
///
/// # Panics
///
/// If the family has none in IR ([`Family::is_in_ir`]).
pub fn program(family: Family, seed: u64) -> Case<Program> {
    let mut rng = Rng::of(family, seed);
    match family {
        Family::Warp => warp::case(&mut rng),
        Family::ControlFlow => control_flow::case(&mut rng),
        Family::Memory => memory::case(&mut rng),
        Family::Atomics => atomics::case(&mut rng),
        Family::Matrix => matrix::case(&mut rng),
        _ => straight_line(family, &mut rng),
    }
}

fn straight_line(family: Family, rng: &mut Rng) -> Case<Program> {
    let threads = 1 + rng.below(96) as u32;
    let mut straight = Straight::new(rng, family.mix());
    for _ in 0..STRAIGHT_OPERATIONS {
        match family {
            Family::Integer => integers::arithmetic(&mut straight),
            Family::Logic => integers::logic(&mut straight),
            Family::Dot => integers::dot(&mut straight),
            Family::Compare => floats::compare(&mut straight),
            Family::Convert => floats::convert(&mut straight),
            Family::Float32 => floats::arithmetic(&mut straight, simt_ir::Type::F32),
            Family::Float64 => floats::arithmetic(&mut straight, simt_ir::Type::F64),
            Family::Half => floats::half(&mut straight),
            Family::Approximate => floats::approximate(&mut straight),
            Family::Parts if straight.rng.flag() => floats::convert(&mut straight),
            Family::Parts => integers::logic(&mut straight),
            Family::Warp | Family::ControlFlow | Family::Memory | Family::Atomics | Family::Matrix => {
                unreachable!("made by modules of their own")
            }
            Family::Cooperation => panic!("there are no programs of this family in IR"),
        }
    }
    straight.finish(1 + threads % 2, threads)
}
