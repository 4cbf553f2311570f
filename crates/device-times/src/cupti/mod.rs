//! CUPTI's activity records, of the few kinds and functions that are needed.
//!
//! - `find`: where the library is,
//! - `library`: its functions,
//! - `record`: how its records are laid out,
//! - `calls`: the numbers of the driver's functions whose calls it is to note,
//! - `matcher`: from records to times of ops,
//! - `session`: buffers, flushes, and whether somebody else has taken over.
//!
//! The tag of a thread's next op is handed to CUPTI as an *external correlation id* of the thread when the op before is done. CUPTI notes it with its own
//! number of the call when that is entered, the runtime's where the runtime makes it; the records of kernels, copies and sets carry that number, those of a graph's
//! nodes that of the graph's launch. A call of the runtime that loads a module for its launch has the tag of the load: the recorder takes the op after it that
//! takes the device's time.
//!
//! Facts about the interface are those of the public headers `cupti_activity.h`, `cupti_version.h` and `cupti_driver_cbid.h`, CUDA 9.0 to 13.0.

mod calls;
mod find;
mod library;
mod matcher;
mod record;
mod session;

pub(crate) use session::Session;
