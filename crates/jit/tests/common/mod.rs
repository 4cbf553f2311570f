//! What the tests of random programs share: PTX text on its way to both implementations, and a device.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use simt::arena::Purpose;
use simt::{Domain, DomainConfig, Engine, EngineConfig, Kernel, KernelObserver, Launch, Services, Stream};
use simt_interp::random::{Case, NanRule, interpret, interpret_counted};
use simt_ir::instrument::{Instrumentation, Mark};
use simt_ir::{BinaryOp, Instruction, Op, Program, SpecialRegister, Type};
use simt_llvm::{Compiler, CpuLevel, Options};

/// Makes an observer of what the numbers in instrumented code mean.
pub type MakeObserver<'a> = &'a mut dyn FnMut(&Instrumentation) -> Arc<dyn KernelObserver>;

/// A device to run code on. Each case gets a domain of its own, so that a fault stays with the case that made it.
pub struct Device {
    engine: Engine,
    compiler: Compiler,
    level: CpuLevel,
    quick: bool,
    /// Programs compiled, and those of them that LLVM made the machine code of.
    made: [AtomicUsize; 2],
}

#[allow(dead_code, reason = "each of the tests uses a part")]
impl Device {
    /// A device with one worker, whose code may use what `APEX_CPU` says.
    pub fn new() -> Self {
        let level = std::env::var("APEX_CPU").map_or(Ok(CpuLevel::Host), |text| text.parse());
        Self::of_level(level.expect("APEX_CPU is a level"))
    }

    /// A device with one worker, whose code may use the instructions of a level.
    pub fn of_level(level: CpuLevel) -> Self {
        let engine = Engine::new(EngineConfig { workers: 1, ..EngineConfig::default() });
        let compiler = Compiler::new(level);
        Self {
            engine: engine.expect("the system gives the engine its address ranges"),
            compiler,
            level,
            quick: false,
            made: Default::default(),
        }
    }

    /// The same with code that is otherwise made on Zen 5 alone.
    pub fn like_zen5(self) -> Self {
        Self { compiler: self.compiler.like_zen5(), ..self }
    }

    /// The same with code that is made in little time.
    pub fn quickly(self) -> Self {
        Self { quick: true, ..self }
    }

