//! Compiled code and the interpreter agree on tensors: what is in shared memory and in the tensor afterwards, and what they refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use simt::arena::Purpose;
use simt::{DomainConfig, Engine, EngineConfig, FaultKind, Kernel, Launch};
use simt_interp::{Allocations, CapturedRuntime};
use simt_ir::Program;
use simt_ir::tensor::{BoxShape, Element, Interleave, MAP_BYTES, Pixels, Swizzle, TensorMap};
use simt_llvm::{Compiler, Options};

const THREADS: u32 = 64;
const SHARED_BYTES: usize = 4096;
const TENSOR_BYTES: usize = 8192;

/// The line of the instruction in the text.
const LINE: u32 = 20;

fn module(instruction: &str) -> String {
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.shared .align 1024 .b8 box[{SHARED_BYTES}];\n\
         .visible .entry k(.param .align 64 .b8 map[128], .param .u64 input, .param .u64 output)\n{{\n\
         .reg .pred %p<3>; .reg .b32 %r<8>; .reg .b64 %q<8>; .shared .align 8 .b64 bar;\n\
         mov.u32 %r0, %tid.x; shl.b32 %r1, %r0, 2; cvt.u64.u32 %q3, %r1; mov.u32 %r2, box; add.u32 %r2, %r2, %r1;\n\
         ld.param.u64 %q0, [input]; ld.param.u64 %q1, [output]; add.u64 %q0, %q0, %q3; add.u64 %q1, %q1, %q3;\n\
         mov.u32 %r3, 0; mov.u32 %r4, %r2; setp.ne.u32 %p0, %r0, 0;\n\
         FILL: ld.global.u32 %r5, [%q0]; st.shared.u32 [%r4], %r5; add.u64 %q0, %q0, {step}; add.u32 %r4, %r4, {step};\n\
         add.u32 %r3, %r3, {step}; setp.lt.u32 %p1, %r3, {SHARED_BYTES}; @%p1 bra FILL;\n\
         @!%p0 mbarrier.init.shared.b64 [bar], 1;\n\
         bar.sync 0;\n\
         @%p0 bra WAIT;\n\
         mov.b64 %q4, map; cvta.param.u64 %q4, %q4;\n\
         mov.u32 %r6, 1; mov.u32 %r7, 2;\n\
         // The transactions are told when the copy is done.\n\
         \n\
         {instruction}\n\
         cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;\n\
         WAIT: bar.sync 0;\n\
         mov.u32 %r3, 0;\n\
         COPY: ld.shared.u32 %r5, [%r2]; st.global.u32 [%q1], %r5; add.u64 %q1, %q1, {step}; add.u32 %r2, %r2, {step};\n\
         add.u32 %r3, %r3, {step}; setp.lt.u32 %p1, %r3, {SHARED_BYTES}; @%p1 bra COPY;\n\
         ld.shared.u32 %r5, [bar+4]; st.global.u32 [%q1], %r5;\nret;\n}}\n",
        step = 4 * THREADS,
    );
    assert_eq!(text.lines().nth(LINE as usize - 1), Some(instruction));
    text
}

fn program(instruction: &str) -> Program {
    let module = ptx::ast::Module::parse(&module(instruction)).unwrap_or_else(|error| panic!("{error}"));
    let (program, _) = ptx::lowering::lower_kernel(&module, "k").unwrap_or_else(|error| panic!("{error}"));
    simt_ir::verify(&program).unwrap_or_else(|error| panic!("{error}"));
    program
}

fn matrix() -> TensorMap {
    TensorMap {
        element: Element::U32,
        rank: 2,
        address: 0,
        sizes: [30, 12, 1, 1, 1],
        strides: [128, 0, 0, 0],
        shape: BoxShape::Tile([8, 6, 0, 0, 0]),
        steps: [1; 5],
        interleave: Interleave::None,
        swizzle: Swizzle::None,
        nan_fill: false,
        promotion: 0,
    }
}

fn image() -> TensorMap {
    TensorMap {
        rank: 4,
        sizes: [8, 5, 4, 3, 1],
        strides: [32, 192, 768, 0],
        shape: BoxShape::Pixels(Pixels { lower: [0, 0, 0], upper: [-1, 0, 0], channels: 8, count: 14 }),
        ..matrix()
    }
}

