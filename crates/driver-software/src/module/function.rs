//! Functions: kernels of a module, with their machine code for each shape of block that was launched.

use super::settings::FunctionSettings;
use super::{Module, code_of_error, complain};
use crate::answer::Answer;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::settings::Tier;
use crate::tuning::KernelTuning;
use checkers::KernelChecker;
use counters::KernelCounters;
use cuda_abi::CUresult;
use device_model::occupancy::{Carveout, KernelResources};
use jit::{AddressSpace, Compiled, KernelInfo};
use simt::{Kernel, Services};
use std::ffi::{CStr, CString};
use std::sync::{Arc, OnceLock};

/// Shapes of blocks whose code is found without a lock.
const QUICK_SHAPES_MAX: usize = 32;

/// A kernel of a module.
pub(crate) struct Function {
    pub(crate) module: Arc<Module>,
    pub(crate) info: KernelInfo,
    pub(crate) settings: Arc<FunctionSettings>,
    name: CString,
    handle: OnceLock<usize>,
    resources: OnceLock<Result<jit::KernelResources, CUresult>>,
    shapes: Shapes,
    /// Held while a shape is added.
    adding: Lock<()>,
}

/// Code for launches of one kind, and where the next one is.
struct Shape {
    options: jit::Options,
    kernel: Arc<Kernel>,
    next: Shapes,
}

/// Machine code of a function.
pub(crate) enum Code<'a> {
    /// As the function keeps it.
    Listed(&'a Arc<Kernel>),
    /// Made for this launch, because the function has been launched with too many shapes of blocks to keep them all.
    Made(Arc<Kernel>),
}

impl std::ops::Deref for Code<'_> {
    type Target = Arc<Kernel>;
    fn deref(&self) -> &Arc<Kernel> {
        match self {
            Code::Listed(kernel) => kernel,
            Code::Made(kernel) => kernel,
        }
    }
}

/// A list that only grows: who reads it takes no lock.
type Shapes = OnceLock<Box<Shape>>;

impl Function {
    /// A function with a handle.
    pub(super) fn new(module: Arc<Module>, info: KernelInfo, settings: Arc<FunctionSettings>) -> Answer<Arc<Function>> {
        let name = CString::new(info.name.as_str()).map_err(|_| CUresult::CUDA_ERROR_INVALID_PTX)?;
        let function = Arc::new(Function {
            module,
            info,
            settings,
            name,
            handle: OnceLock::new(),
            resources: OnceLock::new(),
            shapes: OnceLock::new(),
            adding: Lock::new(Order::Program, ()),
        });
        let _ = function.handle.set(Machine::get()?.objects.insert(function.clone())?);
        Ok(function)
    }

