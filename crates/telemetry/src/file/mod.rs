//! The file: a header, then blocks, each with its length and a checksum. `docs/recording.md` describes it for others.
//!
//! ```text
//! header   "APEXREC\n"  version: u32  zero: u32
//! block    "APXB"  kind: u8  coding: u8  zero: u16  rows: u32  stored: u32  raw: u32  crc: u32  payload: [u8; stored]
//! ```
//!
//! Numbers are little-endian. The checksum is CRC-32 (IEEE) of the block's header up to it and of the payload. With coding 1 the
//! payload is an LZ4 block of `raw` bytes, with 0 it is as it is. A reader takes whole blocks from the front and stops at the
//! first that is not whole; it skips kinds that it does not know.

mod reader;
mod writer;

pub use reader::{Ending, ReadError, Reader};
pub use writer::{encode_block, header};

/// What a file begins with.
pub const MAGIC: [u8; 8] = *b"APEXREC\n";
/// Version of the format. A change that older readers would misread raises it.
pub const VERSION: u32 = 1;
/// Length of the file's header in bytes.
pub const HEADER_BYTES: usize = 16;
/// What a block begins with.
pub const BLOCK_MAGIC: [u8; 4] = *b"APXB";
/// Length of a block's header in bytes.
pub const BLOCK_HEADER_BYTES: usize = 24;
/// Most rows of a block.
pub const BLOCK_ROWS_MAX: usize = 64 << 10;
/// Most bytes of a payload before compression; rows of numbers take no more than this, and of texts no more are put in a block.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests;