/// What looks random.
fn bytes(count: usize, seed: u32) -> Vec<u8> {
    let mix = |number: u32| {
        let number = (number ^ number >> 16).wrapping_mul(0x7feb_352d);
        (number ^ number >> 15).wrapping_mul(0x846c_a68b)
    };
    (0..count as u32 / 4).flat_map(|index| mix(index + seed).to_le_bytes()).collect()
}

/// A kernel's parameters, with this map of a tensor at an address.
fn parameters(map: &TensorMap, tensor: u64, input: u64, output: u64) -> Vec<u8> {
    let map = TensorMap { address: tensor, ..*map }.encode();
    map.into_iter().chain([input, output].iter().flat_map(|word| word.to_le_bytes())).collect()
}

/// Output and tensor after a run of the interpreter; or the fault.
fn interpret(program: &Program, map: &TensorMap) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut memory = Allocations::default();
    let (input, tensor) = (memory.insert(bytes(SHARED_BYTES, 1)), memory.insert(bytes(TENSOR_BYTES, 70_000)));
    let output = memory.allocate(SHARED_BYTES + 4 * THREADS as usize);
    let params = parameters(map, tensor, input, output);
    let launch = simt_interp::Launch { block: [THREADS, 1, 1], params, symbols: BTreeMap::new(), ..Default::default() };
    simt_interp::run(program, &launch, &mut memory, &mut CapturedRuntime::default())
        .map_err(|error| error.to_string())?;
    let read = |address: u64| memory.bytes(address).expect("an allocation").to_vec();
    Ok((read(output), read(tensor)))
}

/// The same of compiled code.
fn execute(engine: &Engine, program: &Program, map: &TensorMap) -> Result<(Vec<u8>, Vec<u8>), Arc<simt::Fault>> {
    let block = [THREADS, 1, 1];
    let place = |bytes: &[u8]| {
        let address = engine.arena().allocate(bytes.len() as u64, Purpose::Device, None).expect("there is memory");
        // SAFETY: just allocated with this size.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        address
    };
    let (input, tensor) = (place(&bytes(SHARED_BYTES, 1)), place(&bytes(TENSOR_BYTES, 70_000)));
    let output_bytes = SHARED_BYTES + 4 * THREADS as usize;
    let output = place(&vec![0; output_bytes]);
    let options = Options { block: Some(block), small_grid: true, ..Options::default() };
    let compiled = Compiler::default().compile(program, &options).expect("it compiles");
    let (domain, code) = (engine.domain(DomainConfig::default()), compiled.code);
    let stream = engine.stream(&domain, 0).expect("a stream");
    // SAFETY: the code was made for this contract and is kept by the kernel.
    let kernel = unsafe { Kernel::new("k", code, [], Arc::new(compiled)) };
    let parameters = parameters(map, tensor, input, output);
    stream.launch(&Launch::new(&kernel, [1, 1, 1], block, &parameters)).expect("it is launched");
    stream.synchronize();
    if let Some(fault) = domain.fault() {
        return Err(fault);
    }
    let read = |address: u64, bytes: usize| {
        // SAFETY: allocated above with at least this size; the stream is idle.
        unsafe { std::slice::from_raw_parts(address as *const u8, bytes) }.to_vec()
    };
    Ok((read(output, output_bytes), read(tensor, TENSOR_BYTES)))
}

fn engine() -> Engine {
    Engine::new(EngineConfig { workers: 1, ..EngineConfig::default() }).expect("an engine")
}

const TILE: &str =
    "cp.async.bulk.tensor.2d.shared::cta.global.mbarrier::complete_tx::bytes [box], [%q4, {-4, %r7}], [bar];";

