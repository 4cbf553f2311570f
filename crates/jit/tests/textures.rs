//! Compiled code and the interpreter agree on textures and surfaces: each instruction, at random coordinates, by lanes of which some
//! take no part.

use std::collections::BTreeMap;
use std::sync::Arc;

use simt::arena::Purpose;
use simt::{DomainConfig, Engine, EngineConfig, Kernel, Launch};
use simt_interp::{Access, Allocations, CapturedRuntime, Memory};
use simt_ir::Program;
use simt_ir::texture::{AddressMode, Dimension, Element, Format, Reading, Resource, Sampler, Usage, natural_row_bytes};
use simt_llvm::{Compiler, Options};

const THREADS: u32 = 96;
/// Coordinates of a thread.
const COORDINATES: usize = 8;

/// The instructions, with the results in %r0 to %r3 or %f0 to %f3. %c0 to %c7 are coordinates as floats, %i0 to %i7 as integers;
/// %t is the texture, %s the surface.
const INSTRUCTIONS: &[&str] = &[
    "tex.1d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0}];",
    "tex.1d.v4.s32.s32 {%r0, %r1, %r2, %r3}, [%t, {%i0}];",
    "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1}];",
    "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1}], {%i0, %i1};",
    "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1}], %c2;",
    "tex.3d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1, %c2, %c2}];",
    "tex.a1d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%i0, %c1}];",
    "tex.a2d.v4.u32.f32 {%r0, %r1, %r2, %r3}, [%t, {%i0, %c0, %c1, %c1}];",
    "tex.cube.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1, %c2, %c2}];",
    "tex.level.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1}], %c3;",
    "tex.grad.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1}], {%c2, %c3}, {%c4, %c5};",
    "tex.2d.v2.f16x2.f32 {%r0, %r1}, [%t, {%c0, %c1}];",
    "tld4.g.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%c0, %c1}];",
    "txq.level.width.b32 %r0, [%t], %i0;",
    "txq.channel_order.b32 %r0, [%t];",
    "istypep.texref %p1, %t; selp.u32 %r0, 1, 2, %p1; istypep.surfref %p1, %s; selp.u32 %r1, 1, 2, %p1;",
    "suld.b.2d.v4.b32.clamp {%r0, %r1, %r2, %r3}, [%s, {%x, %i1}];",
    "suld.b.2d.b32.zero {%r0}, [%s, {%x, %i1}];",
    "sust.b.2d.b32.clamp [%s, {%x, 3}], {%i2}; suld.b.2d.b32.clamp {%r0}, [%s, {%x, 2}];",
    "sured.b.add.2d.u32.zero [%s, {%x, %i1}], %i2;",
];

fn module(instruction: &str) -> String {
    let mut text = String::from(
        ".version 8.4\n.target sm_90\n.address_size 64\n\
         .visible .entry k(.param .u64 input, .param .u64 output, .param .u64 texture, .param .u64 surface)\n{\n\
         .reg .pred %p<3>; .reg .b32 %r<8>; .reg .f32 %f<8>; .reg .f32 %c<8>; .reg .b32 %i<8>; .reg .b64 %q<8>;\n\
         .reg .b64 %t, %s; .reg .b32 %x, %n;\n\
         ld.param.u64 %q0, [input]; ld.param.u64 %q1, [output]; ld.param.u64 %t, [texture]; ld.param.u64 %s, [surface];\n\
         mov.u32 %n, %tid.x; mul.wide.u32 %q2, %n, 32; add.u64 %q0, %q0, %q2; mul.wide.u32 %q2, %n, 32; add.u64 %q1, %q1, %q2;\n",
    );
    for index in 0..COORDINATES {
        text += &format!("ld.global.f32 %c{index}, [%q0+{}]; cvt.rni.s32.f32 %i{index}, %c{index};\n", 4 * index);
    }
    // Some lanes take no part.
    text += "shl.b32 %x, %i0, 4; and.b32 %r7, %n, 7; setp.eq.u32 %p0, %r7, 5;\n@%p0 bra DONE;\n";
    text += instruction;
    text += "\nst.global.v4.f32 [%q1], {%f0, %f1, %f2, %f3};\nst.global.v4.u32 [%q1+16], {%r0, %r1, %r2, %r3};\nDONE: ret;\n}\n";
    text
}

/// A mipmapped image of 16 x 8 texels, and what it is sampled with.
fn resource(dimension: Dimension, base: u64, usage: Usage, sampler: Sampler) -> Resource {
    let format = Format { element: Element::F32, channels: 4, reading: Reading::Plain };
    let size = match dimension {
        Dimension::D1 => [16, 1, 1],
        Dimension::D3 => [16, 8, 4],
        Dimension::Cube => [8, 8, 1],
        _ => [16, 8, 1],
    };
    let layers = if dimension == Dimension::Cube { 6 } else { 3 };
    Resource {
        usage,
        dimension,
        layered: true,
        base,
        row_bytes: natural_row_bytes(size[0], 16),
        size,
        stored_layers: layers,
        first_layer: 0,
        layers,
        levels: 3,
        format,
        sampler,
    }
}

/// The interpreter's memory, with two resources.
struct Images {
    memory: Allocations,
    texture: Resource,
    surface: Resource,
}

const TEXTURE: u64 = 1 << 33;
const SURFACE: u64 = 2 << 33;

impl Memory for Images {
    fn read(&mut self, access: &Access, bytes: &mut [u8]) -> Result<(), String> {
        self.memory.read(access, bytes)
    }

    fn write(&mut self, access: &Access, bytes: &[u8]) -> Result<(), String> {
        self.memory.write(access, bytes)
    }

