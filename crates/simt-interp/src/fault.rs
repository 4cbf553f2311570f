//! What can go wrong, as types.

use std::fmt;

use simt_ir::VerifyError;

use crate::{AccessKind, Space};

/// Why a run ended early.
#[derive(Clone, PartialEq, Debug)]
pub enum Error {
    /// It did not begin.
    Launch(LaunchError),
    /// A thread did what it must not.
    Fault(Box<Fault>),
}

/// Why a run did not begin.
#[derive(Clone, PartialEq, Debug)]
pub enum LaunchError {
    /// The program is not well formed.
    Program(VerifyError),
    /// The grid, the block or the cluster has a side of 0, or the grid is not made of whole clusters.
    EmptyShape,
    /// More threads in a block than a block can have.
    BlockTooLarge {
        /// Threads asked for.
        threads: u64,
        /// The most that are possible.
        limit: u32,
    },
    /// The parameter buffer is smaller than the kernel's parameters.
    ParamsTooShort {
        /// Bytes given.
        given: usize,
        /// Bytes of the kernel's parameters.
        needed: u32,
    },
    /// The address of a global or const symbol was not given.
    MissingSymbol(String),
    /// More shared memory than [`crate::Limits::shared_bytes`].
    SharedTooLarge {
        /// Bytes asked for.
        needed: u64,
        /// The most that are possible.
        limit: u32,
    },
}

/// A misstep of one thread, which ends the kernel.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// Name of the function the thread was in.
    pub function: String,
    /// Line in the PTX text; 0 if there is none.
    pub line: u32,
    /// `%ctaid`.
    pub block: [u32; 3],
    /// `%tid`.
    pub thread: [u32; 3],
}

/// Kinds of missteps.
#[derive(Clone, PartialEq, Debug)]
pub enum FaultKind {
    /// An access outside the memory there is.
    OutOfBounds {
        /// What the access does.
        access: AccessKind,
        /// Where it went.
        space: Space,
        /// Address as the program had it: an offset, or a generic address.
        address: u64,
        /// Bytes.
        size: u32,
        /// What is there instead, for people.
        reason: String,
    },
    /// An access whose address is not a multiple of its size.
    Misaligned {
        /// What the access does.
        access: AccessKind,
        /// Address as the program had it.
        address: u64,
        /// Bytes.
        size: u32,
    },
    /// `trap`.
    Trap,
    /// `assert` failed.
    Assertion {
        /// The message, as [`crate::Runtime::assertion`] got it.
        text: String,
    },
    /// A call through a pointer that is no function, or one of other parameters.
    BadCallTarget {
        /// The pointer.
        target: u64,
    },
    /// Calls nested too deep, or too much stack memory.
    StackOverflow {
        /// Bytes that the lane's local memory would have to have.
        needed: u64,
        /// Bytes it has.
        limit: u32,
    },
    /// A barrier used against its rules.
    Barrier(String),
    /// No thread can go on; this one waits for what nobody will do.
    Deadlock(String),
    /// [`crate::Limits::steps`] is used up; this thread was about to run.
    StepLimit,
    /// An operation that is not implemented.
    Unsupported(String),
    /// A place that control flow cannot reach was reached.
    Unreachable,
    /// Something that PTX leaves undefined.
    Undefined(String),
    /// A texture or surface used against its rules.
    Texture(String),
    /// A tensor map used against its rules.
    Tensor(String),
    /// Device `free` of what is no allocation.
    BadFree {
        /// The pointer.
        address: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Launch(error) => error.fmt(f),
            Error::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaunchError::Program(error) => write!(f, "the program is not well formed: {error}"),
            LaunchError::EmptyShape => {
                write!(f, "grid, block or cluster is empty, or the grid is not made of whole clusters")
            }
            LaunchError::BlockTooLarge { threads, limit } => {
                write!(f, "{threads} threads in a block; {limit} are possible")
            }
            LaunchError::ParamsTooShort { given, needed } => {
                write!(f, "{given} bytes of parameters; the kernel has {needed}")
            }
            LaunchError::MissingSymbol(name) => write!(f, "no address was given for the symbol `{name}`"),
            LaunchError::SharedTooLarge { needed, limit } => {
                write!(f, "{needed} bytes of shared memory; {limit} are possible")
            }
        }
    }
}

impl std::error::Error for LaunchError {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([bx, by, bz], [tx, ty, tz]) = (self.block, self.thread);
        let Fault { kind, function, line, .. } = self;
        write!(f, "{kind} in {function}, line {line}, block ({bx}, {by}, {bz}), thread ({tx}, {ty}, {tz})")
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::OutOfBounds { access, space, address, size, reason } => {
                write!(f, "{access:?} of {size} bytes at {address:#x} ({space:?} memory): {reason}")
            }
            FaultKind::Misaligned { access, address, size } => {
                write!(f, "{access:?} of {size} bytes at {address:#x}, which is no multiple of {size}")
            }
            FaultKind::Trap => write!(f, "trap"),
            FaultKind::Assertion { text } => write!(f, "assertion failed: {}", text.trim_end()),
            FaultKind::BadCallTarget { target } => {
                write!(f, "call of {target:#x}, which is no function of this signature")
            }
            FaultKind::StackOverflow { needed, limit } => {
                write!(f, "stack overflow: {needed} bytes of local memory needed, {limit} there")
            }
            FaultKind::Tensor(what) => write!(f, "tensor map misused: {what}"),
            FaultKind::Texture(what) => write!(f, "texture misused: {what}"),
            FaultKind::Barrier(what) => write!(f, "barrier misused: {what}"),
            FaultKind::Deadlock(what) => write!(f, "deadlock: {what}"),
            FaultKind::StepLimit => write!(f, "step limit reached"),
            FaultKind::Unsupported(text) => write!(f, "not implemented: {text}"),
            FaultKind::Unreachable => write!(f, "unreachable place reached"),
            FaultKind::Undefined(what) => write!(f, "undefined behaviour: {what}"),
            FaultKind::BadFree { address, reason } => write!(f, "free of {address:#x}: {reason}"),
        }
    }
}