#[test]
fn compiled_code_and_the_interpreter_agree() {
    let floats = TensorMap { element: Element::TF32, nan_fill: true, ..matrix() };
    let swizzled = TensorMap { swizzle: Swizzle::Bytes64, ..matrix() };
    let cases: [(&str, TensorMap); 9] = [
        (TILE, matrix()),
        (TILE, floats),
        (TILE, swizzled),
        (
            "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [box+128], [%q4, {4, %r7}], [bar], 1;",
            matrix(),
        ),
        (
            "cp.async.bulk.tensor.4d.shared::cta.global.im2col.mbarrier::complete_tx::bytes [box], [%q4, {0, 2, 3, 0}], [bar], {1, 0};",
            image(),
        ),
        ("cp.async.bulk.tensor.4d.global.shared::cta.im2col_no_offs.bulk_group [%q4, {0, 2, 3, 0}], [box];", image()),
        ("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%q4, {28, 10}], [box+256];", swizzled),
        ("cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.bulk_group [%q4, {4, 1}], [box];", floats),
        ("cp.reduce.async.bulk.tensor.2d.global.shared::cta.min.bulk_group [%q4, {4, 1}], [box];", matrix()),
    ];
    let engine = engine();
    for (instruction, map) in cases {
        let program = program(instruction);
        let (interpreted, executed) = (interpret(&program, &map), execute(&engine, &program, &map));
        let (interpreted, executed) = (interpreted.expect("it is interpreted"), executed.expect("it is executed"));
        assert!(interpreted == executed, "they differ: {instruction}");
        let unchanged = (bytes(SHARED_BYTES, 1), bytes(TENSOR_BYTES, 70_000));
        assert!(
            executed.0[..SHARED_BYTES] != unchanged.0 || executed.1 != unchanged.1,
            "nothing happened: {instruction}"
        );
    }
}

#[test]
fn maps_are_replaced() {
    let engine = engine();
    let replace = "mov.u32 %r5, box; tensormap.replace.tile.box_dim.shared::cta.b1024.b32 [%r5], 0, 4;";
    let nothing = program(replace);
    let fault = execute(&engine, &nothing, &matrix()).unwrap_err();
    assert_eq!((fault.kind, fault.line), (FaultKind::InvalidTensor, Some(LINE)));
    assert!(fault.to_string().contains("no tensor map"), "{fault}");
    assert!(interpret(&nothing, &matrix()).unwrap_err().contains("no tensor map"));

    let copy = |at: usize| format!("ld.param.u64 %q6, [map+{at}]; st.shared.u64 [box+{at}], %q6; ");
    let mut copied: String = (0..MAP_BYTES).step_by(8).map(copy).collect();
    copied += replace;
    copied += " cvt.u64.u32 %q6, %r5; cvta.shared.u64 %q6, %q6; cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes \
               [box+1024], [%q6, {4, %r7}], [bar];";
    let program = program(&copied);
    let (executed, _) = execute(&engine, &program, &matrix()).expect("it is executed");
    // The map has the address of the tensor, which is not the same in both.
    let (interpreted, _) = interpret(&program, &matrix()).expect("it is interpreted");
    assert!(interpreted[MAP_BYTES..] == executed[MAP_BYTES..]);
    let tensor = bytes(TENSOR_BYTES, 70_000);
    assert_eq!(executed[1024..1040], tensor[2 * 128 + 16..][..16]);
    assert_eq!(executed[1040..1056], tensor[3 * 128 + 16..][..16]);
}

#[test]
fn misuse_names_the_line() {
    let engine = engine();
    let cases: [(&str, TensorMap, FaultKind, &str); 6] = [
        (TILE, TensorMap { rank: 3, ..matrix() }, FaultKind::InvalidTensor, "a side of the box"),
        (TILE, image(), FaultKind::InvalidTensor, "4 dimensions, the instruction 2"),
        (
            "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%q4, {1, 0}], [box];",
            matrix(),
            FaultKind::InvalidTensor,
            "16 bytes",
        ),
        (
            "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%q4, {0, 0}], [box+64];",
            matrix(),
            FaultKind::MisalignedAddress,
            "128",
        ),
        (
            "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%q4, {0, 0}], [box+4096];",
            matrix(),
            FaultKind::IllegalAddress,
            "shared",
        ),
        (
            "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [0, {0, 0}], [box];",
            matrix(),
            FaultKind::IllegalAddress,
            "128 bytes at 0x0",
        ),
    ];
    for (instruction, map, kind, reason) in cases {
        let program = program(instruction);
        let fault = execute(&engine, &program, &map).unwrap_err();
        assert_eq!((fault.kind, fault.line), (kind, Some(LINE)), "{fault}");
        assert!(fault.to_string().contains(reason), "{fault}");
        assert!(interpret(&program, &map).is_err(), "{instruction}");
    }
    // A tensor that ends amid a row lies in nobody's memory.
    let large = TensorMap { sizes: [30, 100_000, 1, 1, 1], ..matrix() };
    let program = program("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%q4, {0, 90000}], [box];");
    let fault = execute(&engine, &program, &large).unwrap_err();
    assert_eq!((fault.kind, fault.line), (FaultKind::IllegalAddress, Some(LINE)), "{fault}");
}
