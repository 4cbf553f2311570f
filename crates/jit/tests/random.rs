//! Compiled code and the interpreter agree on random programs: in IR, and as PTX text.
//!
//! 200 programs a family; 10 000 with `APEX_TEST_LONG=1`. `APEX_TEST_CASES=n` runs n, `APEX_TEST_SEED=n` the one seed, `APEX_TEST_FAMILY=name` one family.

use std::sync::Arc;

use simt::arena::Purpose;
use simt::{Domain, DomainConfig, Engine, EngineConfig, Kernel, Launch, Stream};
use simt_interp::random::{Case, Family, NanRule, interpret, program};
use simt_interp::random_ptx;
use simt_ir::Program;
use simt_llvm::{Compiler, Options};

/// A device to run code on. Each case gets a domain of its own, so that a fault stays with the case that made it.
struct Device {
    engine: Engine,
    compiler: Compiler,
}

impl Device {
    fn new() -> Self {
        let engine = Engine::new(EngineConfig { workers: 1, ..EngineConfig::default() });
        Self { engine: engine.expect("the system gives the engine its address ranges"), compiler: Compiler::new() }
    }

    fn place(&self, words: &[u64]) -> u64 {
        let bytes = (words.len() * 8).max(8) as u64;
        let address = self.engine.arena().allocate(bytes, Purpose::Device, None).expect("there is memory");
        // SAFETY: the allocation was just made with this size, and nobody else knows it.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), address as *mut u64, words.len()) };
        address
    }

    /// Runs a program on a case's inputs; its outputs.
    fn run<C>(
        &self,
        program: &Program,
        case: &Case<C>,
        symbols: &[(String, Vec<u8>)],
        specialised: bool,
    ) -> Result<Vec<u64>, String> {
        let block = [case.threads, 1, 1];
        let options = Options { block: specialised.then_some(block), small_grid: specialised };
        let compiled = self.compiler.compile(program, &options).map_err(|error| error.to_string())?;
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
        // SAFETY: the code was made for this contract and is kept by the kernel.
        let kernel = unsafe { Kernel::new("k", code, symbols, Arc::new(compiled)) };
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
            None => Ok(words),
        }
    }
}

fn seeds() -> std::ops::Range<u64> {
    if let Some(seed) = std::env::var("APEX_TEST_SEED").ok().and_then(|text| text.parse::<u64>().ok()) {
        return seed..seed + 1;
    }
    if let Some(count) = std::env::var("APEX_TEST_CASES").ok().and_then(|text| text.parse::<u64>().ok()) {
        return 0..count;
    }
    0..if std::env::var_os("APEX_TEST_LONG").is_some() { 10_000 } else { 200 }
}

fn wanted(family: Family) -> bool {
    std::env::var("APEX_TEST_FAMILY").map_or(true, |name| format!("{family:?}").eq_ignore_ascii_case(&name))
}

/// Compares all seeds of a family; the report names what to repeat.
fn check(family: Family, case: impl Fn(u64) -> Result<(), String>) {
    if !wanted(family) {
        return;
    }
    let mut failures = Vec::new();
    let mut count = 0;
    for seed in seeds() {
        count += 1;
        if let Err(text) = case(seed) {
            failures.push(format!("APEX_TEST_FAMILY={family:?} APEX_TEST_SEED={seed}: {text}"));
        }
    }
    let shown: Vec<&String> = failures.iter().take(5).collect();
    assert!(failures.is_empty(), "{} of {count} cases of {family:?} differ: {shown:#?}", failures.len());
}

fn compare_ir(family: Family) {
    let device = Device::new();
    check(family, |seed| {
        let case = program(family, seed);
        let expected = case.interpret().map_err(|error| format!("interpreter: {error}"))?;
        let actual = device.run(&case.code, &case, &[], seed % 4 != 0)?;
        case.compare(&expected, &actual, NanRule::AnyDoubleNan).map_err(|mismatch| mismatch.to_string())
    });
}

fn compare_ptx(family: Family) {
    let device = Device::new();
    check(family, |seed| {
        let case = random_ptx::module(family, seed);
        let module = ptx::ast::Module::parse(&case.code).map_err(|error| error.to_string())?;
        let (program, _) = ptx::lowering::lower_kernel(&module, "k").map_err(|error| error.to_string())?;
        simt_ir::verify(&program).map_err(|error| error.to_string())?;
        let symbols: Vec<(String, Vec<u8>)> = ptx::lowering::global_symbols(&module)
            .into_iter()
            .map(|symbol| {
                let mut bytes = symbol.data;
                bytes.resize(symbol.size as usize, 0);
                (symbol.name, bytes)
            })
            .collect();
        let expected = interpret(&program, &case, &symbols).map_err(|error| format!("interpreter: {error}"))?;
        let actual = device.run(&program, &case, &symbols, seed % 4 != 0)?;
        case.compare(&expected, &actual, NanRule::AnyDoubleNan).map_err(|mismatch| mismatch.to_string())
    });
}

macro_rules! families {
    ($($name:ident $family:ident,)*) => {
        mod ir {
            use super::*;
            $(#[test] fn $name() { compare_ir(Family::$family) })*
        }
        mod ptx_text {
            use super::*;
            $(#[test] fn $name() { compare_ptx(Family::$family) })*
            #[test]
            fn no_family_is_left_out() {
                assert_eq!([$(Family::$family),*].len(), Family::ALL.len());
            }
        }
    };
}

families! {
    integer Integer,
    logic Logic,
    dot Dot,
    compare Compare,
    convert Convert,
    float32 Float32,
    float64 Float64,
    half Half,
    approximate Approximate,
    warp Warp,
    control_flow ControlFlow,
    memory Memory,
    atomics Atomics,
}
