//! What keeps modules from being linked.

use std::fmt;

use crate::error::Error;

/// Why modules cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// Two modules define one exported name.
    Duplicate {
        /// The name.
        name: String,
        /// The modules.
        inputs: [String; 2],
    },
    /// A name is used and nobody defines it.
    Undefined {
        /// The name.
        name: String,
        /// The module that uses it.
        input: String,
        /// The line of its first use, from 1; none in an initial value.
        line: Option<u32>,
    },
    /// Two modules mean different things by one name.
    Mismatch {
        /// The name.
        name: String,
        /// What the modules say of it, each with its name.
        said: [(String, String); 2],
    },
    /// The modules cannot be one module at all.
    Incompatible(String),
    /// A text is wrong.
    Text {
        /// The module.
        input: String,
        /// What is wrong with it, and where.
        error: Error,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Duplicate { name, inputs: [first, second] } => {
                write!(f, "`{name}` is defined by {first} and again by {second}")
            }
            LinkError::Undefined { name, input, line: Some(line) } => {
                write!(f, "`{name}`, used by {input}, line {line}, is not defined")
            }
            LinkError::Undefined { name, input, line: None } => {
                write!(f, "`{name}`, used by an initial value in {input}, is not defined")
            }
            LinkError::Mismatch { name, said: [(first, this), (second, that)] } => {
                write!(f, "`{name}` is {this} in {first}, and {that} in {second}")
            }
            LinkError::Incompatible(text) => f.write_str(text),
            LinkError::Text { input, error } => write!(f, "{input}: {error}"),
        }
    }
}

impl std::error::Error for LinkError {}
