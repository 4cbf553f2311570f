//! The CUDA driver API, declared once: table, C types, error codes.
//!
//! - [`for_each_driver_function!`] is the table: a row for each symbol that `libcuda.so.1` exports. Whoever needs
//!   the list of functions passes a macro of its own; a second list of the same names is a defect.
//!   [`for_each_driver_symbol!`] is the same without the groups, for whoever wants one list.
//! - [`FUNCTIONS`] is the table as data, [`pointer`] the types of pointers to the functions.
//! - the C types stand at the root of the crate, under their C names.
//!
//! `src/table.rs` and `src/types/` are written by `cargo xtask codegen` from NVIDIA's public headers.
//!
//! Invariant: this crate holds declarations only. It knows no driver, allocates nothing and has no state.

mod forms;
mod functions;
mod result;
mod table;
mod types;

pub use functions::{FUNCTIONS, Function, Group, Phase, Row, SYMBOLS, pointer};
pub use types::*;
