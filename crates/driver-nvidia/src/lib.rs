//! NVIDIA's own driver as the bottom of the stack.
//!
//! - [`Library`]: NVIDIA's `libcuda.so.1`, loaded, with the address of every function of the table,
//! - [`NvidiaDriver`]: that library as a [`driver_api::Driver`], for calls that go through layers,
//! - [`in_place_of`]: an older version of a function at the bottom of a call that layers see as one of the newest,
//! - [`Library::rows_at`]: the way back, from an address to the functions that it is of.
//!
//! Most calls never come here: where no layer wants to see a function, the rim jumps to its address.
//!
//! Invariant: adds nothing and takes nothing away. Arguments, return codes, state and versions are the library's own; no
//! handle is looked at, and no function is called that the program or a layer did not call.
//!
//! Invariant: where the library is, is the caller's business.

mod driver;
mod library;
mod missing;
mod older;

pub use driver::NvidiaDriver;
pub use library::{Library, OpenError};
pub use missing::{report_foreign, report_missing};
pub use older::in_place_of;
