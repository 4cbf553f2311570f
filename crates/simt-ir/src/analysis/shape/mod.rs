//! What is known of a value across the lanes of a warp: the same in all, in arithmetic progression, or anything.
//!
//! This is where vector code gets its speed: a uniform value stays scalar, and an address in progression becomes one plain
//! vector access instead of 32.

mod analysis;
mod fact;
mod integer;
mod progression;
#[cfg(test)]
mod tests;

pub use fact::{Fact, Place};
pub use progression::SEGMENTS_MAX;

use super::{Presence, Schedule};
use crate::{BlockId, Function, FunctionKind, Op, Program, Terminator, Value, WARP_SIZE};
use analysis::Analysis;

/// The lanes of a value, relative to each other. Speaks only of lanes that are active where the value is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The same in all lanes.
    Uniform,
    /// Lane `l` holds `lane 0 + l * stride`, wrapping in the value's type. The stride is not 0.
    Affine {
        /// Distance between neighbouring lanes.
        stride: i64,
        /// Whether that holds only if an extension on the way did not wrap and no bound was passed, which the code has to test when it relies
        /// on it.
        speculative: bool,
    },
    /// Within each aligned segment of `length` lanes (4 to half of all) in progression as above; nothing is known between segments.
    Segmented {
        /// Distance between neighbouring lanes; may be 0.
        stride: i64,
        /// Lanes of a segment.
        length: u8,
        /// As above.
        speculative: bool,
        /// Distance between the first lanes of neighbouring segments, wrapping in the value's type, where it is the same for all.
        outer: Option<i64>,
    },
    /// Anything.
    Varying,
}

impl Shape {
    /// Whether all lanes hold the same value.
    pub fn is_uniform(self) -> bool {
        self == Shape::Uniform
    }
}

/// What the launch tells about a kernel before it is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LaunchShape {
    /// Size of a block, if code is made for one size.
    pub block: Option<[u32; 3]>,
    /// Whether `grid * block` threads fit in 31 bits in each dimension, and `gridDim` in 31 bits.
    pub small_grid: bool,
    /// Lanes that one function computes: those of a warp, or of several warps of a block. More than a warp's need a block whose threads are
    /// a multiple of them.
    pub lanes: u32,
}

impl LaunchShape {
    /// Whether each call computes as many threads as it has lanes.
    pub fn starts_full(&self) -> bool {
        self.block.is_some_and(|block| block.iter().product::<u32>().is_multiple_of(self.lanes))
    }
}

impl Default for LaunchShape {
    fn default() -> Self {
        Self { block: None, small_grid: false, lanes: WARP_SIZE }
    }
}

/// Shapes of all values of a function, with the walk that follows from them.
pub struct Shapes {
    facts: Vec<Option<Fact>>,
    /// The walk.
    pub schedule: Schedule,
}

impl Shapes {
    /// Analyses a function. Branches found divergent make phis vary, which may make more branches divergent: repeated until
    /// nothing changes.
    pub fn new(program: &Program, function: &Function, launch: LaunchShape) -> Self {
        let shapes = Self::walked(program, function, launch, &|_| false);
        // Copies that lanes run while they agree lie behind code in which they have parted, over which they jump.
        let mut instructions = function.blocks.iter().flat_map(|block| &block.instructions);
        let is_copied =
            function.kind == FunctionKind::Kernel && instructions.any(|it| matches!(it.op, Op::Agree { .. }));
        if shapes.schedule.irregular || !is_copied {
            return shapes;
        }
        let presence = Presence::new(function, &shapes.schedule, launch.starts_full());
        Self::walked(program, function, launch, &|block| presence.is_full(block))
    }

    /// The shapes if all lanes run certain blocks at once.
    fn walked(program: &Program, function: &Function, launch: LaunchShape, is_full: &dyn Fn(BlockId) -> bool) -> Self {
        let mut divergent = vec![false; function.blocks.len()];
        loop {
            let schedule = Schedule::new(function, |block| divergent[block.0 as usize], is_full);
            let facts = Analysis::new(program, function, launch, &schedule).run();
            let mut changed = false;
            for block in function.block_ids() {
                let decides = match function.block(block).terminator {
                    Terminator::CondBranch { condition, .. } => Some(condition),
                    Terminator::Switch { index, .. } => Some(index),
                    _ => None,
                };
                let is_divergent =
                    decides.and_then(|v| facts[v.0 as usize]).is_some_and(|fact: Fact| !fact.shape.is_uniform());
                if is_divergent && !divergent[block.0 as usize] {
                    divergent[block.0 as usize] = true;
                    changed = true;
                }
            }
            if !changed {
                return Self { facts, schedule };
            }
        }
    }

    /// By value: its shape if lanes that meet at a block came there by the same way.
    pub(crate) fn hoped(&self, program: &Program, function: &Function, launch: LaunchShape) -> Vec<Shape> {
        let analysis = Analysis { hopeful: true, ..Analysis::new(program, function, launch, &self.schedule) };
        analysis.run().into_iter().map(|fact| fact.map_or(Shape::Varying, |fact| fact.shape)).collect()
    }

    /// What is known of a value, if the analysis has seen it.
    pub(crate) fn known(&self, value: Value) -> Option<Fact> {
        self.facts.get(value.0 as usize).copied().flatten()
    }

    /// What is known of a value; of one that is never computed, nothing.
    pub fn fact(&self, value: Value) -> Fact {
        self.facts[value.0 as usize].unwrap_or(Fact {
            shape: Shape::Varying,
            range: (i64::MIN, i64::MAX),
            align: 0,
            lanes_align: 0,
            constant: None,
            place: None,
        })
    }

    /// Shape of a value.
    pub fn shape(&self, value: Value) -> Shape {
        self.fact(value).shape
    }

    /// Whether lanes may disagree at the block's end.
    pub fn is_divergent(&self, function: &Function, block: BlockId) -> bool {
        match function.block(block).terminator {
            Terminator::CondBranch { condition, .. } => !self.shape(condition).is_uniform(),
            Terminator::Switch { index, .. } => !self.shape(index).is_uniform(),
            _ => false,
        }
    }
}