    /// How many programs were compiled, and of how many of them LLVM made the machine code.
    pub fn made(&self) -> [usize; 2] {
        self.made.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Whether code multiplies and adds in one instruction. Where not, it calls a function for each lane, and LLVM takes minutes for a kernel
    /// that does little else.
    pub fn has_fma(&self) -> bool {
        self.level != CpuLevel::V2
    }

    fn place(&self, words: &[u64]) -> u64 {
        let bytes = (words.len() * 8).max(8) as u64;
        let address = self.engine.arena().allocate(bytes, Purpose::Device, None).expect("there is memory");
        // SAFETY: the allocation was just made with this size, and nobody else knows it.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), address as *mut u64, words.len()) };
        address
    }

    /// Runs a program on a case's inputs, warp by warp; its outputs.
    ///
    /// # Errors
    ///
    /// The compiler's, the engine's, or the kernel's fault.
    pub fn run<C>(
        &self,
        program: &Program,
        case: &Case<C>,
        symbols: &[(String, Vec<u8>)],
        specialised: bool,
    ) -> Result<Vec<u64>, String> {
        self.run_as(program, case, symbols, specialised, None)
    }

    /// As [`Device::run`]; with an observer, which is made of what the code's numbers mean, code is instrumented.
    fn run_as<C>(
        &self,
        program: &Program,
        case: &Case<C>,
        symbols: &[(String, Vec<u8>)],
        specialised: bool,
        observer: Option<MakeObserver<'_>>,
    ) -> Result<Vec<u64>, String> {
        let block = [case.threads, 1, 1];
        let options = Options {
            block: specialised.then_some(block),
            small_grid: specialised,
            lanes: Some(32),
            instrument: observer.is_some(),
            quick: self.quick,
            ..Options::default()
        };
        self.run_with(program, case, symbols, block, &options, observer).map(|(output, _)| output)
    }

    /// As [`Device::run`], with threads in rows of `width` and the warps of a block in teams as large as can be; also, how many lanes
    /// that were.
    ///
    /// # Errors
    ///
    /// As [`Device::run`].
    pub fn run_in_teams<C>(
        &self,
        program: &Program,
        case: &Case<C>,
        symbols: &[(String, Vec<u8>)],
        width: u32,
    ) -> Result<(Vec<u64>, u32), String> {
        let block = [width, case.threads / width, 1];
        let options = Options { block: Some(block), small_grid: true, lanes: Some(256), ..Options::default() };
        self.run_with(&in_rows(program, block), case, symbols, block, &options, None)
    }

    fn run_with<C>(
        &self,
        program: &Program,
        case: &Case<C>,
        symbols: &[(String, Vec<u8>)],
        block: [u32; 3],
        options: &Options,
        observer: Option<MakeObserver<'_>>,
    ) -> Result<(Vec<u64>, u32), String> {
        let object = self.compiler.compile_object(program, options).map_err(|error| error.to_string())?;
        let by_llvm = object.steps.iter().any(|step| step.name == "code generation");
        self.made[0].fetch_add(1, Ordering::Relaxed);
        self.made[1].fetch_add(usize::from(by_llvm), Ordering::Relaxed);
        let compiled = Compiler::load(&object.bytes, object.code).map_err(|error| error.to_string())?;
        let domain: Arc<Domain> = self.engine.domain(DomainConfig::default());
        let stream: Arc<Stream> = self.engine.stream(&domain, 0).map_err(|error| error.to_string())?;
        let code = compiled.code;
        let place = |name: &str| match symbols.iter().find(|(known, _)| known == name) {
            Some((_, bytes)) => {
                let words = bytes.chunks(8).map(|chunk| {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    u64::from_le_bytes(word)
                });
                self.place(&words.collect::<Vec<u64>>())
            }
            None => 0,
        };
        let symbols: Vec<u64> = program.symbols.iter().map(|symbol| place(&symbol.name)).collect();
        let owner = Arc::new(compiled);
        // SAFETY: the code was made for this contract and is kept by the kernel; observers count in as many words as it says.
        let kernel = unsafe {
            match observer.zip(object.instrumentation) {
                Some((observer, meaning)) => {
                    let services = Services { observer: Some(observer(&meaning)), ..Services::default() };
                    Kernel::with_services("k", code, symbols, owner, services)
                }
                None => Kernel::new("k", code, symbols, owner),
            }
        };
        let input = self.place(&case.inputs);
        let output = self.place(&vec![0; case.output_len()]);
        let parameters: Vec<u8> = [input, output].iter().flat_map(|address| address.to_le_bytes()).collect();
        let launch = Launch { stack_bytes: 64 << 10, ..Launch::new(&kernel, [case.blocks, 1, 1], block, &parameters) };
        stream.launch(&launch).map_err(|error| error.to_string())?;
        stream.synchronize();
        // SAFETY: the buffer has this length, and the stream is idle.
        let words = unsafe { std::slice::from_raw_parts(output as *const u64, case.output_len()) }.to_vec();
        self.engine.arena().free(input, &[Purpose::Device]);
        self.engine.arena().free(output, &[Purpose::Device]);
        match domain.fault() {
            Some(fault) => Err(format!("{fault:?}")),
            None => Ok((words, code.lanes)),
        }
    }
}

/// A program for a block of one row, made for one of several rows: what it takes for the index in x is the thread's number.
fn in_rows(program: &Program, block: [u32; 3]) -> Program {
    let mut program = program.clone();
    for function in &mut program.functions {
        for id in function.block_ids() {
            let mut instructions = Vec::new();
            for instruction in std::mem::take(&mut function.block_mut(id).instructions) {
                let mut add = |op: Op| {
                    let result = function.new_value(Type::I32);
                    instructions.push(Instruction { op, results: vec![result], line: instruction.line });
                    result
                };
                let op = match &instruction.op {
                    Op::Special(SpecialRegister::TidX) => {
                        let (x, y) = (add(Op::Special(SpecialRegister::TidX)), add(Op::Special(SpecialRegister::TidY)));
                        let width = add(Op::Const { ty: Type::I32, bits: block[0].into() });
                        let row = add(Op::Binary { op: BinaryOp::Mul, ty: Type::I32, a: y, b: width });
                        Op::Binary { op: BinaryOp::Add, ty: Type::I32, a: row, b: x }
                    }
                    Op::Special(SpecialRegister::NtidX) => {
                        Op::Const { ty: Type::I32, bits: u64::from(block[0] * block[1]) }
                    }
                    op => op.clone(),
                };
                instructions.push(Instruction { op, ..instruction });
            }
            function.block_mut(id).instructions = instructions;
        }
    }
    program
}

type Lower =
    fn(&ptx::ast::Module, &str) -> Result<(Program, Vec<ptx::lowering::GlobalSymbol>), ptx::lowering::LowerError>;

/// A case of PTX text, lowered.
pub struct Lowered {
    case: Case<String>,
    program: Program,
    /// Global variables with their initial values.
    symbols: Vec<(String, Vec<u8>)>,
}

#[allow(dead_code, reason = "each of the tests uses a part")]
impl Lowered {
    /// Lowers and verifies a case.
    ///
    /// # Errors
    ///
    /// What the parser, the lowering or the verifier says.
    pub fn new(case: Case<String>) -> Result<Self, String> {
        Self::lower(case, ptx::lowering::lower_kernel)
    }

