//! Choosing the image that a device runs.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;

use crate::arch::{Arch, Capability};
use crate::container::{Image, ImageKind};
use crate::error::Error;

/// The PTX chosen from a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedPtx<'a> {
    /// Which image, counted from 0.
    pub index: usize,
    /// What it was compiled for, by its own `.target` line.
    pub arch: Arch,
    /// The text.
    pub text: Cow<'a, str>,
}

/// Why no PTX of a container runs on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// The container has no images at all.
    Empty,
    /// There is no PTX, only what is listed.
    NoPtx {
        /// The capability of the device.
        device: Capability,
        /// Every image, as [`Image`] displays itself.
        found: Vec<String>,
    },
    /// All the PTX is for newer or for other devices.
    NoMatch {
        /// The capability of the device.
        device: Capability,
        /// Every image, as [`Image`] displays itself.
        found: Vec<String>,
    },
    /// An image that would run is damaged.
    Damaged {
        /// The image, as it displays itself.
        image: String,
        /// What is wrong with it.
        error: Error,
    },
}

impl std::error::Error for SelectError {}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the fatbin is empty"),
            Self::NoPtx { device, found } => write!(
                f,
                "the fatbin has no PTX, only {}: build the program with PTX inside, e.g. \
                 nvcc -gencode arch=compute_{sm},code=compute_{sm}, or -arch=compute_75 for every device",
                found.join(", "),
                sm = device.sm(),
            ),
            Self::NoMatch { device, found } => write!(
                f,
                "no PTX of the fatbin is for a device of compute capability {device}: it has {}",
                found.join(", "),
            ),
            Self::Damaged { image, error } => write!(f, "{image} in the fatbin is damaged: {error}"),
        }
    }
}

/// The PTX that a device of capability `device` runs: that for the highest architecture not above it.
///
/// Of several for one architecture the most specific is taken, as `compute_90a` may use what
/// `compute_90` cannot, and of equal ones the first.
///
/// # Errors
/// When nothing fits, naming what is there; when an image that fits by its header is damaged.
pub fn select_ptx<'a>(images: &[Image<'a>], device: Capability) -> Result<SelectedPtx<'a>, SelectError> {
    if images.is_empty() {
        return Err(SelectError::Empty);
    }
    let ptx = || images.iter().enumerate().filter(|(_, image)| image.kind == ImageKind::Ptx);
    let mut capabilities: Vec<_> =
        ptx().map(|(_, image)| image.arch.capability).filter(|&capability| capability <= device).collect();
    capabilities.sort_unstable_by_key(|&capability| Reverse(capability));
    capabilities.dedup();

    for capability in capabilities {
        let mut best: Option<SelectedPtx<'a>> = None;
        for (index, image) in ptx().filter(|(_, image)| image.arch.capability == capability) {
            let text = image.ptx().map_err(|error| SelectError::Damaged { image: image.to_string(), error })?;
            // Older compilers do not mark compute_90a in the header.
            let arch = Arch::of_ptx(&text).unwrap_or(image.arch);
            let better = best.as_ref().is_none_or(|best| best.arch < arch);
            if arch.ptx_runs_on(device) && better {
                best = Some(SelectedPtx { index, arch, text });
            }
        }
        if let Some(best) = best {
            return Ok(best);
        }
    }
    let found = images.iter().map(Image::to_string).collect();
    Err(match ptx().next() {
        None => SelectError::NoPtx { device, found },
        Some(_) => SelectError::NoMatch { device, found },
    })
}

/// As [`select_ptx`], for a device that is software: where nothing fits, the PTX for the next later member of the device's family.
///
/// Such PTX, if it is portable, has no instruction that the family's first member lacks, but says that it is for no older device: NVIDIA's
/// cuRAND of CUDA 13 has PTX for `compute_121` alone.
///
/// # Errors
/// As for [`select_ptx`].
pub fn select_ptx_of_family<'a>(images: &[Image<'a>], device: Capability) -> Result<SelectedPtx<'a>, SelectError> {
    let refused = match select_ptx(images, device) {
        Err(error @ SelectError::NoMatch { .. }) => error,
        other => return other,
    };
    let ptx = images.iter().filter(|image| image.kind == ImageKind::Ptx).map(|image| image.arch.capability);
    let mut later: Vec<_> = ptx.filter(|later| later.major == device.major && *later > device).collect();
    later.sort_unstable();
    later.dedup();
    let found = later.into_iter().find_map(|capability| {
        let selected = select_ptx(images, capability);
        selected.ok().filter(|selected| selected.arch.is_of_family(device))
    });
    found.ok_or(refused)
}
