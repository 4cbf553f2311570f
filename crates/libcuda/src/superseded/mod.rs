//! Older versions of functions, as calls of the newest one.
//!
//! A version differs from its successor in parameters that it lacks, in the layout of a struct, or in nothing but its
//! name. What it lacks gets the value that makes the successor behave as the older version did.

mod context;
mod graph;
mod memory;
mod module;
mod stream;
mod texture;

pub use context::*;
pub use graph::*;
pub use memory::*;
pub use module::*;
pub use stream::*;
pub use texture::*;
