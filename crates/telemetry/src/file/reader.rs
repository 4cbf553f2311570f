//! Reads a file block by block, up to the last whole one.

use super::{BLOCK_BYTES_MAX, BLOCK_HEADER_BYTES, BLOCK_MAGIC, BLOCK_ROWS_MAX, HEADER_BYTES, MAGIC, VERSION};
use crate::records::{Block, Blocks};
use std::fmt;
use std::io::{self, Read};

/// Why a file cannot be read at all.
#[derive(Debug)]
pub enum ReadError {
    /// The system's own error.
    Io(io::Error),
    /// It does not begin as a recording does.
    NoRecording,
    /// It is of a later version of the format.
    Version(u32),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(f),
            ReadError::NoRecording => f.write_str("this is no recording of APEX"),
            ReadError::Version(version) => {
                write!(f, "the recording has version {version} of the format; this program reads version {VERSION}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error)
    }
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a whole block.
    Whole,
    /// Within a block: what was written last is missing.
    CutShort,
    /// With a block that is not as it was written, or with something else; the rest was not read.
    Damaged,
}

/// Reads blocks. Memory is that of one block, whatever the file's size.
pub struct Reader<R> {
    input: R,
    /// Bytes of whole blocks so far, the header too.
    position: u64,
    ending: Option<Ending>,
    stored: Vec<u8>,
    raw: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the header. `input` should be buffered.
    ///
    /// # Errors
    /// When it is no recording, or one of a later version, or cannot be read.
    pub fn new(mut input: R) -> Result<Self, ReadError> {
        let mut header = [0; HEADER_BYTES];
        if fill(&mut input, &mut header)? < HEADER_BYTES || header[..8] != MAGIC {
            return Err(ReadError::NoRecording);
        }
        match number(&header[8..]) {
            VERSION => {
                Ok(Reader { input, position: HEADER_BYTES as u64, ending: None, stored: Vec::new(), raw: Vec::new() })
            }
            version => Err(ReadError::Version(version)),
        }
    }

    /// Reads blocks without a header before them.
    pub(crate) fn blocks(input: R) -> Self {
        Reader { input, position: 0, ending: None, stored: Vec::new(), raw: Vec::new() }
    }

    /// The next block of a kind that is known; `None` at the end, about which [`ending`](Reader::ending) says more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        self.next_of()
    }

    /// [`next_block`](Reader::next_block) of other kinds of records.
    pub(crate) fn next_of<B: Blocks>(&mut self) -> io::Result<Option<B>> {
        while self.ending.is_none() {
            let mut header = [0; BLOCK_HEADER_BYTES];
            match fill(&mut self.input, &mut header)? {
                0 => self.ending = Some(Ending::Whole),
                BLOCK_HEADER_BYTES => match self.read_block(&header)? {
                    Ok(Some(block)) => return Ok(Some(block)),
                    Ok(None) => {}
                    Err(ending) => self.ending = Some(ending),
                },
                _ => self.ending = Some(Ending::CutShort),
            }
        }
        Ok(None)
    }

    /// The block behind a header; `None` for an unknown kind.
    fn read_block<B: Blocks>(&mut self, header: &[u8; BLOCK_HEADER_BYTES]) -> io::Result<Result<Option<B>, Ending>> {
        let [rows, stored, raw] = [8, 12, 16].map(|at| number(&header[at..]) as usize);
        // Compressed or not, a payload that is stored is no longer than it was before.
        if header[..4] != BLOCK_MAGIC || rows > BLOCK_ROWS_MAX || raw > BLOCK_BYTES_MAX || stored > raw {
            return Ok(Err(Ending::Damaged));
        }
        self.stored.resize(stored, 0);
        if fill(&mut self.input, &mut self.stored)? < stored {
            return Ok(Err(Ending::CutShort));
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&header[..20]);
        checksum.update(&self.stored);
        if checksum.finalize() != number(&header[20..]) {
            return Ok(Err(Ending::Damaged));
        }
        let payload = match header[5] {
            0 if stored == raw => &self.stored[..],
            1 => {
                self.raw.resize(raw, 0);
                match lz4_flex::block::decompress_into(&self.stored, &mut self.raw) {
                    Ok(length) if length == raw => &self.raw[..],
                    _ => return Ok(Err(Ending::Damaged)),
                }
            }
            _ => return Ok(Err(Ending::Damaged)),
        };
        let Ok(block) = B::decode(header[4], rows, payload) else { return Ok(Err(Ending::Damaged)) };
        self.position += (BLOCK_HEADER_BYTES + stored) as u64;
        Ok(Ok(block))
    }

    /// How the file ends, once [`next_block`](Reader::next_block) has answered `None`.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Bytes read up to the last whole block.
    pub fn position(&self) -> u64 {
        self.position
    }
}

/// Reads until `buffer` is full or the input ends; returns how many bytes there were.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn number(bytes: &[u8]) -> u32 {
    bytes[..4].iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}
