//! PTX: lexer, parser, syntax tree, printer, check, and lowering to `simt-ir`.
//!
//! ```text
//! text -> lexer -> parser -> ast -> resolve -> check -> lowering -> simt_ir::Program
//!                             |        names     |  forms and operands
//!                          printer           instructions/<family>.rs
//! ```
//!
//! [`ast::Module::parse`] reads the signatures, variables and directives of a module at once and only notes where the bodies
//! are; a body is read when somebody asks for it. [`lowering::Library`] lowers one kernel at a time, with what it can
//! reach. [`link`] makes one module of several; [`retarget`] makes a text for a newer card into one for an older.
//!
//! Invariant: no text makes this crate panic; what is wrong is an [`Error`] that points at it.
//! Invariant: an instruction is declared once, in `instructions/<family>.rs`: its forms and its lowering.
//! Invariant: this crate executes nothing, does no I/O, and knows neither CUDA handles nor machine code.

pub mod ast;
pub mod check;
pub mod error;
pub mod instructions;
pub mod lexer;
pub mod link;
pub mod lowering;
mod parser;
mod printer;
pub mod resolve;
pub mod retarget;

pub use error::{Error, Result};
