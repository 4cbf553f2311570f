//! The reference interpreter of `simt-ir`: slow, obvious, lane by lane.
//!
//! It states what a program means. Compiled code is compared with it, and checkers stand on it: every access passes a
//! [`Memory`], which may look at who does what, and every misstep is a typed [`Fault`] with PTX line, block and thread.
//!
//! ```
//! use simt_interp::{Allocations, CapturedRuntime, Launch, run};
//! use simt_ir::*;
//!
//! // out[tid] = tid * tid
//! let mut builder = FunctionBuilder::new("square", FunctionKind::Kernel, vec![], vec![]);
//! builder.function_mut().param_bytes = 8;
//! let out = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
//! let tid = builder.push1(Op::Special(SpecialRegister::TidX));
//! let square = builder.binary(BinaryOp::Mul, tid, tid);
//! let index = builder.resize(false, Type::I64, tid);
//! let four = builder.constant(Type::I64, 4);
//! let offset = builder.binary(BinaryOp::Mul, index, four);
//! let address = builder.binary(BinaryOp::Add, out, offset);
//! builder.push(Op::Store {
//!     space: AddressSpace::Global,
//!     ty: Type::I32,
//!     order: MemoryOrder::Weak,
//!     address,
//!     offset: 0,
//!     values: vec![square],
//!     guard: None,
//! });
//! builder.terminate(Terminator::Return(vec![]));
//! let program = Program { functions: vec![builder.finish()], ordinals: vec![0], ..Program::default() };
//!
//! let mut memory = Allocations::default();
//! let buffer = memory.allocate(4 * 40);
//! let launch = Launch { block: [40, 1, 1], params: buffer.to_le_bytes().to_vec(), ..Launch::default() };
//! run(&program, &launch, &mut memory, &mut CapturedRuntime::default())?;
//! assert_eq!(memory.bytes(buffer).unwrap()[4 * 39..], (39u32 * 39).to_le_bytes());
//! # Ok::<(), simt_interp::Error>(())
//! ```
//!
//! How lanes run: the lanes of a warp that stand at the same instruction execute it together, and of several such groups
//! the one that stands earliest in the [`simt_ir::analysis::Layout`] goes first, so that lanes meet again where their paths join. A group
//! that goes round and round a loop while others wait gives way after a bounded number of turns; warps and blocks take turns
//! likewise. So whatever spins on memory that another thread will write makes progress, as PTX promises from compute capability 7.0 on.
//!
//! The memory model is sequential consistency, one of the behaviours that PTX allows.
//!
//! What PTX leaves undefined is a fault here where it can be told ([`FaultKind::Undefined`]), so that a program that
//! runs without one means the same everywhere.
//!
//! Invariant: knows neither PTX nor CUDA handles, and touches no memory but through [`Memory`].
//! Invariant: one thread, no I/O, no clock of its own: equal inputs give equal runs.

mod allocations;
mod fault;
mod launch;
mod machine;
mod memory;
pub mod printf;
#[cfg(any(test, feature = "random"))]
pub mod random;
#[cfg(any(test, feature = "random"))]
pub mod random_ptx;
mod runtime;
mod windows;

pub use allocations::Allocations;
pub use fault::{Error, Fault, FaultKind, LaunchError};
pub use launch::{Launch, Limits, Summary, run};
pub use memory::{Access, AccessKind, Memory, Space};
pub use runtime::{CapturedRuntime, Runtime};
pub use windows::{LOCAL_WINDOW, PARAM_WINDOW, SHARED_WINDOW};
