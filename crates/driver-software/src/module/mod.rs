//! Modules, libraries, functions: from images to kernels that can be launched.

mod area;
mod function;
mod function_area;
mod globals;
mod image;
mod library;
mod linker;
mod options;
mod pieces;
mod settings;

pub(crate) use area::{Modules, name_of};
pub(crate) use function::Function;
pub(crate) use function_area::Functions;
pub(crate) use library::{Libraries, Library, LibraryKernel};
pub(crate) use linker::{Linker, Linkers};

use crate::answer::Answer;
use crate::context::Context;
use crate::device_runtime::ModuleRuntime;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::stream::StreamGroup;
use crate::texture::References;
use cuda_abi::{CUmodule, CUresult};
use globals::Globals;
use settings::FunctionSettings;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A program in a context: its variables have places, and its functions can be launched there.
pub(crate) struct Module {
    pub(crate) group: Arc<StreamGroup>,
    pub(crate) program: Arc<jit::Module>,
    /// Whether it was loaded by the program, or belongs to a library.
    is_of_library: bool,
    handle: OnceLock<usize>,
    pub(crate) globals: Globals,
    pub(crate) references: References,
    functions: Lock<BTreeMap<String, Arc<Function>>>,
    /// Functions that kernels of the module launch and the host has not asked for: a library's kernel, when the host asks for it, comes
    /// with settings.
    children: Lock<BTreeMap<String, Arc<Function>>>,
    /// What its kernels are answered by.
    device_runtime: OnceLock<Arc<ModuleRuntime>>,
}

impl Module {
    /// Loads a program into a context: gives its variables places and initial values, and the module a handle. A library
    /// passes the variables that all contexts share.
    pub(crate) fn load(context: &Context, program: Arc<jit::Module>, library: Option<&Globals>) -> Answer<Arc<Module>> {
        let machine = Machine::get()?;
        let owner = (context.id, context.handle());
        let globals = Globals::place(machine, context.device, owner, &program.globals(), library)?;
        let module = Arc::new(Module {
            group: context.streams.clone(),
            program,
            is_of_library: library.is_some(),
            handle: OnceLock::new(),
            globals,
            references: References::new(),
            functions: Lock::new(Order::Functions, BTreeMap::new()),
            children: Lock::new(Order::Functions, BTreeMap::new()),
            device_runtime: OnceLock::new(),
        });
        let _ = module.handle.set(machine.objects.insert(module.clone())?);
        context.modules.lock().push(module.clone());
        Ok(module)
    }

    /// The module of a handle.
    ///
    /// # Errors
    /// When it is none, or its context has failed or is gone.
    pub(crate) fn named(handle: CUmodule) -> Answer<Arc<Module>> {
        let module: Option<Arc<Module>> = Machine::get()?.objects.get(handle.addr());
        let module = module.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
        module.group.check()?;
        Ok(module)
    }

    /// Its handle, as a number.
    pub(crate) fn handle(&self) -> usize {
        self.handle.get().copied().unwrap_or(0)
    }

    pub(crate) fn is_of_library(&self) -> bool {
        self.is_of_library
    }

    /// A function by its name. `settings` are those of a library's kernel, which are shared between contexts.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn function(
        self: &Arc<Self>,
        name: &str,
        settings: Option<&Arc<FunctionSettings>>,
    ) -> Answer<Arc<Function>> {
        let mut functions = self.functions.lock();
        if let Some(function) = functions.get(name) {
            return Ok(function.clone());
        }
        let info = self.program.kernel_info(name).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
        let settings = settings.cloned().unwrap_or_default();
        let function = Function::new(self.clone(), info, settings)?;
        functions.insert(name.to_string(), function.clone());
        Ok(function)
    }

    /// A kernel by its device address, to be launched by another one.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn child(self: &Arc<Self>, address: u64) -> Answer<Arc<Function>> {
        let name = self.program.kernel_at(address).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
        if let Some(function) = self.functions.lock().get(name) {
            return Ok(function.clone());
        }
        let mut children = self.children.lock();
        if let Some(function) = children.get(name) {
            return Ok(function.clone());
        }
        let info = self.program.kernel_info(name).ok_or(CUresult::CUDA_ERROR_NOT_FOUND)?;
        let function = Function::new(self.clone(), info, Arc::default())?;
        children.insert(name.to_string(), function.clone());
        Ok(function)
    }

    /// What kernels of the module are answered by.
    pub(crate) fn device_runtime(self: &Arc<Self>) -> Arc<ModuleRuntime> {
        self.device_runtime.get_or_init(|| ModuleRuntime::new(self)).clone()
    }

    /// Takes the module out of its context: waits for what runs, takes handles and memory away.
    pub(crate) fn unload(&self, machine: &Machine) {
        self.group.synchronize();
        machine.objects.remove::<Module>(self.handle());
        let functions = std::mem::take(&mut *self.functions.lock());
        let children = std::mem::take(&mut *self.children.lock());
        for function in functions.values().chain(children.values()) {
            machine.objects.remove::<Function>(function.handle());
        }
        self.references.remove(machine);
        self.group.trim();
        self.globals.free(machine);
    }
}

/// Says what is wrong with a program, once for each time, to the person at the terminal.
pub(crate) fn complain(text: impl std::fmt::Display) {
    if !driver_api::env::is_quiet() {
        eprintln!("apex: {text}");
    }
}

/// The code for a program or kernel that cannot be used. A line on stderr says why.
pub(crate) fn code_of_error(error: &jit::Error) -> CUresult {
    complain(error);
    match error {
        jit::Error::Syntax(_) => CUresult::CUDA_ERROR_INVALID_PTX,
        jit::Error::NoSuchKernel(_) => CUresult::CUDA_ERROR_NOT_FOUND,
        jit::Error::Unsupported(_) => CUresult::CUDA_ERROR_NOT_SUPPORTED,
        jit::Error::Internal(_) => CUresult::CUDA_ERROR_UNKNOWN,
    }
}
