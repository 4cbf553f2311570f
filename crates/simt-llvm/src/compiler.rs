//! From a program to loaded machine code.

use std::borrow::Cow;

use simt_ir::abi::{ExecutionMode, KernelCode};
use simt_ir::analysis::LaunchShape;
use simt_ir::instrument::Instrumentation;
use simt_ir::{Program, pass};

use crate::baseline;
use crate::cpu::{Cpu, CpuLevel};
use crate::emit::{self, EmittedKernel, Purpose, Target};
use crate::llvm::{Ir, Lent, Machines, Registers};
use crate::report::Report;
use crate::steps::{Step, StepClock};
use crate::{Error, object};

/// LLVM's passes, in order. The code comes with its vectors made: what is wanted is registers instead of slots, folding of masks,
/// and loops without what does not change in them. `instcombine` takes more time than all others together: it runs once before
/// the loops and once at the end, and two more runs in between change next to nothing.
const PIPELINE: &str = "function(sroa<modify-cfg>),always-inline,function(sroa<modify-cfg>,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,\
    jump-threading,correlated-propagation,simplifycfg,reassociate,loop-mssa(loop-rotate,licm),\
    gvn,sccp,jump-threading,dse,loop-mssa(licm),simplifycfg,instcombine<no-verify-fixpoint>),globaldce";

/// The passes for baseline code: what takes slots away, and what is computed twice.
const BASELINE_PIPELINE: &str = "always-inline,function(sroa<modify-cfg>,early-cse,adce),globaldce";

/// What making baseline code is called among the steps.
const BASELINE_STEP: &str = "baseline code";

/// The passes for code that is to be there soon where there is no baseline code, and for very large kernels: what takes slots and dead code away, and no more.
const QUICK_PIPELINE: &str = "always-inline,function(sroa<modify-cfg>,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,simplifycfg),globaldce";

/// LLVM's instructions in a basic block, as emitted, from which on code is made in the quick way: LLVM's scheduler and register allocator
/// would take many seconds. And in all blocks together, which each cost less.
const QUICK_FROM_IN_BLOCK: usize = 16_000;
const QUICK_FROM: usize = 32_000;

/// Most lanes that quick code computes together, unless it is told how many: time and size grow with them. Baseline code's masks are words
/// of so many.
const QUICK_LANES_MAX: u32 = 64;

/// How a kernel is to be compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Options {
    /// Size of a block to specialise on; `None` makes code for any size.
    pub block: Option<[u32; 3]>,
    /// Whether every launch has fewer than 2^31 threads in each dimension.
    pub small_grid: bool,
    /// Whether the program has registered host memory, which lies outside of the arena.
    pub host_memory: bool,
    /// Lanes to compute together, where the kernel allows for so many; `None` leaves it to the compiler.
    pub lanes: Option<u32>,
    /// Whether the code tells an observer what it does (`simt_ir::instrument`), one warp in a function. Such a program has a mark for each
    /// instruction that is to be counted.
    pub instrument: bool,
    /// Whether the code is to be there soon, rather than to be fast. What it computes is the same.
    pub quick: bool,
}

/// Text forms of a kernel on its way, for people.
#[derive(Clone, Debug)]
pub struct Stages {
    /// The IR after its passes.
    pub ir: String,
    /// LLVM IR as it is emitted.
    pub llvm: String,
    /// LLVM IR after LLVM's passes.
    pub optimized: String,
    /// Assembly.
    pub assembly: String,
    /// Lanes that are computed together.
    pub lanes: u32,
    /// How long each step took, in order.
    pub steps: Vec<Step>,
}

/// Machine code of a kernel, loaded.
#[derive(Debug)]
pub struct CompiledKernel {
    /// What the engine needs. Valid as long as this value lives.
    pub code: KernelCode,
    loaded: object::Loaded,
}

/// Machine code of a kernel, as an object file.
#[derive(Debug)]
pub struct Object {
    /// The file.
    pub bytes: Vec<u8>,
    /// What the engine needs; `entry` is not yet set.
    pub code: KernelCode,
    /// What the numbers in instrumented code mean.
    pub instrumentation: Option<Instrumentation>,
    /// LLVM's instructions, as emitted.
    pub instructions: usize,
    /// Whether faster code can be made by taking more time: not of very large kernels.
    pub could_be_faster: bool,
    /// How long each step took, in order.
    pub steps: Vec<Step>,
}

impl CompiledKernel {
    /// Where the code lies in memory.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.loaded.range()
    }
}

