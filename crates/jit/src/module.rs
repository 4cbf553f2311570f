//! Modules and their kernels.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ptx::lowering::{
    GlobalSymbol, KernelParameter, Library, global_symbols, kernel_parameters, lower_kernel, lower_kernel_marked,
};
use simt_ir::abi::KernelCode;
use simt_ir::instrument::Instrumentation;
use simt_ir::{AddressSpace, Program};
use simt_llvm::{CompiledKernel, Compiler, CpuLevel, Options, Report, Stages, StepClock};

use crate::cache::{Cache, CacheConfig};
use crate::dump::{Stage, dump, has_texts};
use crate::record::Record;
use crate::resources::KernelResources;
use crate::times::{self, Source};

/// Block sizes a kernel is specialised on before code for any size is made.
const SPECIALISED_SIZES_MAX: usize = 16;

/// Why a module could not be loaded or a kernel not compiled. Prints as a message for people.
#[derive(Clone, Debug)]
pub enum Error {
    /// The PTX is wrong: line, column and reason.
    Syntax(String),
    /// The module has no such kernel.
    NoSuchKernel(String),
    /// The kernel uses something that is not implemented; the text names kernel, line and instruction.
    Unsupported(String),
    /// The code generator failed.
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Syntax(text) | Error::Unsupported(text) | Error::Internal(text) => f.write_str(text),
            Error::NoSuchKernel(name) => write!(f, "the module has no kernel {name}"),
        }
    }
}

impl std::error::Error for Error {}

/// How modules are compiled.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The cache on disk.
    pub cache: CacheConfig,
    /// The instructions that machine code may use; of all modules of a process the first one's counts.
    pub cpu: CpuLevel,
    /// Stages that are written to files for each kernel compiled.
    pub dump: Vec<Stage>,
}

/// What is known of a kernel without compiling it.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelInfo {
    /// Name in the module (mangled).
    pub name: String,
    /// Parameters with their places in the parameter buffer.
    pub parameters: Vec<KernelParameter>,
    /// Bytes of the parameter buffer.
    pub parameter_bytes: u32,
    /// `.maxntid` or `.reqntid`: most threads of a block, if the kernel says so.
    pub max_threads: Option<u32>,
    /// `.reqntid`: the only size of a block allowed.
    pub required_block: Option<[u32; 3]>,
    /// `.reqnctapercluster`.
    pub required_cluster: Option<[u32; 3]>,
    /// `.maxnreg`.
    pub max_registers: Option<u32>,
}

/// Machine code of a kernel with what it refers to.
#[derive(Debug)]
pub struct Compiled {
    /// Keeps the code in memory; [`CompiledKernel::code`] is what the engine takes.
    pub kernel: CompiledKernel,
    /// For each symbol of the program its name in the module and its space. Global and const symbols need an address, in this order;
    /// others get 0.
    pub symbols: Vec<(String, AddressSpace)>,
    /// Variables declared inside functions, to be placed before the kernel is launched.
    pub function_globals: Vec<GlobalSymbol>,
    /// What the numbers in instrumented code mean; none for other code.
    pub instrumentation: Option<Arc<Instrumentation>>,
    /// Processor time that the compiler took, in this or an earlier process.
    pub compile_time: Duration,
    /// Whether this is quick code, and the compiler can make faster code of the kernel.
    pub could_be_faster: bool,
}

impl Compiled {
    /// What the engine needs to run the code.
    pub fn code(&self) -> KernelCode {
        self.kernel.code
    }
}

type Slot = Arc<OnceLock<Result<Arc<Compiled>, Error>>>;
type Lowered = Arc<(Program, Vec<GlobalSymbol>)>;
type LoweredSlot = Arc<OnceLock<Result<Lowered, Error>>>;

/// A module of PTX. It may be used by many threads; kernels are compiled by the thread that first wants them, different ones at the same time.
pub struct Module {
    ast: ptx::ast::Module,
    pub(crate) config: Config,
    text_hash: OnceLock<blake3::Hash>,
    /// Filled when device code launches a kernel.
    library: OnceLock<Option<Library>>,
    /// By name, and whether instructions are marked.
    lowered: Mutex<HashMap<(String, bool), LoweredSlot>>,
    compiled: Mutex<HashMap<(String, Options), Slot>>,
}

/// The compiler of this process: all modules have the same level.
pub(crate) fn compiler(level: CpuLevel) -> &'static Compiler {
    static COMPILER: OnceLock<Compiler> = OnceLock::new();
    COMPILER.get_or_init(|| Compiler::new(level))
}

impl Module {
    /// Parses a module's signatures and variables.
    pub fn from_ptx(text: &str, config: &Config) -> Result<Self, Error> {
        let mut clock = StepClock::start();
        let ast = ptx::ast::Module::parse(text).map_err(|error| Error::Syntax(error.to_string()))?;
        clock.end("parsing");
        let module = Self {
            ast,
            config: config.clone(),
            text_hash: OnceLock::new(),
            library: OnceLock::new(),
            lowered: Mutex::default(),
            compiled: Mutex::default(),
        };
        if config.dump.contains(&Stage::Times) {
            times::module(&config.dump, module.number(), module.kernels().len(), text.len(), clock.steps());
        }
        Ok(module)
    }

