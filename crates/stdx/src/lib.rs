//! Small foundations that the standard library lacks.
//!
//! - [`futex`]: sleep until a word of memory changes, and wake who sleeps on it.
//! - [`clock`]: the monotonic clock, and a thread's, as plain numbers of nanoseconds.
//! - [`at_exit`]: what is to be done when the process exits, [`is_main_thread`]: whose thread-local data has to last until then.
//! - [`hash`]: where an address belongs in a table.
//! - [`near`]: memory in large pages, for what lives as long as the process.
//! - [`Slab`]: a bounded table whose [`Handle`]s detect that their value is gone.
//!
//! Invariant: knows nothing of GPUs, CUDA or compilers, and depends on no other crate of the workspace.
//! Invariant: starts no thread and keeps no global state but the rest of the memory of [`near`].

#[cfg(not(target_os = "linux"))]
compile_error!("stdx waits by Linux futexes: APEX runs on Linux only");

pub mod clock;
mod exit;
pub mod futex;
pub mod hash;
pub mod near;
mod slab;

pub use exit::{at_exit, is_main_thread};
pub use slab::{Handle, Slab};