    fn resource(&mut self, handle: u64) -> Option<Resource> {
        match handle {
            TEXTURE => Some(self.texture),
            SURFACE => Some(self.surface),
            _ => None,
        }
    }
}

/// Numbers that look random.
fn mix(number: u32) -> u32 {
    let number = (number ^ number >> 16).wrapping_mul(0x7feb_352d);
    let number = (number ^ number >> 15).wrapping_mul(0x846c_a68b);
    number ^ number >> 16
}

fn input() -> Vec<u8> {
    let count = THREADS * COORDINATES as u32;
    let coordinate = |index: u32| match mix(index) % 40 {
        0 => f32::INFINITY,
        1 => f32::NAN,
        2 => -1e30,
        _ => (mix(index + 77) % 4096) as f32 / 256.0 - 4.0,
    };
    (0..count).flat_map(|index| coordinate(index).to_le_bytes()).collect()
}

fn image() -> Vec<u8> {
    let bytes = resource(Dimension::D3, 0, Usage::Texture, Sampler::default()).bytes() as u32;
    (0..bytes / 4).flat_map(|index| ((mix(index) % 1000) as f32 / 8.0).to_le_bytes()).collect()
}

/// Output and surface after a run of the interpreter.
fn interpret(program: &Program, of: impl Fn(u64, Usage) -> Resource) -> (Vec<u8>, Vec<u8>) {
    let mut memory = Allocations::default();
    let (input, image, surface) = (memory.insert(input()), memory.insert(image()), memory.insert(image()));
    let output = memory.allocate(THREADS as usize * 32);
    let params = [input, output, TEXTURE, SURFACE].iter().flat_map(|word| word.to_le_bytes()).collect();
    let launch = simt_interp::Launch { block: [THREADS, 1, 1], params, symbols: BTreeMap::new(), ..Default::default() };
    let mut images = Images { memory, texture: of(image, Usage::Texture), surface: of(surface, Usage::Surface) };
    simt_interp::run(program, &launch, &mut images, &mut CapturedRuntime::default()).expect("the interpreter runs it");
    let bytes = |address: u64| images.memory.bytes(address).expect("an allocation").to_vec();
    (bytes(output), bytes(surface))
}

/// The same of compiled code.
fn execute(engine: &Engine, program: &Program, of: impl Fn(u64, Usage) -> Resource) -> (Vec<u8>, Vec<u8>) {
    let block = [THREADS, 1, 1];
    let place = |bytes: &[u8]| {
        let address = engine.arena().allocate(bytes.len() as u64, Purpose::Device, None).expect("there is memory");
        // SAFETY: just allocated with this size.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        address
    };
    let (input, image, surface) = (place(&input()), place(&image()), place(&self::image()));
    let output_bytes = THREADS as usize * 32;
    let output = place(&vec![0; output_bytes]);
    let texture_handle = engine.textures().insert(&of(image, Usage::Texture)).expect("there is room");
    let surface_handle = engine.textures().insert(&of(surface, Usage::Surface)).expect("there is room");
    let options = Options { block: Some(block), small_grid: true, ..Options::default() };
    let compiled = Compiler::default().compile(program, &options).expect("it compiles");
    let (domain, code) = (engine.domain(DomainConfig::default()), compiled.code);
    let stream = engine.stream(&domain, 0).expect("a stream");
    // SAFETY: the code was made for this contract and is kept by the kernel.
    let kernel = unsafe { Kernel::new("k", code, [], Arc::new(compiled)) };
    let handles = [input, output, texture_handle, surface_handle];
    let parameters: Vec<u8> = handles.iter().flat_map(|word| word.to_le_bytes()).collect();
    stream.launch(&Launch::new(&kernel, [1, 1, 1], block, &parameters)).expect("it is launched");
    stream.synchronize();
    assert_eq!(domain.fault(), None);
    let read = |address: u64, bytes: usize| {
        // SAFETY: allocated above with at least this size; the stream is idle.
        unsafe { std::slice::from_raw_parts(address as *const u8, bytes) }.to_vec()
    };
    (read(output, output_bytes), read(surface, self::image().len()))
}

#[test]
fn compiled_code_and_the_interpreter_agree() {
    let engine = Engine::new(EngineConfig { workers: 1, ..EngineConfig::default() }).expect("an engine");
    for (index, instruction) in INSTRUCTIONS.iter().enumerate() {
        let module = ptx::ast::Module::parse(&module(instruction)).unwrap_or_else(|error| panic!("{error}"));
        let (program, _) = ptx::lowering::lower_kernel(&module, "k").unwrap_or_else(|error| panic!("{error}"));
        simt_ir::verify(&program).unwrap_or_else(|error| panic!("{error}"));
        let dimension = match instruction {
            text if text.contains("3d") => Dimension::D3,
            text if text.contains("1d") => Dimension::D1,
            text if text.contains("cube") => Dimension::Cube,
            _ => Dimension::D2,
        };
        let modes = [AddressMode::Wrap, AddressMode::Mirror, AddressMode::Border, AddressMode::Clamp];
        let sampler = Sampler {
            address: [modes[index % 4], modes[index / 4 % 4], AddressMode::Border],
            linear: index % 3 != 0,
            normalized: index % 2 == 0,
            mip_linear: true,
            mip_max: 2.0,
            border: [0.25, 0.5, 0.75, 1.0],
            ..Sampler::default()
        };
        let of = |base: u64, usage: Usage| {
            let dimension = if usage == Usage::Surface { Dimension::D2 } else { dimension };
            resource(dimension, base, usage, sampler)
        };
        assert!(interpret(&program, of) == execute(&engine, &program, of), "they differ: {instruction}");
    }
}
