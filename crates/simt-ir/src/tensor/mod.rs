//! Tensor maps, and the copies of boxes that they describe (PTX ISA 5.5, 9.7.9.27).
//!
//! A [`TensorMap`] says where a tensor lies in global memory and which box of it an instruction moves. A program sees it as 128 bytes that
//! only the driver and `tensormap.replace` look into; what is in them is [`map`]'s business. An instruction is a [`TensorOp`].
//! [`execute`] is the meaning of one such operation for one lane, in plain Rust: the interpreter and the runtime of compiled code both
//! call it.
//!
//! What the manual leaves open is as an H100 does it; [`tests`] holds what one was seen to do.

mod check;
mod code;
mod element;
mod execute;
pub mod map;
mod op;
mod replace;
#[cfg(test)]
mod tests;
mod walk;

pub use check::Flaw;
pub use element::{Element, Reduction};
pub use execute::{Misuse, OUT_OF_BOUNDS_NAN, Update, World, execute};
pub use map::{BoxShape, Interleave, MAP_BYTES, Pixels, Swizzle, TensorMap};
pub use op::{Access, Field, Mode, TensorOp};
