//! Counts of a running process, published in shared memory for other processes to read.
//!
//! The process keeps a segment, a file of a folder in memory (`/dev/shm`). The recorder's writer adds what it takes from the rings to an
//! [`Aggregate`], and puts a snapshot of it into the segment, turn by turn into one of two places:
//!
//! ```text
//! header    one page, see `layout`
//! snapshot  number: u64  length: u32  crc: u32  blocks, as in a recording
//! snapshot  the same
//! ```
//!
//! A reader takes the place that was completed last. It finds by the header's counts whether that was written again meanwhile, and by the
//! checksum whether all of it is what was written. It reads the file and does not map it: a file that is cut meanwhile gives an error
//! and no signal.
//!
//! - [`records`]: what a snapshot holds,
//! - [`Publisher`]: the side of the process, [`Segment`]: that of a reader,
//! - [`folder`]: which segments there are, and which of them nobody owns any more.
//!
//! Invariant: nothing here is on the way of a launch.
//! Invariant: a reader writes nothing into a segment, and takes no lock that a publisher waits for.

mod aggregate;
pub mod folder;
mod held;
mod kernels;
mod layout;
mod process;
mod publisher;
pub mod records;
mod segment;
mod snapshot;

pub(crate) use aggregate::Aggregate;
pub use layout::VERSION;
pub use process::Owner;
pub(crate) use publisher::Publisher;
pub use segment::{ReadError, Segment};
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;
