//! The SSA form of a kernel, written for **one warp of 32 lanes**.
//!
//! Every [`Value`] has one scalar [`Type`] and stands for 32 values, one a lane. An operation is executed by the
//! lanes that are *active* where it stands; control flow is per lane. Nothing here says how lanes are mapped to
//! hardware: `simt-interp` runs the lanes one after another, `simt-llvm` makes vectors of them.
//!
//! A [`Program`] is one kernel together with every function it can reach, and is what gets compiled.
//!
//! Invariant: this crate knows neither PTX nor SASS syntax, neither LLVM nor CUDA handles.
//! Invariant: it has no state and does no I/O; a pass is a function from a program to a program.

pub mod abi;
pub mod analysis;
mod builder;
mod device_call;
mod function;
pub mod instrument;
mod matrix;
pub mod number;
mod op;
mod op_info;
pub mod pass;
mod print;
mod program;
mod special_register;
pub mod tensor;
pub mod texture;
mod types;
mod verify;

pub use builder::FunctionBuilder;
pub use device_call::DeviceCall;
pub use function::{Block, BlockId, Function, FunctionKind, Instruction, Phi, Terminator, Value};
pub use matrix::{Arrangement, Combine, Element, Factor, MatrixProduct, Place, Sum};
pub use op::{
    AddressSpace, AtomicOp, BarrierKind, BinaryOp, FloatBinaryOp, FloatCondition, FloatUnaryOp, IntCondition,
    MatchKind, MemoryOrder, Op, PermuteMode, ReduceOp, Rounding, RuntimeFunction, Scope, ShuffleMode, UnaryOp,
    VoteMode,
};
pub use program::{FunctionId, Program, Symbol, SymbolId, function_address, function_ordinal};
pub use special_register::SpecialRegister;
pub use types::Type;
pub use verify::{VerifyError, verify};

/// Lanes of a warp, on every device CUDA has had.
pub const WARP_SIZE: u32 = 32;
