//! Machine code for simt-ir, made by LLVM, vectorised over the 32 lanes of a warp.
//!
//! A program goes through `simt_ir::pass::prepare`, [`emit`](self) to LLVM IR, LLVM's passes, an object file, and a loader of our
//! own that places it in memory; machine code has no external symbols (see `simt_ir::abi`), so that an object can be kept on disk and
//! used by any process.
//!
//! Invariant: only this crate links LLVM.
//! Invariant: it knows neither PTX nor CUDA handles, and never runs the code it makes.

mod baseline;
mod compiler;
mod cpu;
mod emit;
mod error;
mod llvm;
mod object;
mod report;
mod statics;
mod steps;

pub use compiler::{CompiledKernel, Compiler, Object, Options, Stages};
pub use cpu::CpuLevel;
pub use emit::notes::{
    AccessNote, AccessWay, Bounds, BranchNote, CallNote, FunctionNotes, LoopNote, ShapeCounts, WaitNote,
};
pub use error::Error;
pub use report::Report;
pub use steps::{Step, StepClock};
