//! Devices as data: what a GPU says of itself, and how many blocks a multiprocessor holds.
//!
//! - [`Profile`]: a card, read from a TOML file; those of `profiles/` are built in.
//! - [`Limits`]: what follows from the [`ComputeCapability`] alone.
//! - [`Device`]: a profile at an ordinal, with the [`Features`] that its driver really has: [`attributes`], UUID, PCI address.
//! - [`occupancy`]: theoretical occupancy, the same integers as NVIDIA's occupancy calculator.
//!
//! ```
//! use device_model::{Device, Features, Profile, occupancy::KernelResources};
//!
//! let profile = Profile::find("RTX 3080")?;
//! let device = Device::new(profile, 0, Features::default());
//! assert_eq!(device.attribute(16), Some(68));
//!
//! let kernel = KernelResources { registers_per_thread: 40, ..KernelResources::default() };
//! let occupancy = device.limits().occupancy(&kernel, 256, 0);
//! assert_eq!((occupancy.active_blocks, occupancy.active_warps()), (6, 48));
//! # Ok::<(), device_model::ProfileError>(())
//! ```
//!
//! Invariant: knows no driver type, handle or error code, and depends on no other crate of the workspace.
//! Invariant: reads no environment variable, and no file unless given its path: the caller decides which device there is.
//! Invariant: what a software GPU does not have is never claimed because the card of that name has it.

pub mod attributes;
mod capability;
mod device;
mod identity;
mod limits;
pub mod occupancy;
mod profile;

pub use capability::{ComputeCapability, ParseCapabilityError};
pub use device::{Device, Features};
pub use identity::{Luid, PciAddress, Uuid};
pub use limits::Limits;
pub use profile::{Profile, ProfileError};
