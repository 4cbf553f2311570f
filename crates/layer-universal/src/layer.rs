//! The layer.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cuda_abi::*;
use driver_api::{Driver, LogBuffers};
use fatbin::Capability;

use crate::card::{capability_of, card, is_presented, oldest};
use crate::image::{Choice, Devices, Made, Refusal, choose, choose_from_bytes};
use crate::refused::{answer, complain, log, logged};

/// The functions that the layer overrides.
pub const HOOKS: &[&str] = &[
    "cuDeviceGetAttribute",
    "cuDeviceComputeCapability",
    "cuModuleLoad",
    "cuModuleLoadData",
    "cuModuleLoadDataEx",
    "cuModuleLoadFatBinary",
    "cuLibraryLoadData",
    "cuLibraryLoadFromFile",
    "cuModuleUnload",
    "cuFuncGetAttribute",
    "cuKernelGetAttribute",
    "cuLibraryUnload",
    "cuLinkCreate_v2",
    "cuLinkAddData_v2",
    "cuLinkAddFile_v2",
    "cuLinkDestroy",
];

/// Presents the devices of the driver below as ones of a later compute capability.
pub struct Universal {
    next: &'static dyn Driver,
    presented: Capability,
    driver_version: fn() -> u32,
    /// Set when code is first loaded, after `cuInit`. None where there is nothing to do.
    devices: OnceLock<Option<Devices>>,
    /// PTX of libraries that are loaded: a driver may read it until the library is unloaded. As many as the program has libraries.
    kept: Mutex<HashMap<CUlibrary, Made>>,
    /// What the PTX of modules that are loaded was for. As many as the program has modules.
    targets: Mutex<HashMap<CUmodule, i32>>,
    /// The logs of links that are under way. As many as the program has links.
    link_logs: Mutex<HashMap<CUlinkState, LogBuffers>>,
}

impl Universal {
    /// A layer over `next`. What gives the driver's version (13000 for 13.0) is called when code is first loaded.
    pub fn over(next: &'static dyn Driver, presented: Capability, driver_version: fn() -> u32) -> Self {
        Self {
            next,
            presented,
            driver_version,
            devices: OnceLock::new(),
            kept: Mutex::default(),
            targets: Mutex::default(),
            link_logs: Mutex::default(),
        }
    }

    /// For whom code is made. None where no device is presented as another; and as long as the driver does not answer, as before `cuInit`,
    /// when it loads nothing either.
    fn devices(&self) -> Option<&Devices> {
        if let Some(devices) = self.devices.get() {
            return devices.as_ref();
        }
        let own = oldest(self.next, self.presented).ok()?;
        let devices = own.and_then(|own| {
            let version = (self.driver_version)();
            let card = card(own, version);
            if card.is_none() {
                complain(&format!(
                    "a driver of version {version} is too old to present devices: they stay what they are"
                ));
            }
            Some(Devices { presented: self.presented, own, card: card? })
        });
        self.devices.get_or_init(|| devices).as_ref()
    }

    /// What is to be loaded in place of an image.
    ///
    /// # Safety
    /// As for `cuModuleLoadData`.
    unsafe fn choose(&self, image: *const c_void) -> Result<Choice, Refusal> {
        let Some(devices) = self.devices() else { return Ok(Choice::AsItIs) };
        // SAFETY: the caller's promise.
        unsafe { choose(image, devices) }
    }

    /// What is to be loaded in place of a file. One that cannot be read is the driver's to complain about.
    fn choose_file(&self, path: &CStr) -> Result<Choice, Refusal> {
        let Some(devices) = self.devices() else { return Ok(Choice::AsItIs) };
        let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
        let Ok(bytes) = fs::read(path) else { return Ok(Choice::AsItIs) };
        choose_from_bytes(&bytes, devices)
    }

    /// Keeps the PTX of a library for as long as that is loaded.
    fn keep(&self, library: CUlibrary, made: Made) {
        locked(&self.kept).insert(library, made);
    }

