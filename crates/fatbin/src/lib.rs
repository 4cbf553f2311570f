//! Fatbin containers and image selection.
//!
//! nvcc wraps the device code of a program in a *fatbin*: a container of *images*, each PTX text or
//! machine code for one architecture, often compressed. This crate reads containers, decompresses
//! images, says what is in them, and picks the PTX that a device of a given compute capability runs.
//!
//! The way of an image that a program hands to the driver by pointer:
//!
//! 1. [`edge::read_image`] finds out what the pointer leads to and how long it is ([`edge::RawImage`]);
//! 2. [`Container::parse`] lists the images of a fatbin;
//! 3. [`select_ptx`] chooses one and returns its text.
//!
//! Files of the host compiler carry containers in sections: [`host::containers`] finds them.
//!
//! The layout was found by reading what nvcc writes and agrees with published descriptions (ZLUDA,
//! gpuocelot). All integers are little-endian.
//!
//! Invariant: malformed input gives a typed error, never a panic and never an unbounded allocation.
//! Invariant: only [`edge`] reads raw pointers; everything else works on `&[u8]`.
//! Invariant: knows nothing of PTX beyond its `.target` line, and nothing of CUDA handles or devices.

mod arch;
mod container;
pub mod edge;
pub mod elf;
mod error;
pub mod host;
mod payload;
mod select;

pub use arch::{Arch, Capability, ParseCapabilityError, Variant};
pub use container::{Compression, Container, Image, ImageKind};
pub use error::{Error, Result};
pub use payload::MAX_IMAGE_BYTES;
pub use select::{SelectError, SelectedPtx, select_ptx, select_ptx_of_family};