/// How machine code is made of a module.
struct Way<'a> {
    machine: Lent<'a>,
    /// Instructions as emitted.
    instructions: usize,
    /// Too large for anything but the quick way.
    is_very_large: bool,
    /// In little time.
    is_quick: bool,
    target: Target,
}

impl Way<'_> {
    /// Runs LLVM's passes. Whether the code was then ordered by slices of the warp.
    fn run_passes(&self, ir: &Ir) -> Result<bool, Error> {
        if self.is_quick {
            self.machine.run_passes(ir, QUICK_PIPELINE)?;
            return Ok(false);
        }
        self.machine.run_passes(ir, PIPELINE)?;
        ir.sink_to_slow_paths();
        ir.place_indices();
        self.machine.run_passes(ir, "function(dce)")?;
        let registers = Registers { bits: self.target.register_bits(), count: self.target.registers() };
        let sliced = ir.is_crowded(registers);
        if sliced {
            ir.order_by_slices(&self.machine, registers)?;
        }
        Ok(sliced)
    }
}

/// Compiles programs for this machine. It may be used by many threads.
pub struct Compiler {
    cpu: Cpu,
    machines: Machines,
}

impl Compiler {
    /// A compiler for the CPU this runs on, as far as `level` lets it use it.
    pub fn new(level: CpuLevel) -> Self {
        let cpu = Cpu::of(level);
        let machines = Machines::new(&cpu.name, &cpu.features);
        Self { cpu, machines }
    }

    /// The same, with code that is otherwise made on Zen 5 alone: so that tests see it anywhere.
    pub fn like_zen5(mut self) -> Self {
        self.cpu.target.zen5 = true;
        self
    }

    /// What the machine code depends on besides program and options: for keys of a cache.
    pub fn fingerprint(&self) -> String {
        format!("{} {} {} llvm19", env!("CARGO_PKG_VERSION"), self.cpu.name, self.cpu.features)
    }

    /// Compiles and loads a kernel.
    pub fn compile(&self, program: &Program, options: &Options) -> Result<CompiledKernel, Error> {
        let object = self.compile_object(program, options)?;
        Self::load(&object.bytes, object.code)
    }

    /// Compiles a kernel to an object file.
    pub fn compile_object(&self, program: &Program, options: &Options) -> Result<Object, Error> {
        let mut clock = StepClock::start();
        let prepared = prepare(program, options);
        clock.end("passes");
        let (ir, kernel) = self.emit(&prepared, options, false, &mut clock)?;
        let baseline = if options.quick { self.baseline(&ir, &mut clock)? } else { None };
        if let Some(bytes) = baseline {
            return Ok(Object {
                bytes,
                code: code_of(&kernel, program),
                instrumentation: kernel.instrumentation,
                instructions: ir.instruction_counts().0,
                could_be_faster: true,
                steps: clock.into_steps(),
            });
        }
        let way = self.way_of(&ir, options)?;
        way.run_passes(&ir)?;
        clock.end("LLVM's passes");
        let code = code_of(&kernel, program);
        let bytes = way.machine.object(&ir)?;
        drop(ir);
        clock.end("code generation");
        let instructions = way.instructions;
        Ok(Object {
            bytes,
            code,
            instrumentation: kernel.instrumentation,
            instructions,
            could_be_faster: options.quick && !way.is_very_large,
            steps: clock.into_steps(),
        })
    }

    /// Baseline code, where the processor and the kernel allow for it.
    fn baseline(&self, ir: &Ir, clock: &mut StepClock) -> Result<Option<Vec<u8>>, Error> {
        if !self.cpu.target.avx512 {
            return Ok(None);
        }
        self.machines.lend(true)?.run_passes(ir, BASELINE_PIPELINE)?;
        clock.end("LLVM's passes");
        let object = baseline::object(ir, emit::ENTRY_NAME).ok();
        clock.end(BASELINE_STEP);
        Ok(object)
    }

    /// The numbers of lanes that a kernel can be computed with, the fewest first.
    pub fn lane_choices(&self, program: &Program, options: &Options) -> Vec<u32> {
        let launch = launch_shape(options);
        let mut prepared = program.clone();
        pass::prepare(&mut prepared, launch);
        emit::lane_choices(&prepared, launch)
    }

