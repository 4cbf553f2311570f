//! Why a kernel could not be compiled.

use std::fmt;

/// Why a kernel could not be compiled.
#[derive(Clone, PartialEq, Debug)]
pub enum Error {
    /// The kernel uses something that is not implemented.
    Unsupported {
        /// The kernel.
        kernel: String,
        /// PTX line, 0 if unknown.
        line: u32,
        /// The instruction, or what of it.
        what: String,
    },
    /// The program is not well formed: a fault of the front end or of a pass.
    Malformed(simt_ir::VerifyError),
    /// LLVM refused what it was given.
    Llvm(String),
    /// The object file could not be placed in memory.
    Object(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unsupported { kernel, line, what } => {
                write!(f, "kernel {kernel}, PTX line {line}: not implemented: {what}")
            }
            Error::Malformed(error) => write!(f, "malformed program: {error}"),
            Error::Llvm(text) => write!(f, "LLVM: {text}"),
            Error::Object(text) => write!(f, "object file: {text}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<crate::llvm::MachineError> for Error {
    fn from(error: crate::llvm::MachineError) -> Self {
        Error::Llvm(error.0)
    }
}