    /// Loads PTX that was made for the device as a module.
    fn load(
        &self,
        module: &mut CUmodule,
        made: &Made,
        load: impl FnOnce(&mut CUmodule, *const c_void) -> CUresult,
    ) -> CUresult {
        let answer = load(module, made.pointer());
        if answer == CUresult::CUDA_SUCCESS {
            locked(&self.targets).insert(*module, made.target);
        }
        answer
    }

    /// What the PTX of a function was for, if it was made into PTX for the device.
    fn target_of_function(&self, function: CUfunction) -> Option<i32> {
        let mut module = CUmodule::NULL;
        self.next.cuFuncGetModule(&mut module, function).ok().ok()?;
        if let Some(target) = locked(&self.targets).get(&module) {
            return Some(*target);
        }
        // A module of a library, which is the same for all who ask in a context.
        let libraries: Vec<(CUlibrary, i32)> =
            locked(&self.kept).iter().map(|(library, made)| (*library, made.target)).collect();
        let is_of = |library: CUlibrary| {
            let mut own = CUmodule::NULL;
            self.next.cuLibraryGetModule(&mut own, library) == CUresult::CUDA_SUCCESS && own == module
        };
        libraries.into_iter().find(|(library, _)| is_of(*library)).map(|(_, target)| target)
    }

    /// The same of a kernel.
    fn target_of_kernel(&self, kernel: CUkernel) -> Option<i32> {
        let mut library = CUlibrary::NULL;
        self.next.cuKernelGetLibrary(&mut library, kernel).ok().ok()?;
        locked(&self.kept).get(&library).map(|made| made.target)
    }

    /// What a program is to learn of a kernel's versions. Libraries choose among their variants by it, and have none for the device itself.
    fn presented_version(
        &self,
        value: &mut i32,
        attribute: CUfunction_attribute,
        target: impl FnOnce() -> Option<i32>,
    ) {
        let is_asked = [
            CUfunction_attribute::CU_FUNC_ATTRIBUTE_PTX_VERSION,
            CUfunction_attribute::CU_FUNC_ATTRIBUTE_BINARY_VERSION,
        ]
        .contains(&attribute);
        if !is_asked || self.devices().is_none() {
            return;
        }
        if let Some(target) = target() {
            let of_device = (self.presented.major * 10 + self.presented.minor).cast_signed();
            let is_ptx = attribute == CUfunction_attribute::CU_FUNC_ATTRIBUTE_PTX_VERSION;
            *value = if is_ptx { target } else { of_device };
        }
    }

    /// The answer of a call that adds to a link: the reason is in the log of that call, or in that of the link.
    ///
    /// # Safety
    /// The arrays have `count` entries, or are null; what they and those of the link say of buffers is true.
    unsafe fn log_of_link(
        &self,
        refusal: &Refusal,
        state: CUlinkState,
        count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    ) -> CUresult {
        // SAFETY: the caller's promise.
        let own = unsafe { LogBuffers::read(count, options, values) };
        let of_link = locked(&self.link_logs).get(&state).copied().unwrap_or_default();
        // SAFETY: the caller's promise.
        unsafe { log(refusal, if own.errors.is_wanted() { &own } else { &of_link }) }
    }

