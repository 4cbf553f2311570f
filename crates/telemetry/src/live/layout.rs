//! Where what lies in a segment.
//!
//! All numbers are little-endian, and words of eight bytes:
//!
//! | at | header |
//! |---|---|
//! | 0 | `APEXLIVE` |
//! | 8 | version |
//! | 16 | process |
//! | 24 | when the process began, in clock ticks since the machine started (field 22 of `/proc/PID/stat`) |
//! | 32 | the process's namespace of process numbers (the inode of `/proc/PID/ns/pid`) |
//! | 40 | bytes of each of the two places of snapshots |
//! | 48 | snapshots begun |
//! | 56 | snapshots completed |
//! | 64 | when the process was last there, on `CLOCK_MONOTONIC` in ns |

/// What a segment begins with.
pub(super) const MAGIC: [u8; 8] = *b"APEXLIVE";
/// Version of the layout and of the records. A change that older readers would misread raises it.
pub const VERSION: u64 = 1;
/// Bytes of the header's page: the places of snapshots begin on the next one.
pub(super) const HEADER_BYTES: usize = 4096;
/// Bytes of the header that are used.
pub(super) const HEADER_USED: usize = 72;
/// Bytes before the blocks of a snapshot.
pub(super) const SNAPSHOT_HEAD_BYTES: usize = 16;
/// Bytes of a place, its head too. What an [`Aggregate`](super::Aggregate) holds at most takes less.
pub(super) const PLACE_BYTES: usize = 480 << 10;
/// Most bytes of a place that a reader takes for one.
pub(super) const PLACE_BYTES_MAX: u64 = 16 << 20;

/// Numbers of the header's words.
pub(super) mod word {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const VERSION: usize = 1;
    pub(crate) const PROCESS: usize = 2;
    pub(crate) const START: usize = 3;
    pub(crate) const NAMESPACE: usize = 4;
    pub(crate) const PLACE_BYTES: usize = 5;
    pub(crate) const BEGUN: usize = 6;
    pub(crate) const COMPLETED: usize = 7;
    pub(crate) const SEEN: usize = 8;
}

/// Where the place of a snapshot begins: they take turns.
pub(super) fn place_of(number: u64, place_bytes: usize) -> usize {
    HEADER_BYTES + (number & 1) as usize * place_bytes
}

/// The checksum of a snapshot.
pub(super) fn checksum(number: u64, blocks: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&number.to_le_bytes());
    checksum.update(&(blocks.len() as u32).to_le_bytes());
    checksum.update(blocks);
    checksum.finalize()
}