    pub(crate) fn handle(&self) -> usize {
        self.handle.get().copied().unwrap_or(0)
    }

    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }

    /// What the kernel needs of a multiprocessor. Lowers its body the first time.
    ///
    /// # Errors
    /// When the body is wrong.
    pub(crate) fn resources(&self) -> Answer<jit::KernelResources> {
        let find = || self.module.program.kernel_resources(&self.info.name).map_err(|error| code_of_error(&error));
        *self.resources.get_or_init(find)
    }

    /// Registers of a thread: an estimate, below the limit that the program sets.
    pub(crate) fn registers(&self) -> Answer<u32> {
        let estimate = self.resources()?.registers;
        Ok(self.info.max_registers.map_or(estimate, |most| estimate.min(most.max(16))))
    }

    /// Most threads of a block: by the kernel's own limit, and by the registers of a multiprocessor.
    pub(crate) fn threads_max(&self) -> Answer<u32> {
        let limits = self.module.group.device.limits();
        let of_kernel = self.info.max_threads.unwrap_or(limits.threads_per_block).min(limits.threads_per_block);
        let of_warp = (self.registers()? * limits.warp_threads).next_multiple_of(limits.register_granule);
        let by_registers = limits.registers_per_block / of_warp.max(1) * limits.warp_threads;
        // A kernel that says how many threads it has is compiled to fit.
        Ok(if self.info.max_threads.is_some() { of_kernel } else { of_kernel.min(by_registers) })
    }

    /// Most dynamic shared memory of a launch, in bytes.
    pub(crate) fn dynamic_shared_max(&self) -> Answer<u32> {
        let of_block = self.module.group.device.limits().shared_per_block;
        let rest = of_block.saturating_sub(self.resources()?.shared_bytes);
        Ok(self.settings.dynamic_shared().unwrap_or(rest))
    }

    /// What occupancy follows from.
    pub(crate) fn occupancy_resources(&self) -> Answer<KernelResources> {
        let resources = self.resources()?;
        Ok(KernelResources {
            registers_per_thread: self.registers()?,
            static_shared_bytes: resources.shared_bytes,
            threads_per_block_max: self.threads_max()?,
            shared_opt_in: self.settings.dynamic_shared().is_some(),
            carveout: Carveout::from_attribute(self.settings.carveout()).unwrap_or_default(),
            barriers: resources.barriers,
        })
    }

    /// Size of a cluster that launches must have.
    pub(crate) fn required_cluster(&self) -> Option<[u32; 3]> {
        self.info.required_cluster.or_else(|| {
            let set = [0, 1, 2].map(|dimension| self.settings.cluster(dimension));
            (set != [0; 3]).then(|| set.map(|blocks| blocks.max(1)))
        })
    }

    /// Machine code for launches of a kind. Compiled if need be.
    ///
    /// # Errors
    /// When the kernel cannot be compiled, or refers to a variable that is not there.
    pub(crate) fn kernel(&self, options: jit::Options) -> Answer<Code<'_>> {
        let mut shapes = &self.shapes;
        while let Some(shape) = shapes.get() {
            if shape.options == options {
                return Ok(Code::Listed(&shape.kernel));
            }
            shapes = &shape.next;
        }
        self.add_shape(options).map(Code::Made)
    }

    #[cold]
    fn add_shape(&self, options: jit::Options) -> Answer<Arc<Kernel>> {
        let (compiled, tuning) = self.compile(options)?;
        let _adding = self.adding.lock();
        let (mut shapes, mut count) = (&self.shapes, 0);
        while let Some(shape) = shapes.get() {
            if shape.options == options {
                return Ok(shape.kernel.clone());
            }
            (shapes, count) = (&shape.next, count + 1);
        }
        let kernel = self.link(compiled, tuning.clone())?;
        if let Some(tuning) = tuning {
            tuning.begin(&kernel);
        }
        if count < QUICK_SHAPES_MAX {
            let shape = Shape { options, kernel: kernel.clone(), next: OnceLock::new() };
            // The lock is held: nobody else adds.
            let _ = shapes.set(Box::new(shape));
        }
        Ok(kernel)
    }

    /// The machine code to begin with, and who looks for a faster one.
    fn compile(&self, options: jit::Options) -> Answer<(Arc<Compiled>, Option<Arc<KernelTuning>>)> {
        let (program, name) = (&self.module.program, self.info.name.as_str());
        let Machine { tuning, tier, .. } = Machine::get()?;
        let tuning = tuning.as_ref();
        if let Some(found) = tuning.and_then(|tuning| tuning.compile_found(program, name, options)) {
            return Ok((found, None));
        }
        let compiled = match tier {
            Tier::Auto => program.compile_first(name, options),
            Tier::Quick => program.compile(name, jit::Options { quick: true, ..options }),
            Tier::Full => program.compile(name, options),
        };
        let compiled = compiled.map_err(|error| code_of_error(&error))?;
        let tuning = tuning.and_then(|tuning| KernelTuning::new(tuning, program, name, options, &compiled));
        Ok((compiled, tuning))
    }

    /// Gives compiled code the addresses of the module's variables.
    fn link(&self, compiled: Arc<Compiled>, tuning: Option<Arc<KernelTuning>>) -> Answer<Arc<Kernel>> {
        let globals = &self.module.globals;
        globals.add(Machine::get()?, &compiled.function_globals)?;
        let mut symbols = Vec::with_capacity(compiled.symbols.len());
        for (name, space) in &compiled.symbols {
            symbols.push(match space {
                AddressSpace::Global | AddressSpace::Const => match globals.find(name) {
                    Some(placed) => placed.address,
                    None => {
                        complain(format_args!("kernel {}: the variable {name} is not defined", self.info.name));
                        return Err(CUresult::CUDA_ERROR_NOT_FOUND);
                    }
                },
                _ => 0,
            });
        }
        let code = compiled.code();
        let name = self.info.name.as_str();
        let observer = self.observer(&compiled, &symbols)?;
        let services = Services {
            device_runtime: Some(self.module.device_runtime()),
            observer,
            tuner: tuning.map(|tuning| tuning as _),
        };
        // SAFETY: the compiler keeps to the contract, and the code stays in memory as long as `compiled`, which the kernel
        // owns.
        Ok(unsafe { Kernel::with_services(name, code, symbols, compiled, services) })
    }

    /// Who hears of what the kernel does, if it was compiled so.
    fn observer(&self, compiled: &Compiled, symbols: &[u64]) -> Answer<Option<Arc<dyn simt::KernelObserver>>> {
        let machine = Machine::get()?;
        let Some(meaning) = compiled.instrumentation.clone() else { return Ok(None) };
        let (name, program) = (self.info.name.as_str(), &self.module.program);
        if let Some(checker) = &machine.checker {
            let variables = self.module.globals.variables();
            return Ok(Some(KernelChecker::new(checker, name, meaning, program.text(), variables, symbols)));
        }
        let counted = machine.counters.as_ref();
        Ok(counted.map(|collector| -> Arc<dyn simt::KernelObserver> {
            KernelCounters::new(collector, name, program.number(), meaning, program.text())
        }))
    }
}

impl Drop for Shape {
    /// A long list would otherwise be dropped recursively.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut shape) = next {
            next = shape.next.take();
        }
    }
}
