//! CUPTI's activity records, of the few kinds and functions that are needed.
//!
//! - `find`: where the library is,
//! - `library`: its functions,
//! - `record`: how its records are laid out,
//! - `calls`: the numbers of the driver's functions whose calls it is to note,
//! - `matcher`: from records to times of ops,
//! - `session`: buffers, flushes, and whether somebody else has taken over.
//!
//! An op's tag is handed to CUPTI as an *external correlation id* of the calling thread for as long as the call lasts. CUPTI notes it with its own
//! number of the call, which the records of kernels, copies and sets carry, those of a graph's nodes the number of the graph's launch.
//!
//! Facts about the interface are those of the public headers `cupti_activity.h`, `cupti_version.h` and `cupti_driver_cbid.h`, CUDA 9.0 to 13.0.

mod calls;
mod find;
mod library;
mod matcher;
mod record;
mod session;

pub(crate) use session::Session;
