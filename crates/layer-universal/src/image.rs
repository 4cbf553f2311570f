//! From what a program hands over to what the driver below gets.

use std::ffi::c_void;

use cuda_abi::CUresult;
use fatbin::edge::{RawImage, is_wrapper, read_image};
use fatbin::host::is_dispensable;
use fatbin::{Arch, Capability, Container, ImageKind, SelectError, Variant, elf, select_ptx};
use ptx::ast::Module;
use ptx::link::{Input, link};
use ptx::retarget::{Card, retarget};

/// What is to be loaded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// What the program handed over.
    AsItIs,
    /// PTX made for the device.
    Ptx(Made),
}

/// PTX in place of what the program handed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// The PTX, with its final zero.
    pub text: Vec<u8>,
    /// What the program's PTX was for, ten times the major and the minor number: what programs learn of their kernels.
    pub target: i32,
}

impl Made {
    fn new(text: String, target: i32) -> Self {
        let mut text = text.into_bytes();
        text.push(0);
        Self { text, target }
    }

    pub(crate) fn pointer(&self) -> *const c_void {
        self.text.as_ptr().cast()
    }
}

/// The number in a module's `.target`.
fn target_of(module: &Module) -> i32 {
    let name = module.targets.first().map_or("", |name| name.as_str());
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Why nothing of an image can be loaded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What the call answers.
    pub code: CUresult,
    /// Why, in words.
    pub reason: String,
}

/// For whom to choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Devices {
    /// What the program believes to have.
    pub presented: Capability,
    /// What there is.
    pub own: Capability,
    /// The same, and what its driver takes.
    pub card: Card,
}

/// Chooses from an image that a program hands over by pointer. One that is none of those that are known goes down as it is: the driver
/// says what is wrong with it.
///
/// # Errors
/// When nothing in it runs on the device.
///
/// # Safety
/// As for [`read_image`].
pub(crate) unsafe fn choose(image: *const c_void, devices: &Devices) -> Result<Choice, Refusal> {
    // SAFETY: the caller's promise.
    match unsafe { read_image(image) } {
        Ok(RawImage::Ptx(text)) => of_text(text, devices),
        Ok(RawImage::Fatbin(bytes)) => of_container(bytes, devices),
        Ok(RawImage::Linked { linked, prelinked }) => of_linked(linked, &prelinked, devices),
        Ok(RawImage::Elf(target)) => of_machine_code(target, devices),
        Err(_) => Ok(Choice::AsItIs),
    }
}

/// As [`choose`], of a file's contents or of data with a length.
///
/// # Errors
/// As [`choose`].
pub(crate) fn choose_from_bytes(bytes: &[u8], devices: &Devices) -> Result<Choice, Refusal> {
    if elf::is_elf(bytes) {
        return elf::capability(bytes).map_or(Ok(Choice::AsItIs), |target| of_machine_code(target, devices));
    }
    // The pointers of a wrapper lead nowhere in a file.
    if is_wrapper(bytes) {
        return Ok(Choice::AsItIs);
    }
    if Container::parse(bytes).is_ok() {
        return of_container(bytes, devices);
    }
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    match std::str::from_utf8(text) {
        Ok(text) if text.contains(".version") => of_text(text, devices),
        _ => Ok(Choice::AsItIs),
    }
}

fn of_text(text: &str, devices: &Devices) -> Result<Choice, Refusal> {
    // What is wrong with a text that is no PTX, the driver says.
    let Ok(module) = Module::parse(text) else { return Ok(Choice::AsItIs) };
    let result = retarget(text, &devices.card)
        .map_err(|refusal| Refusal { code: CUresult::CUDA_ERROR_INVALID_PTX, reason: refusal.to_string() })?;
    Ok(match result.text {
        std::borrow::Cow::Borrowed(_) => Choice::AsItIs,
        std::borrow::Cow::Owned(text) => Choice::Ptx(Made::new(text, target_of(&module))),
    })
}

/// Machine code runs on devices of its generation, from its own revision on; that for one card alone (`sm_90a`), there.
fn runs_natively(target: Arch, own: Capability) -> bool {
    let Arch { capability, variant } = target;
    match variant {
        Variant::Specific => capability == own,
        Variant::Portable | Variant::Family => capability.major == own.major && capability.minor <= own.minor,
    }
}

/// Whether a container has machine code for the device.
fn has_native(container: &Container<'_>, own: Capability) -> bool {
    container.images().iter().any(|image| image.kind == ImageKind::Elf && runs_natively(image.arch, own))
}

fn of_machine_code(target: Capability, devices: &Devices) -> Result<Choice, Refusal> {
    // A cubin's own header does not say whether it is for one card alone; the driver does.
    if runs_natively(Arch { capability: target, variant: Variant::Portable }, devices.own) {
        return Ok(Choice::AsItIs);
    }
    let Devices { presented, own, .. } = devices;
    let reason =
        format!("machine code for {target} does not run on a device of {own}, which is presented as {presented}");
    Err(Refusal { code: CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU, reason })
}

/// The PTX for what is presented is what the program expects. If the device runs that without a change, the driver chooses itself, and may
/// find machine code.
fn of_container(bytes: &[u8], devices: &Devices) -> Result<Choice, Refusal> {
    let Ok(container) = Container::parse(bytes) else { return Ok(Choice::AsItIs) };
    match select_ptx(container.images(), devices.presented) {
        Ok(selected) if selected.arch.ptx_runs_on(devices.own) => Ok(Choice::AsItIs),
        Ok(selected) => of_text(&selected.text, devices),
        // There may be nothing to run in it, as in the module that nvcc puts into every program.
        Err(SelectError::Empty) => Ok(Choice::AsItIs),
        Err(_) if has_native(&container, devices.own) || is_dispensable(&container) => Ok(Choice::AsItIs),
        Err(error) => Err(Refusal { code: CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU, reason: error.to_string() }),
    }
}

/// A program of relocatable device code: its parts are linked, as PTX.
fn of_linked(linked: &[u8], parts: &[&[u8]], devices: &Devices) -> Result<Choice, Refusal> {
    if let Ok(container) = Container::parse(linked)
        && has_native(&container, devices.own)
    {
        return Ok(Choice::AsItIs);
    }
    let mut inputs = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Ok(container) = Container::parse(part) else { return Ok(Choice::AsItIs) };
        let selected = match select_ptx(container.images(), devices.presented) {
            Ok(selected) => selected,
            Err(_) if is_dispensable(&container) => continue,
            Err(error) => {
                let reason = format!("part {} of the program: {error}", index + 1);
                return Err(Refusal { code: CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU, reason });
            }
        };
        let module = Module::parse(&selected.text)
            .map_err(|error| Refusal { code: CUresult::CUDA_ERROR_INVALID_PTX, reason: error.to_string() })?;
        inputs.push((selected.arch.ptx_runs_on(devices.own), Input { name: format!("part {}", index + 1), module }));
    }
    // The driver links them itself where it takes them all.
    if inputs.iter().all(|(runs, _)| *runs) {
        return Ok(Choice::AsItIs);
    }
    let inputs: Vec<Input> = inputs.into_iter().map(|(_, input)| input).collect();
    let text = link(&inputs).map_err(|errors| {
        let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Refusal { code: CUresult::CUDA_ERROR_INVALID_PTX, reason: reasons.join("; ") }
    })?;
    match of_text(&text, devices)? {
        Choice::AsItIs => {
            let target = Module::parse(&text).map_or(0, |module| target_of(&module));
            Ok(Choice::Ptx(Made::new(text, target)))
        }
        retargeted => Ok(retargeted),
    }
}