    /// How many libraries' texts are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        locked(&self.kept).len()
    }

    /// The capability that a device is presented with.
    fn presented(&self, device: CUdevice) -> Result<Capability, CUresult> {
        let own = capability_of(self.next, device)?;
        // Where no code can be made for it, it is presented as what it is.
        let has_code = || card(own, (self.driver_version)()).is_some();
        Ok(if is_presented(own, self.presented) && has_code() { self.presented } else { own })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The code of an answer.
fn code(answer: Result<(), CUresult>) -> CUresult {
    answer.err().unwrap_or(CUresult::CUDA_SUCCESS)
}

impl Driver for Universal {
    fn next(&self) -> Option<&dyn Driver> {
        Some(self.next)
    }

    fn cuDeviceGetAttribute(&self, value: &mut i32, attribute: CUdevice_attribute, device: CUdevice) -> CUresult {
        let part: fn(Capability) -> u32 = match attribute {
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => |capability| capability.major,
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => |capability| capability.minor,
            _ => return self.next.cuDeviceGetAttribute(value, attribute, device),
        };
        code(self.presented(device).map(|presented| *value = part(presented).cast_signed()))
    }

    fn cuDeviceComputeCapability(&self, major: &mut i32, minor: &mut i32, device: CUdevice) -> CUresult {
        code(self.presented(device).map(|presented| {
            *major = presented.major.cast_signed();
            *minor = presented.minor.cast_signed();
        }))
    }

    fn cuModuleLoad(&self, module: &mut CUmodule, path: &CStr) -> CUresult {
        match self.choose_file(path) {
            Ok(Choice::Ptx(made)) => self.load(module, &made, |module, text| {
                // SAFETY: the text is complete and ends with a zero.
                unsafe { self.next.cuModuleLoadData(module, text) }
            }),
            Ok(Choice::AsItIs) => self.next.cuModuleLoad(module, path),
            Err(refusal) => answer(&refusal),
        }
    }

    unsafe fn cuModuleLoadData(&self, module: &mut CUmodule, image: *const c_void) -> CUresult {
        // SAFETY: the caller's promise.
        match unsafe { self.choose(image) } {
            Ok(Choice::Ptx(made)) => self.load(module, &made, |module, text| {
                // SAFETY: the text is complete and ends with a zero.
                unsafe { self.next.cuModuleLoadData(module, text) }
            }),
            // SAFETY: the caller's promise.
            Ok(Choice::AsItIs) => unsafe { self.next.cuModuleLoadData(module, image) },
            Err(refusal) => answer(&refusal),
        }
    }

    unsafe fn cuModuleLoadDataEx(
        &self,
        module: &mut CUmodule,
        image: *const c_void,
        count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    ) -> CUresult {
        // SAFETY: the caller's promise.
        match unsafe { self.choose(image) } {
            Ok(Choice::Ptx(made)) => self.load(module, &made, |module, text| {
                // SAFETY: the caller's promise about the options; the text is complete and ends with a zero.
                unsafe { self.next.cuModuleLoadDataEx(module, text, count, options, values) }
            }),
            // SAFETY: the caller's promise.
            Ok(Choice::AsItIs) => unsafe { self.next.cuModuleLoadDataEx(module, image, count, options, values) },
            // SAFETY: the caller's promise.
            Err(refusal) => unsafe { logged(&refusal, count, options, values) },
        }
    }

    unsafe fn cuModuleLoadFatBinary(&self, module: &mut CUmodule, image: *const c_void) -> CUresult {
        // SAFETY: the caller's promise.
        match unsafe { self.choose(image) } {
            Ok(Choice::Ptx(made)) => self.load(module, &made, |module, text| {
                // SAFETY: the text is complete and ends with a zero.
                unsafe { self.next.cuModuleLoadData(module, text) }
            }),
            // SAFETY: the caller's promise.
            Ok(Choice::AsItIs) => unsafe { self.next.cuModuleLoadFatBinary(module, image) },
            Err(refusal) => answer(&refusal),
        }
    }

    unsafe fn cuLibraryLoadData(
        &self,
        library: &mut CUlibrary,
        image: *const c_void,
        jit_options: *mut CUjit_option,
        jit_values: *mut *mut c_void,
        jit_count: u32,
        options: *mut CUlibraryOption,
        values: *mut *mut c_void,
        count: u32,
    ) -> CUresult {
        // SAFETY: the caller's promise.
        let choice = match unsafe { self.choose(image) } {
            Ok(choice) => choice,
            // SAFETY: the caller's promise.
            Err(refusal) => return unsafe { logged(&refusal, jit_count, jit_options, jit_values) },
        };
        let image = pointer(&choice, image);
        // SAFETY: the caller's promise; or text that is complete, ends with a zero, and is kept as long as the library.
        let answer = unsafe {
            self.next.cuLibraryLoadData(library, image, jit_options, jit_values, jit_count, options, values, count)
        };
        if let (CUresult::CUDA_SUCCESS, Choice::Ptx(made)) = (answer, choice) {
            self.keep(*library, made);
        }
        answer
    }

    unsafe fn cuLibraryLoadFromFile(
        &self,
        library: &mut CUlibrary,
        path: &CStr,
        jit_options: *mut CUjit_option,
        jit_values: *mut *mut c_void,
        jit_count: u32,
        options: *mut CUlibraryOption,
        values: *mut *mut c_void,
        count: u32,
    ) -> CUresult {
        let made = match self.choose_file(path) {
            Ok(Choice::Ptx(made)) => made,
            Ok(Choice::AsItIs) => {
                // SAFETY: the caller's promise.
                return unsafe {
                    self.next.cuLibraryLoadFromFile(
                        library,
                        path,
                        jit_options,
                        jit_values,
                        jit_count,
                        options,
                        values,
                        count,
                    )
                };
            }
            // SAFETY: the caller's promise.
            Err(refusal) => return unsafe { logged(&refusal, jit_count, jit_options, jit_values) },
        };
        let image = made.pointer();
        // SAFETY: the caller's promise about the options; the text is complete, ends with a zero, and is kept as long as the
        // library.
        let answer = unsafe {
            self.next.cuLibraryLoadData(library, image, jit_options, jit_values, jit_count, options, values, count)
        };
        if answer == CUresult::CUDA_SUCCESS {
            self.keep(*library, made);
        }
        answer
    }

    fn cuModuleUnload(&self, module: CUmodule) -> CUresult {
        // As for libraries.
        let target = locked(&self.targets).remove(&module);
        let answer = self.next.cuModuleUnload(module);
        if answer != CUresult::CUDA_SUCCESS
            && let Some(target) = target
        {
            locked(&self.targets).insert(module, target);
        }
        answer
    }

    fn cuFuncGetAttribute(&self, value: &mut i32, attribute: CUfunction_attribute, function: CUfunction) -> CUresult {
        let answer = self.next.cuFuncGetAttribute(value, attribute, function);
        if answer == CUresult::CUDA_SUCCESS {
            self.presented_version(value, attribute, || self.target_of_function(function));
        }
        answer
    }

    fn cuKernelGetAttribute(
        &self,
        value: &mut i32,
        attribute: CUfunction_attribute,
        kernel: CUkernel,
        device: CUdevice,
    ) -> CUresult {
        let answer = self.next.cuKernelGetAttribute(value, attribute, kernel, device);
        if answer == CUresult::CUDA_SUCCESS {
            self.presented_version(value, attribute, || self.target_of_kernel(kernel));
        }
        answer
    }

    fn cuLibraryUnload(&self, library: CUlibrary) -> CUresult {
        // Taken out first, and dropped last: once the driver has let go of the library, another one may have its handle.
        let made = locked(&self.kept).remove(&library);
        let answer = self.next.cuLibraryUnload(library);
        if answer != CUresult::CUDA_SUCCESS
            && let Some(made) = made
        {
            self.keep(library, made);
        }
        answer
    }

    unsafe fn cuLinkCreate_v2(
        &self,
        count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
        state: &mut CUlinkState,
    ) -> CUresult {
        // SAFETY: the caller's promise. Read before: the driver writes lengths into the places of sizes.
        let buffers = unsafe { LogBuffers::read(count, options, values) };
        // SAFETY: the caller's promise.
        let answer = unsafe { self.next.cuLinkCreate_v2(count, options, values, state) };
        if answer == CUresult::CUDA_SUCCESS && buffers.errors.is_wanted() {
            locked(&self.link_logs).insert(*state, buffers);
        }
        answer
    }

    unsafe fn cuLinkAddData_v2(
        &self,
        state: CUlinkState,
        kind: CUjitInputType,
        data: *mut c_void,
        size: usize,
        name: Option<&CStr>,
        count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    ) -> CUresult {
        let is_wrapper = |data: *mut c_void| {
            // SAFETY: the caller's promise: there are `size` bytes.
            size >= 4 && fatbin::edge::is_wrapper(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), 4) })
        };
        let choice = match self.devices() {
            _ if data.is_null() || !is_code(kind) => Ok(Choice::AsItIs),
            None => Ok(Choice::AsItIs),
            // SAFETY: the caller's promise, and what a wrapper points to is there.
            Some(devices) if is_wrapper(data) => unsafe { choose(data, devices) },
            Some(devices) => {
                // SAFETY: the caller's promise: there are `size` bytes.
                let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) };
                choose_from_bytes(bytes, devices)
            }
        };
        match choice {
            Ok(Choice::Ptx(mut made)) => {
                let (data, size) = (made.text.as_mut_ptr().cast(), made.text.len());
                let kind = CUjitInputType::CU_JIT_INPUT_PTX;
                // SAFETY: the caller's promise about the options; the text is complete and ends with a zero.
                unsafe { self.next.cuLinkAddData_v2(state, kind, data, size, name, count, options, values) }
            }
            // SAFETY: the caller's promise.
            Ok(Choice::AsItIs) => unsafe {
                self.next.cuLinkAddData_v2(state, kind, data, size, name, count, options, values)
            },
            // SAFETY: as above; those of the link are there until it is complete.
            Err(refusal) => unsafe { self.log_of_link(&refusal, state, count, options, values) },
        }
    }

    unsafe fn cuLinkAddFile_v2(
        &self,
        state: CUlinkState,
        kind: CUjitInputType,
        path: &CStr,
        count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    ) -> CUresult {
        match if is_code(kind) { self.choose_file(path) } else { Ok(Choice::AsItIs) } {
            Ok(Choice::Ptx(mut made)) => {
                let (data, size) = (made.text.as_mut_ptr().cast(), made.text.len());
                let kind = CUjitInputType::CU_JIT_INPUT_PTX;
                // SAFETY: the caller's promise about the options; the text is complete and ends with a zero.
                unsafe { self.next.cuLinkAddData_v2(state, kind, data, size, Some(path), count, options, values) }
            }
            // SAFETY: the caller's promise.
            Ok(Choice::AsItIs) => unsafe { self.next.cuLinkAddFile_v2(state, kind, path, count, options, values) },
            // SAFETY: the caller's promise; those of the link are there until it is complete.
            Err(refusal) => unsafe { self.log_of_link(&refusal, state, count, options, values) },
        }
    }

    fn cuLinkDestroy(&self, state: CUlinkState) -> CUresult {
        let buffers = locked(&self.link_logs).remove(&state);
        let answer = self.next.cuLinkDestroy(state);
        if answer != CUresult::CUDA_SUCCESS
            && let Some(buffers) = buffers
        {
            locked(&self.link_logs).insert(state, buffers);
        }
        answer
    }
}

/// Inputs of a link that are PTX or device code that may hold it. Object files and archives go down as they are: the driver takes from
/// them what is for its device.
fn is_code(kind: CUjitInputType) -> bool {
    [CUjitInputType::CU_JIT_INPUT_PTX, CUjitInputType::CU_JIT_INPUT_FATBINARY, CUjitInputType::CU_JIT_INPUT_CUBIN]
        .contains(&kind)
}

/// What to load: the text, or what the program handed over.
fn pointer(choice: &Choice, image: *const c_void) -> *const c_void {
    match choice {
        Choice::AsItIs => image,
        Choice::Ptx(made) => made.pointer(),
    }
}
