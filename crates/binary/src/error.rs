//! Why a file cannot be read.

use std::path::PathBuf;

/// What went wrong with a file as a whole. What is wrong with a part of it is a line in the report instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be opened or mapped.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// None of the kinds of file that are read.
    #[error("it is no ELF file, archive, wheel, fatbin or PTX; it begins with {0:02x?}")]
    UnknownFormat([u8; 4]),
    /// ELF, but for another class of machine.
    #[error("it is an ELF file of 32 bits or big-endian order; CUDA has had none of these since version 9")]
    ForeignElf,
    /// A header of an ELF file is damaged or leads outside of it.
    #[error("ELF file is malformed: {0}")]
    Elf(String),
    /// A header of an archive is damaged or leads outside of it.
    #[error("archive is malformed: {0}")]
    Archive(String),
    /// The directory of a wheel, or a member, is damaged.
    #[error("wheel is malformed: {0}")]
    Wheel(String),
    /// A member cannot be kept while it is read.
    #[error("no room to unpack {member}: {error}")]
    NoRoom {
        /// The member.
        member: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// More than is accepted ([`crate::limits`]).
    #[error("{what}: more than {limit}, the limit")]
    TooMuch {
        /// Of what.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Device code that stands for itself is damaged.
    #[error(transparent)]
    Fatbin(#[from] fatbin::Error),
    /// The member that was asked for is not there.
    #[error("there is no member {0}")]
    NoSuchMember(String),
    /// A library was expected, and the file holds several.
    #[error("it holds several libraries: name one, as FILE::MEMBER, of {}", .0.join(", "))]
    SeveralLibraries(Vec<String>),
    /// A library was expected, and the file holds none.
    #[error("it holds no library that exports anything")]
    NoLibrary,
}

/// The crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;