    /// Checks the bodies of all functions too, which are otherwise looked at when they are compiled. What is not known here is no error: a later
    /// PTX version may have it.
    pub fn check(&self) -> Result<(), Error> {
        match ptx::check::check_known(&self.ast).first() {
            Some(error) => Err(Error::Syntax(error.to_string())),
            None => Ok(()),
        }
    }

    /// Names of the kernels, in the order of the text.
    pub fn kernels(&self) -> Vec<String> {
        self.ast.kernels().map(|kernel| kernel.name.to_string()).collect()
    }

    /// Global and const variables at module scope.
    pub fn globals(&self) -> Vec<GlobalSymbol> {
        global_symbols(&self.ast)
    }

    /// `.target` of the module, `sm_75`.
    pub fn target(&self) -> Option<&str> {
        self.ast.targets.first().map(|name| name.as_str())
    }

    /// `.version` of the module as major, minor.
    pub fn version(&self) -> (u32, u32) {
        (self.ast.version.major, self.ast.version.minor)
    }

    /// What is known of a kernel from its declaration.
    pub fn kernel_info(&self, name: &str) -> Option<KernelInfo> {
        let function = self.ast.kernels().find(|kernel| kernel.name == name)?;
        let parameters = kernel_parameters(function);
        let parameter_bytes = parameters.last().map_or(0, |last| last.offset + last.size);
        let required_block = function.shape_directive("reqntid");
        let limit = required_block.or(function.shape_directive("maxntid"));
        Some(KernelInfo {
            name: name.to_string(),
            parameters,
            parameter_bytes,
            max_threads: limit.map(|size| size.iter().fold(1u32, |a, b| a.saturating_mul(*b))),
            required_block,
            required_cluster: function.shape_directive("reqnctapercluster"),
            max_registers: function.number_directive("maxnreg"),
        })
    }

    /// Name of the kernel with this device address, by which device code launches it.
    pub fn kernel_at(&self, address: u64) -> Option<&str> {
        let library = self.library.get_or_init(|| Library::new(vec![self.ast.clone()]).ok());
        Some(library.as_ref()?.kernel_at(address)?.name.as_str())
    }

    /// What a kernel needs of a multiprocessor. Parses and lowers its body.
    pub fn kernel_resources(&self, name: &str) -> Result<KernelResources, Error> {
        let lowered = self.lowered(name, false)?;
        Ok(KernelResources::of(&lowered.0))
    }

    pub(crate) fn lowered(&self, name: &str, marks: bool) -> Result<Lowered, Error> {
        if !self.ast.kernels().any(|kernel| kernel.name == name) {
            return Err(Error::NoSuchKernel(name.to_string()));
        }
        let slot = {
            let mut lowered = self.lowered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(lowered.entry((name.to_string(), marks)).or_default())
        };
        let lower = || if marks { lower_kernel_marked(&self.ast, name) } else { lower_kernel(&self.ast, name) };
        slot.get_or_init(|| lower().map(Arc::new).map_err(|error| Error::Syntax(error.to_string()))).clone()
    }

    /// Machine code of a kernel for launches of a kind. The first call for a kind compiles; others wait for it, or get the
    /// result at once.
    pub fn compile(&self, name: &str, options: Options) -> Result<Arc<Compiled>, Error> {
        let (options, slot) = self.slot(name, options);
        slot.get_or_init(|| self.compile_now(name, options).map(Arc::new)).clone()
    }

    /// Machine code of a kernel to begin with, for options that do not ask for quick code: what [`compile`](Module::compile) gives if that is in memory or
    /// on disk, otherwise quick code.
    pub fn compile_first(&self, name: &str, options: Options) -> Result<Arc<Compiled>, Error> {
        let (options, slot) = self.slot(name, options);
        if let Some(compiled) = slot.get() {
            return compiled.clone();
        }
        match self.find_in_cache(name, options) {
            Some(found) => slot.get_or_init(|| Ok(Arc::new(found))).clone(),
            // Variables within functions are placed for one translation.
            None if !self.lowered(name, options.instrument)?.1.is_empty() => self.compile(name, options),
            None => self.compile(name, Options { quick: true, ..options }),
        }
    }

    /// Where code for these options is kept in memory; for any size of block if there are many.
    fn slot(&self, name: &str, mut options: Options) -> (Options, Slot) {
        let mut compiled = self.compiled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sizes = compiled.keys().filter(|(kernel, kept)| kernel == name && kept.quick == options.quick).count();
        if sizes >= SPECIALISED_SIZES_MAX && !compiled.contains_key(&(name.to_string(), options)) {
            options.block = None;
        }
        (options, Arc::clone(compiled.entry((name.to_string(), options)).or_default()))
    }

