//! What a program, a library, a static archive or a wheel holds: symbols, device code, the CUDA runtime that comes with it.
//!
//! - [`scan`] reads a file of any of these kinds ([`Scan`] is the report);
//! - [`compare`] says what one library exports and another does not;
//! - [`elf`] reads an ELF file for the host, for whoever needs less than a report.
//!
//! A file is mapped, and of device code only headers are read unless its functions are asked for, so that a library of a
//! gigabyte takes milliseconds. Members of a wheel are unpacked one at a time, large ones into an unnamed temporary file.
//!
//! Invariant: malformed input gives an error or a line in [`Member::problems`]: never a panic, an endless loop, or more memory than a
//! multiple of the file and the limits in [`limits`].
//! Invariant: nothing of a file is executed, and nothing is disassembled.
//! Invariant: knows no list of CUDA's functions; who calls brings it.

mod archive;
pub mod compare;
pub mod device_code;
pub mod elf;
mod error;
pub mod limits;
mod mapped;
mod report;
mod runtime;
mod scan;
mod wheel;

pub use error::{Error, Result};
pub use mapped::MappedFile;
pub use report::{
    CUDA_RELEASE, DeviceCode, FileFormat, Image, Member, MemberKind, Place, Release, Runtime, RuntimeLinkage,
    SCAN_SCHEMA, Scan, Symbol, SymbolCounts, SymbolKind,
};
pub use runtime::is_static_runtime;
pub use scan::{Options, SymbolChoice, exports, is_cuda_name, scan, scan_bytes};
