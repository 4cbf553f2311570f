//! Functions of the API about modules.

use super::options::JitLog;
use super::{Function, Libraries, Module, image};
use crate::answer::{Answer, answer};
use crate::context::current;
use crate::machine::Machine;
use core::ffi::{CStr, c_void};
use cuda_abi::*;
use driver_api::Driver;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Modules.
pub(crate) struct Modules;

/// Loads an image into the current context.
///
/// # Safety
/// As for `image::load`.
unsafe fn load(image: *const c_void, log: &mut JitLog) -> Answer<CUmodule> {
    let context = current()?;
    // SAFETY: passed on.
    let program = unsafe { image::load(image, log)? };
    Ok(CUmodule::from_addr(Module::load(&context, program, None)?.handle()))
}

/// The contents of a file that is no wrapper.
pub(super) fn file_bytes(path: &CStr) -> Answer<Vec<u8>> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let contents = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CUresult::CUDA_ERROR_FILE_NOT_FOUND,
        _ => CUresult::CUDA_ERROR_OPERATING_SYSTEM,
    })?;
    // Its pointers are those of another process.
    if fatbin::edge::is_wrapper(&contents) {
        return Err(CUresult::CUDA_ERROR_INVALID_IMAGE);
    }
    Ok(contents)
}

/// The contents of a file, with a zero behind, which ends PTX text.
pub(super) fn file_contents(path: &CStr) -> Answer<Vec<u8>> {
    let mut contents = file_bytes(path)?;
    // Enough zeros for what looks at the beginning of an image.
    contents.extend_from_slice(&[0; 64]);
    Ok(contents)
}

/// Text of the program, as the names in a module are.
pub(crate) fn name_of(text: &CStr) -> Answer<&str> {
    text.to_str().map_err(|_| CUresult::CUDA_ERROR_NOT_FOUND)
}

impl Driver for Modules {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Libraries)
    }

    fn cuModuleLoad(&self, module: &mut CUmodule, path: &CStr) -> CUresult {
        answer(|| {
            current()?;
            let contents = file_contents(path)?;
            // SAFETY: the contents are there, and end with zeros.
            *module = unsafe { load(contents.as_ptr().cast(), &mut JitLog::default())? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuModuleLoadData(&self, module: &mut CUmodule, image: *const c_void) -> CUresult {
        answer(|| {
            // SAFETY: the caller's promise.
            *module = unsafe { load(image, &mut JitLog::default())? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuModuleLoadDataEx(
        &self,
        module: &mut CUmodule,
        image: *const c_void,
        option_count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    ) -> CUresult {
        answer(|| {
            // SAFETY: the caller's promise.
            *module = unsafe { load(image, &mut JitLog::read(option_count, options, values)?)? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuModuleLoadFatBinary(&self, module: &mut CUmodule, image: *const c_void) -> CUresult {
        // SAFETY: the caller's promise is the same.
        unsafe { self.cuModuleLoadData(module, image) }
    }

    fn cuModuleUnload(&self, module: CUmodule) -> CUresult {
        answer(|| {
            let (machine, module) = (Machine::get()?, Module::named(module)?);
            if module.is_of_library() {
                return Err(CUresult::CUDA_ERROR_NOT_PERMITTED);
            }
            module.unload(machine);
            if let Some(context) = machine.objects.get::<crate::context::Context>(module.group.context_handle()) {
                context.modules.lock().retain(|kept| !Arc::ptr_eq(kept, &module));
            }
            Ok(())
        })
    }

    fn cuModuleGetLoadingMode(&self, mode: &mut CUmoduleLoadingMode) -> CUresult {
        // Bodies of kernels are compiled when they are first launched.
        *mode = CUmoduleLoadingMode::CU_MODULE_LAZY_LOADING;
        CUresult::CUDA_SUCCESS
    }

    fn cuModuleGetFunction(&self, function: &mut CUfunction, module: CUmodule, name: &CStr) -> CUresult {
        answer(|| {
            let found = Module::named(module)?.function(name_of(name)?, None)?;
            *function = CUfunction::from_addr(found.handle());
            Ok(())
        })
    }

    fn cuModuleGetFunctionCount(&self, count: &mut u32, module: CUmodule) -> CUresult {
        answer(|| {
            *count = Module::named(module)?.program.kernels().len() as u32;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuModuleEnumerateFunctions(&self, functions: *mut CUfunction, count: u32, module: CUmodule) -> CUresult {
        answer(|| {
            let module = Module::named(module)?;
            if functions.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            for (index, name) in module.program.kernels().iter().take(count as usize).enumerate() {
                let function: Arc<Function> = module.function(name, None)?;
                // SAFETY: the caller's array has so many entries.
                unsafe { functions.add(index).write(CUfunction::from_addr(function.handle())) };
            }
            Ok(())
        })
    }

    fn cuModuleGetGlobal_v2(
        &self,
        pointer: Option<&mut CUdeviceptr>,
        bytes: Option<&mut usize>,
        module: CUmodule,
        name: &CStr,
    ) -> CUresult {
        answer(|| {
            let (module, name) = (Module::named(module)?, name_of(name)?);
            if pointer.is_none() && bytes.is_none() || module.program.kernel_info(name).is_some() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            let placed = module.globals.find(name).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
            if let Some(pointer) = pointer {
                *pointer = placed.address;
            }
            if let Some(bytes) = bytes {
                *bytes = placed.bytes as usize;
            }
            Ok(())
        })
    }
}
