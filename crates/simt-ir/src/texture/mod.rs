//! Textures and surfaces (PTX ISA 9.7.10, 9.7.11): images that the device samples.
//!
//! An instruction names a [`Resource`], which says where an image lies, what its texels are, and how it is sampled. How the instruction
//! reads it is a [`TextureOp`]. [`execute`] is the meaning of one such operation for one lane, in plain Rust: the interpreter and the
//! runtime of compiled code both call it.
//!
//! What names a resource is a number: that of a texture or surface object, or the address of a `.texref`, `.surfref` or
//! `.samplerref` variable, which holds a [`variable`] word. The [`World`] knows objects and memory.

mod code;
mod cube;
mod execute;
mod filter;
mod mix;
mod op;
mod query;
mod resource;
mod sampler;
mod surface;
#[cfg(test)]
mod tests;
mod texel;
pub mod variable;
mod warp;

pub use execute::{Misuse, World, execute};
pub use op::{
    Beyond, Detail, Geometry, Opaque, Query, Sample, SurfaceAccess, SurfaceAction, SurfaceReduction, TextureOp,
};
pub use resource::{Dimension, Level, RESOURCE_WORDS, Resource, Usage, natural_row_bytes};
pub use sampler::{AddressMode, Sampler};
pub use texel::{Element, Format, Reading};
pub use warp::WarpSample;