    /// As [`Lowered::new`], with a mark for each instruction.
    ///
    /// # Errors
    ///
    /// As [`Lowered::new`].
    pub fn marked(case: Case<String>) -> Result<Self, String> {
        Self::lower(case, ptx::lowering::lower_kernel_marked)
    }

    fn lower(case: Case<String>, lower: Lower) -> Result<Self, String> {
        let module = ptx::ast::Module::parse(&case.code).map_err(|error| error.to_string())?;
        let (program, _) = lower(&module, "k").map_err(|error| error.to_string())?;
        simt_ir::verify(&program).map_err(|error| error.to_string())?;
        let symbols = ptx::lowering::global_symbols(&module)
            .into_iter()
            .map(|symbol| {
                let mut bytes = symbol.data;
                bytes.resize(symbol.size as usize, 0);
                (symbol.name, bytes)
            })
            .collect();
        Ok(Self { case, program, symbols })
    }

    /// The case.
    pub fn case(&self) -> &Case<String> {
        &self.case
    }

    /// The case with its program in place of the text, and the global variables.
    pub fn into_program(self) -> (Case<Program>, Vec<(String, Vec<u8>)>) {
        let Case { blocks, threads, input_words, output_words, scratch_words, inputs, checks, .. } = self.case;
        let case =
            Case { code: self.program, blocks, threads, input_words, output_words, scratch_words, inputs, checks };
        (case, self.symbols)
    }

    /// The interpreter's output.
    ///
    /// # Errors
    ///
    /// The interpreter's.
    pub fn interpret(&self) -> Result<Vec<u64>, String> {
        interpret(&self.program, &self.case, &self.symbols).map_err(|error| format!("interpreter: {error}"))
    }

    /// The compiled code's output.
    ///
    /// # Errors
    ///
    /// As [`Device::run`].
    pub fn run(&self, device: &Device, specialised: bool) -> Result<Vec<u64>, String> {
        device.run(&self.program, &self.case, &self.symbols, specialised)
    }

    /// The interpreter's output, and how often lanes came by each mark.
    ///
    /// # Errors
    ///
    /// The interpreter's.
    pub fn interpret_counted(&self) -> Result<(Vec<u64>, BTreeMap<Mark, u64>), String> {
        let run = interpret_counted(&self.program, &self.case, &self.symbols);
        run.map(|(output, summary)| (output, summary.marks)).map_err(|error| format!("interpreter: {error}"))
    }

    /// The output of instrumented code.
    ///
    /// # Errors
    ///
    /// As [`Device::run`].
    pub fn run_observed(
        &self,
        device: &Device,
        specialised: bool,
        observer: MakeObserver<'_>,
    ) -> Result<Vec<u64>, String> {
        device.run_as(&self.program, &self.case, &self.symbols, specialised, Some(observer))
    }

    /// Asserts that the interpreter and compiled code, a warp at a time and in teams with rows of these widths, give what is expected; without
    /// expectations, what the interpreter gives. `name` is for the message.
    pub fn assert_same_everywhere(&self, device: &Device, widths: &[u32], expected: Option<&[u64]>, name: &str) {
        let interpreted = self.interpret().expect("it ends");
        let expected = expected.unwrap_or(&interpreted);
        let same = |actual: &[u64], what: &str| {
            let compared = self.case().compare(expected, actual, NanRule::Exact);
            compared.unwrap_or_else(|mismatch| panic!("{name}, {what}: {mismatch}"));
        };
        same(&interpreted, "interpreted");
        same(&self.run(device, true).expect("it runs"), "a warp at a time");
        for &width in widths {
            let (actual, lanes) = self.run_in_teams(device, width).expect("it runs");
            same(&actual, &format!("rows of {width}, {lanes} lanes"));
        }
    }

    /// The compiled code's output where warps are computed together; also, how many lanes.
    ///
    /// # Errors
    ///
    /// As [`Device::run`].
    pub fn run_in_teams(&self, device: &Device, width: u32) -> Result<(Vec<u64>, u32), String> {
        device.run_in_teams(&self.program, &self.case, &self.symbols, width)
    }
}