    /// All text forms of a kernel on its way to machine code, with the time that each step took.
    pub fn stages(&self, name: &str, options: Options) -> Result<Stages, Error> {
        let lowered = self.lowered(name, options.instrument)?;
        compiler(self.config.cpu)
            .stages(&lowered.0, &options)
            .map_err(|error| Error::Internal(format!("kernel {name}: {error}")))
    }

    /// What is decided about a kernel while code is made of it.
    pub fn report(&self, name: &str, options: Options) -> Result<Report, Error> {
        let lowered = self.lowered(name, options.instrument)?;
        compiler(self.config.cpu)
            .report(&lowered.0, &options)
            .map_err(|error| Error::Internal(format!("kernel {name}: {error}")))
    }

    /// A number that another module hardly has, the same in each run: from the text.
    pub fn number(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.text_hash().as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    fn text_hash(&self) -> &blake3::Hash {
        self.text_hash.get_or_init(|| blake3::hash(self.ast.text().as_bytes()))
    }

    /// The module's text.
    pub fn text(&self) -> &str {
        self.ast.text()
    }

    /// The cache on disk, or else the compiler.
    pub(crate) fn compile_now(&self, name: &str, options: Options) -> Result<Compiled, Error> {
        match self.find_in_cache(name, options) {
            Some(found) => Ok(found),
            None => self.compile_anew(name, options),
        }
    }

    /// Tells how a kernel was made ready, where that is asked for.
    fn tell(&self, name: &str, options: &Options, source: Source, clock: &StepClock) {
        if self.config.dump.contains(&Stage::Times) {
            times::kernel(&self.config.dump, self.number(), name, options, source, clock.steps());
        }
    }

    /// What is on disk for these options.
    fn find_in_cache(&self, name: &str, options: Options) -> Option<Compiled> {
        if has_texts(&self.config.dump) {
            return None;
        }
        let mut clock = StepClock::start();
        let record = Record::decode(&Cache::new(&self.config.cache).read(&self.key(name, options))?)?;
        clock.end("looking into the cache");
        let kernel = Compiler::load(&record.object, record.code).ok()?;
        clock.end("loading");
        self.tell(name, &options, Source::Cache, &clock);
        Some(Compiled {
            kernel,
            symbols: record.symbols,
            function_globals: Vec::new(),
            instrumentation: record.instrumentation.map(Arc::new),
            compile_time: Duration::from_micros(record.compile_us.into()),
            could_be_faster: options.quick,
        })
    }

    fn compile_anew(&self, name: &str, options: Options) -> Result<Compiled, Error> {
        let mut clock = StepClock::start();
        let lowered = self.lowered(name, options.instrument)?;
        clock.end("parsing and lowering");
        let (program, function_globals) = &*lowered;
        if cfg!(debug_assertions) {
            simt_ir::verify(program).map_err(|error| Error::Internal(error.to_string()))?;
        }
        dump(&self.config.dump, compiler(self.config.cpu), self.ast.text(), program, &options);
        let compiled = compiler(self.config.cpu).compile_object(program, &options).map_err(|error| match error {
            simt_llvm::Error::Unsupported { .. } => Error::Unsupported(error.to_string()),
            other => Error::Internal(format!("kernel {name}: {other}")),
        })?;
        clock.append(&compiled.steps);
        let compile_time = compiled.steps.iter().map(|step| step.cpu).sum::<Duration>();
        let symbols: Vec<(String, AddressSpace)> =
            program.symbols.iter().map(|symbol| (symbol.name.clone(), symbol.space)).collect();
        let code = compiled.code;
        let record = Record {
            code,
            symbols,
            object: compiled.bytes,
            instrumentation: compiled.instrumentation,
            compile_us: u32::try_from(compile_time.as_micros()).unwrap_or(u32::MAX),
        };
        let kernel = Compiler::load(&record.object, code).map_err(|error| Error::Internal(error.to_string()))?;
        clock.end("loading");
        if function_globals.is_empty() {
            // What cannot be faster is as good as what takes more time.
            let key = self.key(name, Options { quick: compiled.could_be_faster, ..options });
            Cache::new(&self.config.cache).write(&key, &record.encode());
        }
        clock.end("writing to the cache");
        self.tell(name, &options, Source::Compiled(compiled.instructions), &clock);
        Ok(Compiled {
            kernel,
            symbols: record.symbols,
            function_globals: function_globals.clone(),
            instrumentation: record.instrumentation.map(Arc::new),
            compile_time,
            could_be_faster: compiled.could_be_faster,
        })
    }

    /// Everything that decides what the machine code is.
    pub(crate) fn key(&self, name: &str, options: Options) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.text_hash().as_bytes());
        hasher.update(format!("{name}\0{options:?}\0{}\0", compiler(self.config.cpu).fingerprint()).as_bytes());
        hasher.update(env!("APEX_CODE_VERSION").as_bytes());
        hasher.finalize()
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("kernels", &self.kernels()).finish_non_exhaustive()
    }
}
