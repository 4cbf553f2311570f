//! When NVIDIA's cards do what a program asks for: a [`DeviceTimer`] in front of NVIDIA's driver.
//!
//! - `timer`: which of the two ways is taken, and when it is left,
//! - `cupti`: activity records of CUPTI, NVIDIA's library for profilers, where the program has it and nobody else uses it,
//! - `events`: events around launches, otherwise.
//!
//! Invariant: nothing differs for the program but its speed. What fails in here is not timed, and counted.
//! Invariant: another profiler has precedence. CUPTI is not touched where a tool is injected into the process, and left to a profiler that
//! takes it later.
//! Invariant: memory is bounded, and no thread is started.

mod cupti;
mod events;
mod timer;

pub use timer::{Method, timer};
