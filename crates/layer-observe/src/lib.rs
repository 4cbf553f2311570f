//! The layer that shows observers what a program asks of the driver.
//!
//! - `hooks`: which functions make which op; [`HOOKED`] lists them,
//! - `layer`: [`Observed`], a driver in front of another,
//! - `facts`: what the driver tells about kernels, contexts and devices, asked once,
//! - `graphs`: the nodes of graphs, `captures`: which streams are being captured,
//! - `table`: handles to facts, read without a lock, `usual`: what launches mostly are, in one look.
//!
//! Invariant: nothing differs for the program. What it asks for reaches the next driver as it is, and so does the answer; what goes
//! wrong in here, or in an observer, ends the observation and nothing else.
//! Calls of which everything is known need not go through the driver that this is: [`Observed::begin_plain_launch`] and
//! [`Observed::begin_plain`] show them in numbers.
//!
//! Invariant: on the way of a launch nothing is allocated and no lock is taken, but for the first launch of a kernel, in a context,
//! or in a stream, and while a stream is being captured.

mod captures;
mod facts;
mod graphs;
mod hooks;
mod layer;
mod ops;
mod table;
mod usual;

pub use hooks::HOOKED;
pub use layer::{AnyDriver, Observed};
pub use ops::{attributes, shape_of};
pub use usual::UsualLayout;

#[cfg(test)]
mod tests;
