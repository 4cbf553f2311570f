//! Libraries: programs that belong to no context, and are loaded into each one that uses them.

use super::area::{file_contents, name_of};
use super::function::Function;
use super::globals::{Globals, Placed};
use super::options::JitLog;
use super::settings::FunctionSettings;
use super::{Linkers, Module, image};
use crate::answer::{Answer, answer};
use crate::context::{Context, current};
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use core::ffi::{CStr, c_char, c_void};
use cuda_abi::*;
use driver_api::Driver;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::{Arc, OnceLock};

/// The owner of what belongs to no context.
const NO_CONTEXT: (u64, usize) = (0, 0);

/// A library.
pub(crate) struct Library {
    program: Arc<jit::Module>,
    handle: OnceLock<usize>,
    /// Managed variables, which all contexts share.
    managed: OnceLock<Answer<Globals>>,
    /// Modules by the number of their context.
    modules: Lock<BTreeMap<u64, Arc<Module>>>,
    kernels: Lock<BTreeMap<String, Arc<LibraryKernel>>>,
}

/// A kernel of a library.
pub(crate) struct LibraryKernel {
    library: Arc<Library>,
    name: String,
    c_name: CString,
    handle: OnceLock<usize>,
    settings: Arc<FunctionSettings>,
}

impl Library {
    fn create(program: Arc<jit::Module>) -> Answer<Arc<Library>> {
        let library = Arc::new(Library {
            program,
            handle: OnceLock::new(),
            managed: OnceLock::new(),
            modules: Lock::new(Order::LibraryModules, BTreeMap::new()),
            kernels: Lock::new(Order::Functions, BTreeMap::new()),
        });
        let _ = library.handle.set(Machine::get()?.objects.insert(library.clone())?);
        Ok(library)
    }

    fn named(handle: CUlibrary) -> Answer<Arc<Library>> {
        Machine::get()?.objects.get(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
    }

    /// The managed variables, which get their places when they are first asked for.
    fn managed(&self) -> Answer<&Globals> {
        let place = || {
            let (machine, device) = (Machine::get()?, Machine::get()?.device(0)?);
            let mut symbols = self.program.globals();
            symbols.retain(|symbol| symbol.is_managed);
            Globals::place(machine, device, NO_CONTEXT, &symbols, None)
        };
        self.managed.get_or_init(place).as_ref().map_err(|code| *code)
    }

    /// The library in a context, loaded if need be.
    fn module(&self, context: &Context) -> Answer<Arc<Module>> {
        let mut modules = self.modules.lock();
        if let Some(module) = modules.get(&context.id) {
            return Ok(module.clone());
        }
        // Contexts that are gone have taken their modules along.
        modules.retain(|_, module| module.group.check() != Err(CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED));
        let module = Module::load(context, self.program.clone(), Some(self.managed()?))?;
        modules.insert(context.id, module.clone());
        Ok(module)
    }

    fn kernel(self: &Arc<Self>, name: &str) -> Answer<Arc<LibraryKernel>> {
        let mut kernels = self.kernels.lock();
        if let Some(kernel) = kernels.get(name) {
            return Ok(kernel.clone());
        }
        self.program.kernel_info(name).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
        let kernel = Arc::new(LibraryKernel {
            library: self.clone(),
            name: name.to_string(),
            c_name: CString::new(name).map_err(|_| CUresult::CUDA_ERROR_NOT_FOUND)?,
            handle: OnceLock::new(),
            settings: Arc::default(),
        });
        let _ = kernel.handle.set(Machine::get()?.objects.insert(kernel.clone())?);
        kernels.insert(name.to_string(), kernel.clone());
        Ok(kernel)
    }

    fn unload(&self) -> Answer {
        let machine = Machine::get()?;
        let modules = std::mem::take(&mut *self.modules.lock());
        for module in modules.into_values() {
            if let Some(context) = machine.objects.get::<Context>(module.group.context_handle()) {
                module.unload(machine);
                context.modules.lock().retain(|kept| !Arc::ptr_eq(kept, &module));
            }
        }
        if let Some(Ok(managed)) = self.managed.get() {
            managed.free(machine);
        }
        let kernels = std::mem::take(&mut *self.kernels.lock());
        for handle in kernels.values().filter_map(|kernel| kernel.handle.get()) {
            machine.objects.remove::<LibraryKernel>(*handle);
        }
        Ok(())
    }
}

impl LibraryKernel {
    pub(crate) fn named(handle: CUkernel) -> Answer<Arc<LibraryKernel>> {
        Machine::get()?.objects.get(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
    }

    /// The kernel as a function of a context.
    pub(crate) fn function(&self, context: &Context) -> Answer<Arc<Function>> {
        self.library.module(context)?.function(&self.name, Some(&self.settings))
    }

    pub(super) fn c_name(&self) -> &CStr {
        &self.c_name
    }

    /// What is known of it without a context.
    pub(super) fn info(&self) -> Answer<jit::KernelInfo> {
        self.library.program.kernel_info(&self.name).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)
    }

