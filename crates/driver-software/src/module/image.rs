//! From what a program hands over as an image to the PTX in it.

use super::complain;
use super::linker::link_containers;
use super::options::JitLog;
use crate::answer::Answer;
use crate::machine::Machine;
use core::ffi::c_void;
use cuda_abi::CUresult;
use fatbin::edge::{RawImage, read_image};
use fatbin::{Arch, Capability, Container, SelectError, select_ptx_of_family};
use std::sync::Arc;

/// The highest major version of the PTX ISA that is taken; within it newer versions are, though this driver may not know all
/// their instructions.
const PTX_MAJOR_MAX: u32 = 9;

/// Longest text whose functions are all checked when it is loaded.
const CHECKED_BYTES_MAX: usize = 1 << 20;

/// Who has written an image's PTX.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The program hands over text: a person or a young compiler may have made mistakes, and wants to be told at once.
    Text,
    /// It comes in a container, of NVIDIA's compiler. Libraries have megabytes of it, of which little is used.
    Compiler,
}

/// Why an image cannot be used: the code, and the text for the log.
pub(super) struct Refusal(pub(super) CUresult, pub(super) String);

/// Loads a program from an image: PTX text, a fatbin, nvcc's wrapper around one. Of several images the PTX for the highest
/// architecture that the device runs is taken.
///
/// # Errors
/// When there is none, or it is wrong. The log, or a line on stderr, says why.
///
/// # Safety
/// As for [`read_image`].
pub(crate) unsafe fn load(image: *const c_void, log: &mut JitLog) -> Answer<Arc<jit::Module>> {
    // SAFETY: the caller's promise.
    let text = unsafe { ptx_of(image, capability()) };
    text.and_then(|(text, origin)| parse(&text, origin)).map_err(|refusal| refusal.report(log))
}

/// The PTX of an image, for a device of a capability.
///
/// # Errors
/// As for [`load`].
///
/// # Safety
/// As for [`read_image`].
pub(super) unsafe fn text_of(image: *const c_void, device: Capability) -> Result<String, Refusal> {
    // SAFETY: the caller's promise.
    unsafe { ptx_of(image, device) }.map(|(text, _)| text)
}

impl Refusal {
    /// Writes the text to the log, or to stderr if the program wants no log.
    pub(super) fn report(self, log: &mut JitLog) -> CUresult {
        let Refusal(code, text) = self;
        if !log.error(&text) {
            complain(&text);
        }
        code
    }
}

fn parse(text: &str, origin: Origin) -> Result<Arc<jit::Module>, Refusal> {
    let machine = Machine::get().map_err(|code| Refusal(code, String::new()))?;
    let device = capability();
    if let Some(arch) = Arch::of_ptx(text)
        && !arch.ptx_runs_on(device)
        // What was chosen from a fatbin may be for a later device of the family.
        && !(origin == Origin::Compiler && arch.is_of_family(device))
    {
        let text = format!("PTX for compute_{} does not run on a device of {device}", arch.suffixed());
        return Err(Refusal(CUresult::CUDA_ERROR_INVALID_PTX, text));
    }
    if !begins_as_ptx(text) {
        let text = "the image is text, but no PTX: it does not begin with .version".to_string();
        return Err(Refusal(CUresult::CUDA_ERROR_INVALID_IMAGE, text));
    }
    let module = jit::Module::from_ptx(text, &machine.jit);
    let module = module.map_err(|error| Refusal(CUresult::CUDA_ERROR_INVALID_PTX, error.to_string()))?;
    if module.version().0 > PTX_MAJOR_MAX {
        let (major, minor) = module.version();
        let text = format!("PTX version {major}.{minor} is newer than this driver");
        return Err(Refusal(CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION, text));
    }
    if origin == Origin::Text && text.len() <= CHECKED_BYTES_MAX {
        module.check().map_err(|error| Refusal(CUresult::CUDA_ERROR_INVALID_PTX, error.to_string()))?;
    }
    Ok(Arc::new(module))
}

/// Whether the first thing in a text, after comments and blanks, is the directive that PTX begins with.
pub(super) fn begins_as_ptx(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        rest = match (rest.strip_prefix("//"), rest.strip_prefix("/*")) {
            (Some(comment), _) => comment.split_once('\n').map_or("", |(_, rest)| rest),
            (_, Some(comment)) => comment.split_once("*/").map_or("", |(_, rest)| rest),
            _ => return rest.starts_with(".version"),
        };
        rest = rest.trim_start();
    }
}

/// The compute capability of the devices, which is the same for all.
pub(super) fn capability() -> Capability {
    let device = Machine::get().ok().and_then(|machine| machine.devices.first());
    device.map_or(Capability::new(0, 0), |device| {
        let capability = device.capability();
        Capability::new(capability.major, capability.minor)
    })
}

/// The PTX of an image.
///
/// # Safety
/// As for [`read_image`].
unsafe fn ptx_of(image: *const c_void, device: Capability) -> Result<(String, Origin), Refusal> {
    // SAFETY: the caller's promise.
    let raw = unsafe { read_image(image) };
    let raw = raw.map_err(|error| match image.is_null() {
        true => Refusal(CUresult::CUDA_ERROR_INVALID_VALUE, error.to_string()),
        false => Refusal(CUresult::CUDA_ERROR_INVALID_IMAGE, error.to_string()),
    })?;
    match raw {
        RawImage::Ptx(text) => Ok((text.to_string(), Origin::Text)),
        RawImage::Fatbin(bytes) => Ok((select(&container(bytes)?, device)?, Origin::Compiler)),
        RawImage::Linked { prelinked, .. } => Ok((link_containers(&prelinked, device)?, Origin::Compiler)),
        RawImage::Elf(arch) => {
            let text = format!(
                "the image is machine code for compute capability {arch}, which the software device does not run: build \
                 the program with PTX inside"
            );
            Err(Refusal(CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU, text))
        }
    }
}

/// Reads a container.
pub(super) fn container(bytes: &[u8]) -> Result<Container<'_>, Refusal> {
    Container::parse(bytes).map_err(|error| Refusal(CUresult::CUDA_ERROR_INVALID_IMAGE, error.to_string()))
}

/// The PTX of a container that the device runs.
pub(super) fn select(container: &Container<'_>, device: Capability) -> Result<String, Refusal> {
    let selected = select_ptx_of_family(container.images(), device);
    selected.map(|selected| selected.text.into_owned()).map_err(|error| {
        let code = match error {
            SelectError::Damaged { .. } => CUresult::CUDA_ERROR_INVALID_IMAGE,
            _ => CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU,
        };
        Refusal(code, error.to_string())
    })
}
