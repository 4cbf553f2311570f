//! The one error type of reading containers and images.

use crate::payload::MAX_IMAGE_BYTES;

/// Result of reading a container or an image.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an image cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The pointer given by the program is null.
    #[error("the image pointer is null")]
    NullPointer,
    /// The first bytes are neither a fatbin, a fatbin wrapper, an ELF file nor text.
    #[error("not a CUDA image: it begins with the bytes {0:02x?}")]
    UnknownFormat([u8; 4]),
    /// A structure ends before its last field.
    #[error("fatbin is cut off: {what} needs {needed} bytes at offset {offset}, {available} are left")]
    Truncated {
        /// Which structure.
        what: &'static str,
        /// Where it begins, in bytes from the start of the container.
        offset: usize,
        /// How many bytes it needs.
        needed: u64,
        /// How many there are.
        available: usize,
    },
    /// A field has a value that no known writer produces.
    #[error("fatbin is malformed: {what} is {value:#x} at offset {offset}")]
    Malformed {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: u64,
        /// Where the structure begins, in bytes from the start of the container.
        offset: usize,
    },
    /// More images than any real container holds.
    #[error("fatbin holds more than {0} images")]
    TooManyImages(usize),
    /// A decompressed image would be larger than [`MAX_IMAGE_BYTES`] or than its data can expand to.
    #[error("image claims {0} bytes when decompressed (the limit is {MAX_IMAGE_BYTES})")]
    TooLarge(u64),
    /// The compressed data is damaged.
    #[error("damaged {algorithm} data in the image: {message}")]
    Decompress {
        /// "LZ4" or "zstd".
        algorithm: &'static str,
        /// What the decoder said.
        message: String,
    },
    /// Decompression gave another number of bytes than the header states.
    #[error("{algorithm} data of the image gives {actual} bytes, its header says {expected}")]
    LengthMismatch {
        /// "LZ4" or "zstd".
        algorithm: &'static str,
        /// Bytes the header states.
        expected: u64,
        /// Bytes the data gave.
        actual: u64,
    },
    /// PTX that is not UTF-8 (PTX ISA 4.1: source modules are ASCII).
    #[error("PTX text is not ASCII: byte {byte:#04x} at offset {offset}")]
    NotText {
        /// Where, in bytes from the start of the text.
        offset: usize,
        /// The byte found.
        byte: u8,
    },
    /// The ELF headers lead outside the file.
    #[error("machine-code image (cubin) is malformed: {0}")]
    Elf(String),
    /// The headers of an object file lead outside of it.
    #[error("object file is malformed: {0}")]
    Object(String),
    /// The headers of an archive lead outside of it.
    #[error("archive is malformed: {0}")]
    Archive(String),
    /// The image was asked for as PTX and is something else.
    #[error("the image is {0}, not PTX")]
    NotPtx(String),
}
