//! The side of a reader.

use super::layout::{
    HEADER_BYTES, HEADER_USED, MAGIC, PLACE_BYTES_MAX, SNAPSHOT_HEAD_BYTES, VERSION, checksum, place_of, word,
};
use super::process::Life;
use super::{Owner, Snapshot};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How often a snapshot that is written anew while it is read is read again. One is written every 100 ms and read in less than 1.
const TRIES: usize = 5;

/// Why there is no snapshot.
#[derive(Debug)]
pub enum ReadError {
    /// The system's own error.
    Io(io::Error),
    /// The segment is being made, or its first snapshot is.
    NotYet,
    /// It is no segment.
    NoSegment,
    /// It is of a later version of the layout.
    Version(u64),
    /// It is not as it was written; what is wrong.
    Damaged(&'static str),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(f),
            ReadError::NotYet => f.write_str("nothing was published yet"),
            ReadError::NoSegment => f.write_str("this is nothing that APEX publishes"),
            ReadError::Version(version) => {
                write!(f, "what is published has version {version}; this program reads version {VERSION}")
            }
            ReadError::Damaged(what) => write!(f, "what is published is damaged: {what}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The file is shorter than it was.
            io::ErrorKind::UnexpectedEof => ReadError::Damaged("it is cut short"),
            _ => ReadError::Io(error),
        }
    }
}

/// A segment that is open. It stays readable when its name is gone.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    file: File,
    owner: Owner,
    place_bytes: usize,
}

impl Segment {
    /// Opens a segment.
    ///
    /// # Errors
    /// When it cannot be opened, is none, or is of a later version.
    pub fn open(path: &Path) -> Result<Segment, ReadError> {
        // A pipe with this name would have the reader wait.
        let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ReadError::NoSegment);
        }
        if metadata.size() == 0 {
            return Err(ReadError::NotYet);
        }
        let header = Header::read(&file)?;
        let (place_bytes, pid) = (header.word(word::PLACE_BYTES), header.word(word::PROCESS));
        let is_whole = (SNAPSHOT_HEAD_BYTES as u64..=PLACE_BYTES_MAX).contains(&place_bytes)
            && metadata.size() == HEADER_BYTES as u64 + 2 * place_bytes;
        let pid = u32::try_from(pid).ok().filter(|_| is_whole).ok_or(ReadError::Damaged("its sizes are wrong"))?;
        let owner = Owner { pid, start_ticks: header.word(word::START), namespace: header.word(word::NAMESPACE) };
        Ok(Segment { path: path.to_owned(), file, owner, place_bytes: place_bytes as usize })
    }

    /// The process that it is of, as it says.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has this name: another may have taken its place.
    pub fn is_at(&self, path: &Path) -> bool {
        let of = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let named = std::fs::symlink_metadata(path).map(of);
        named.is_ok_and(|named| self.file.metadata().map(of).is_ok_and(|own| own == named))
    }

    /// Whether its process is known to have ended.
    pub fn is_abandoned(&self) -> bool {
        self.owner.life() == Life::Dead
    }

    /// When its process was last there, on `CLOCK_MONOTONIC` in ns.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn seen_ns(&self) -> Result<u64, ReadError> {
        Ok(Header::read(&self.file)?.word(word::SEEN))
    }

    /// The last snapshot.
    ///
    /// # Errors
    /// When there is none yet, or it is not as it was written.
    pub fn read(&self) -> Result<Snapshot, ReadError> {
        let mut outcome = Err(ReadError::NotYet);
        for _ in 0..TRIES {
            let number = Header::read(&self.file)?.word(word::COMPLETED);
            if number == 0 {
                return Err(ReadError::NotYet);
            }
            outcome = self.blocks_of(number);
            // The process is two snapshots ahead once it writes into this place again.
            if Header::read(&self.file)?.word(word::BEGUN).wrapping_sub(number) < 2 {
                break;
            }
            if outcome.is_ok() {
                outcome = Err(ReadError::Damaged("it changes too fast"));
            }
        }
        Snapshot::decode(&outcome?)
    }

    /// The blocks of a snapshot.
    fn blocks_of(&self, number: u64) -> Result<Vec<u8>, ReadError> {
        let place = place_of(number, self.place_bytes) as u64;
        let mut head = [0; SNAPSHOT_HEAD_BYTES];
        self.file.read_exact_at(&mut head, place)?;
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        if length > self.place_bytes - SNAPSHOT_HEAD_BYTES {
            return Err(ReadError::Damaged("a snapshot is longer than its place"));
        }
        let mut blocks = vec![0; length];
        self.file.read_exact_at(&mut blocks, place + SNAPSHOT_HEAD_BYTES as u64)?;
        let is_right = head[..8] == number.to_le_bytes() && head[12..] == checksum(number, &blocks).to_le_bytes();
        if is_right { Ok(blocks) } else { Err(ReadError::Damaged("a snapshot's checksum is wrong")) }
    }
}

/// The header as it is at a moment.
struct Header([u8; HEADER_USED]);

impl Header {
    fn read(file: &File) -> Result<Header, ReadError> {
        let mut header = Header([0; HEADER_USED]);
        file.read_exact_at(&mut header.0, 0)?;
        match header.0[..8] {
            // A segment's memory is zero when it is made.
            [0, 0, 0, 0, 0, 0, 0, 0] => Err(ReadError::NotYet),
            ref magic if *magic != MAGIC => Err(ReadError::NoSegment),
            _ if header.word(word::VERSION) > VERSION => Err(ReadError::Version(header.word(word::VERSION))),
            _ => Ok(header),
        }
    }

    fn word(&self, number: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[number * 8..][..8]);
        u64::from_le_bytes(bytes)
    }
}