    /// The kernel as a function of a context of `device`: the current one, or the device's primary one.
    pub(super) fn function_on(&self, device: CUdevice) -> Answer<Arc<Function>> {
        let device = Machine::get()?.device(device)?;
        if let Some(context) = crate::context::current_unchecked()?
            && context.device.ordinal == device.ordinal
            && context.check().is_ok()
        {
            return self.function(&context);
        }
        let context = device.retain_primary()?;
        let function = self.function(&context);
        device.release_primary()?;
        function
    }
}

/// Libraries.
pub(crate) struct Libraries;

/// Makes a library of an image.
///
/// # Safety
/// As for `image::load` and `JitLog::read`.
unsafe fn load(
    code: *const c_void,
    options: *mut CUjit_option,
    values: *mut *mut c_void,
    option_count: u32,
) -> Answer<CUlibrary> {
    // SAFETY: passed on.
    let program = unsafe { image::load(code, &mut JitLog::read(option_count, options, values)?)? };
    let library = Library::create(program)?;
    Ok(CUlibrary::from_addr(library.handle.get().copied().unwrap_or(0)))
}

/// Tells the program where a variable is.
fn tell(placed: Option<Placed>, pointer: Option<&mut CUdeviceptr>, bytes: Option<&mut usize>) -> Answer {
    let placed = placed.ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
    if let Some(pointer) = pointer {
        *pointer = placed.address;
    }
    if let Some(bytes) = bytes {
        *bytes = placed.bytes as usize;
    }
    Ok(())
}

impl Driver for Libraries {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Linkers)
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLibraryLoadData(
        &self,
        library: &mut CUlibrary,
        code: *const c_void,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
        option_count: u32,
        _library_options: *mut CUlibraryOption,
        _library_values: *mut *mut c_void,
        _library_option_count: u32,
    ) -> CUresult {
        answer(|| {
            // SAFETY: the caller's promise.
            *library = unsafe { load(code, options, values, option_count)? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLibraryLoadFromFile(
        &self,
        library: &mut CUlibrary,
        path: &CStr,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
        option_count: u32,
        _library_options: *mut CUlibraryOption,
        _library_values: *mut *mut c_void,
        _library_option_count: u32,
    ) -> CUresult {
        answer(|| {
            let contents = file_contents(path)?;
            // SAFETY: the contents are there and end with zeros; the rest is the caller's promise.
            *library = unsafe { load(contents.as_ptr().cast(), options, values, option_count)? };
            Ok(())
        })
    }

    fn cuLibraryUnload(&self, library: CUlibrary) -> CUresult {
        answer(|| {
            let removed = Machine::get()?.objects.remove::<Library>(library.addr());
            removed.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?.unload()
        })
    }

    fn cuLibraryGetModule(&self, module: &mut CUmodule, library: CUlibrary) -> CUresult {
        answer(|| {
            let (library, context) = (Library::named(library)?, current()?);
            *module = CUmodule::from_addr(library.module(&context)?.handle());
            Ok(())
        })
    }

    fn cuLibraryGetKernel(&self, kernel: &mut CUkernel, library: CUlibrary, name: &CStr) -> CUresult {
        answer(|| {
            let found = Library::named(library)?.kernel(name_of(name)?)?;
            *kernel = CUkernel::from_addr(found.handle.get().copied().unwrap_or(0));
            Ok(())
        })
    }

    fn cuLibraryGetKernelCount(&self, count: &mut u32, library: CUlibrary) -> CUresult {
        answer(|| {
            *count = Library::named(library)?.program.kernels().len() as u32;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLibraryEnumerateKernels(&self, kernels: *mut CUkernel, count: u32, library: CUlibrary) -> CUresult {
        answer(|| {
            let library = Library::named(library)?;
            if kernels.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            for (index, name) in library.program.kernels().iter().take(count as usize).enumerate() {
                let kernel = library.kernel(name)?;
                let handle = CUkernel::from_addr(kernel.handle.get().copied().unwrap_or(0));
                // SAFETY: the caller's array has so many entries.
                unsafe { kernels.add(index).write(handle) };
            }
            Ok(())
        })
    }

    fn cuLibraryGetGlobal(
        &self,
        pointer: Option<&mut CUdeviceptr>,
        bytes: Option<&mut usize>,
        library: CUlibrary,
        name: &CStr,
    ) -> CUresult {
        answer(|| {
            let (library, context) = (Library::named(library)?, current()?);
            tell(library.module(&context)?.globals.find(name_of(name)?), pointer, bytes)
        })
    }

    fn cuLibraryGetManaged(
        &self,
        pointer: Option<&mut CUdeviceptr>,
        bytes: Option<&mut usize>,
        library: CUlibrary,
        name: &CStr,
    ) -> CUresult {
        answer(|| tell(Library::named(library)?.managed()?.find(name_of(name)?), pointer, bytes))
    }

    fn cuKernelGetFunction(&self, function: &mut CUfunction, kernel: CUkernel) -> CUresult {
        answer(|| {
            let found = LibraryKernel::named(kernel)?.function(&*current()?)?;
            *function = CUfunction::from_addr(found.handle());
            Ok(())
        })
    }

    fn cuKernelGetLibrary(&self, library: &mut CUlibrary, kernel: CUkernel) -> CUresult {
        answer(|| {
            let kernel = LibraryKernel::named(kernel)?;
            *library = CUlibrary::from_addr(kernel.library.handle.get().copied().unwrap_or(0));
            Ok(())
        })
    }

    fn cuKernelGetName(&self, name: &mut *const c_char, kernel: CUkernel) -> CUresult {
        answer(|| {
            *name = LibraryKernel::named(kernel)?.c_name().as_ptr();
            Ok(())
        })
    }
}