    /// What was decided about a kernel, with reasons.
    pub fn report(&self, program: &Program, options: &Options) -> Result<Report, Error> {
        let (ir, kernel) = self.emit(&prepare(program, options), options, true, &mut StepClock::start())?;
        let way = self.way_of(&ir, options)?;
        let sliced = way.run_passes(&ir)?;
        Ok(Report {
            block: options.block,
            register_bits: self.cpu.target.register_bits(),
            suspendable: kernel.mode == ExecutionMode::Suspendable,
            frame_bytes: kernel.frame_bytes,
            local_bytes: kernel.local_bytes,
            shared_bytes: program.shared_bytes,
            llvm_instructions: way.instructions,
            reduced_passes: way.is_quick,
            sliced,
            functions: kernel.notes,
        })
    }

    /// Loads an object file that [`Compiler::compile_object`] made, in this or another process.
    pub fn load(object: &[u8], code: KernelCode) -> Result<CompiledKernel, Error> {
        let loaded = object::load(object, emit::ENTRY_NAME)?;
        Ok(CompiledKernel { code: KernelCode { entry: loaded.entry(), ..code }, loaded })
    }

    /// All text forms of a kernel.
    pub fn stages(&self, program: &Program, options: &Options) -> Result<Stages, Error> {
        let mut clock = StepClock::start();
        let prepared = prepare(program, options);
        clock.end("passes");
        let (ir, kernel) = self.emit(&prepared, options, false, &mut clock)?;
        let llvm = ir.text();
        let way = self.way_of(&ir, options)?;
        let mut clock = clock.resume();
        way.run_passes(&ir)?;
        clock.end("LLVM's passes");
        let optimized = ir.text();
        let mut clock = clock.resume();
        let assembly = way.machine.assembly(&ir)?;
        clock.end("code generation");
        Ok(Stages {
            ir: prepared.to_string(),
            llvm,
            optimized,
            assembly,
            lanes: kernel.lanes,
            steps: clock.into_steps(),
        })
    }

    fn way_of(&self, ir: &Ir, options: &Options) -> Result<Way<'_>, Error> {
        let (instructions, largest) = ir.instruction_counts();
        let is_very_large = instructions > QUICK_FROM || largest > QUICK_FROM_IN_BLOCK;
        let is_quick = options.quick || is_very_large;
        let machine = self.machines.lend(is_quick)?;
        Ok(Way { machine, instructions, is_very_large, is_quick, target: self.cpu.target })
    }

    /// Makes LLVM's IR of a prepared program.
    fn emit(
        &self,
        prepared: &Program,
        options: &Options,
        explain: bool,
        clock: &mut StepClock,
    ) -> Result<(Ir, EmittedKernel), Error> {
        let mut launch = launch_shape(options);
        let wanted = if options.instrument { Some(simt_ir::WARP_SIZE) } else { options.lanes };
        launch.lanes = emit::choose_lanes(prepared, launch, self.cpu.target, wanted);
        if options.quick && options.lanes.is_none() && launch.lanes > QUICK_LANES_MAX {
            launch.lanes = simt_ir::WARP_SIZE;
        }
        // What is counted is counted where it stands, and what is made in haste stays short.
        let mut prepared = Cow::Borrowed(prepared);
        if !options.quick && !options.instrument {
            pass::copy_for_agreement(prepared.to_mut(), launch);
        }
        if cfg!(debug_assertions) {
            simt_ir::verify(&prepared).map_err(Error::Malformed)?;
        }
        let ir = Ir::new(&prepared.kernel().name);
        self.machines.lend(false)?.adopt(&ir);
        let purpose =
            Purpose { host_memory: options.host_memory, instrument: options.instrument, explain, quick: options.quick };
        let kernel = emit::emit_program(&ir, &prepared, launch, self.cpu.target, purpose)?;
        clock.end("emission");
        // Malformed code would take the process down inside LLVM.
        ir.verify().map_err(Error::Llvm)?;
        clock.end("verification");
        Ok((ir, kernel))
    }
}

/// What the engine has to know, but for the entry.
fn code_of(kernel: &EmittedKernel, program: &Program) -> KernelCode {
    KernelCode {
        entry: 0,
        mode: kernel.mode,
        lanes: kernel.lanes,
        frame_bytes: kernel.frame_bytes,
        local_bytes: kernel.local_bytes,
        needs_stack: kernel.needs_stack,
        shared_bytes: program.shared_bytes,
    }
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new(CpuLevel::Host)
    }
}

/// The program after the passes on it.
fn prepare(program: &Program, options: &Options) -> Program {
    let mut prepared = program.clone();
    pass::prepare(&mut prepared, launch_shape(options));
    prepared
}

fn launch_shape(options: &Options) -> LaunchShape {
    LaunchShape { block: options.block, small_grid: options.small_grid, ..LaunchShape::default() }
}
