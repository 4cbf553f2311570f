//! Recordings of what a program asks of a driver.
//!
//! - [`records`]: what a recording holds, declared once,
//! - [`file`]: how it is written and read,
//! - [`Recorder`]: rings that threads put [`Event`]s into, and the thread that writes them to the file,
//! - [`Summary`](summary::Summary): what follows from a recording,
//! - [`live`]: counts of a running process, for others to read,
//! - [`clock`]: time stamps that cost little.
//!
//! Invariant: knows no driver and no type of CUDA: handles and codes are numbers, and what is told is told by the caller.
//! Invariant: recording an event allocates nothing, takes no lock and makes no system call but to wake the writer when a ring
//! is half full. A full ring drops events, and counts them.
//! Invariant: memory is bounded by [`Config`], and a file is readable up to the last flush however the process ends.

pub mod clock;
mod coding;
mod event;
pub mod file;
#[macro_use]
pub mod records;
pub mod live;
mod pace;
mod recorder;
mod ring;
mod slots;
pub mod summary;

/// Where what recording a launch looks at lies, for code that is written by hand to do what [`Quick`] does in fewer cache lines.
pub mod layout {
    pub use crate::event::at as event;
    pub use crate::pace::at as pace;
    pub use crate::ring::{at as ring, open_event};
}

pub use event::{Event, LaunchShape};
pub use recorder::{Collect, Config, DeviceTime, Open, Quick, Recorder, Token, Work};
