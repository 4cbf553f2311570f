//! PTX: lexer, parser, type check, printer, lowering to simt-ir.

pub mod ast;
pub mod error;
pub mod lexer;
pub mod lowering;
mod parser;
mod printer;

pub use error::{Error, Result};
