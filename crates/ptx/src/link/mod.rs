//! The linker: several modules become the text of one (PTX ISA 5.1, 11.6).
//!
//! A name that a module exports is one thing in all of them. What a module keeps for itself gets another name where two modules
//! use the same one. The result is PTX like any other: it can be kept, handed on, and loaded.
//!
//! 1. [`symbols`] lists what each module declares and defines;
//! 2. [`resolve`] decides which definition a name stands for;
//! 3. [`rename`] gives bodies and initial values the new names, and notes what they use;
//! 4. [`merge`] writes it all down.

mod error;
mod library;
mod merge;
mod rename;
mod resolve;
mod symbols;

pub use error::LinkError;
pub use library::select;

use crate::ast::Module;

/// A module that is to be linked.
#[derive(Clone, Debug)]
pub struct Input {
    /// By what name messages call it.
    pub name: String,
    /// The module.
    pub module: Module,
}

/// What no module says is taken from here.
const EMPTY: &str = ".version 7.0\n.target sm_50\n.address_size 64\n";

/// Links modules: their text as one module. A single one keeps its text; of none an empty module is made.
///
/// # Errors
/// All that keeps them from being one: names that are defined twice or not at all, declarations that do not agree, text that is
/// wrong.
pub fn link(inputs: &[Input]) -> Result<String, Vec<LinkError>> {
    let tables = tables(inputs);
    let resolution = resolve::resolve(inputs, &tables)?;
    let merged = merge::merge(inputs, &tables, &resolution)?;
    match inputs {
        [] => Ok(EMPTY.to_owned()),
        [single] => Ok(single.module.text().to_owned()),
        _ => Ok(merged),
    }
}

/// Whether modules fit together as far as they go: names may still be missing.
///
/// # Errors
/// Names that two modules define, or that they disagree about.
pub fn check(inputs: &[Input]) -> Result<(), Vec<LinkError>> {
    resolve::resolve(inputs, &tables(inputs)).map(|_| ())
}

fn tables(inputs: &[Input]) -> Vec<symbols::Table> {
    inputs.iter().map(|input| symbols::Table::new(&input.module)).collect()
}
