//! Texture and surface instructions, and the variables that they name.

use ptx::ast::Module;
use ptx::lowering::{global_symbols, lower_kernel};
use simt_ir::Op;
use simt_ir::texture::{AddressMode, Opaque, Sampler, variable};

const VARIABLES: &str = ".global .texref image; .tex .u32 old; .global .surfref target;\n\
    .global .samplerref nearest;\n\
    .global .samplerref smooth = { addr_mode_0 = wrap, addr_mode_1 = clamp_to_border, filter_mode = linear,\n\
    force_unnormalized_coords = 1 };\n";

fn module(body: &str) -> Module {
    let text = format!(
        ".version 9.0\n.target sm_90\n.address_size 64\n{VARIABLES}.visible .entry k(.param .u64 p)\n{{\n\
         .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %q<9>; .reg .f32 %f<9>;\n{body}\n}}\n"
    );
    Module::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// The operations on textures that a body becomes; or why it is refused.
fn operations(body: &str) -> Result<Vec<String>, String> {
    let (program, _) = lower_kernel(&module(body), "k").map_err(|error| error.to_string())?;
    simt_ir::verify(&program).unwrap_or_else(|error| panic!("{error}"));
    let instructions = program.kernel().blocks.iter().flat_map(|block| &block.instructions);
    let mut found = Vec::new();
    for instruction in instructions {
        match &instruction.op {
            Op::Texture { op, .. } => found.push(op.to_string()),
            Op::Unsupported { text, .. } => return Err(text.clone()),
            _ => {}
        }
    }
    Ok(found)
}

fn check(body: &str, expected: &str) {
    assert_eq!(operations(body).as_deref(), Ok(&[expected.to_owned()][..]), "{body}");
}

#[test]
fn reads_of_textures() {
    check("tex.1d.v4.s32.s32 {%r0, %r1, %r2, %r3}, [%q0, {%r4}];", "texture_sample D1 Base integer");
    check("tex.a2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%q0, {%r0, %f4, %f5, %f5}];", "texture_sample Layered2 Base");
    check(
        "tex.2d.v4.f16.f32 {%h0, %h1, %h2, %h3}|%p0, [image, {%f4, %f5}], {%r0, 1};",
        "texture_sample D2 Base offset",
    );
    check("tex.2d.v4.f32.f32 {%f0, %f1, _, _}, [image, {%f4, %f5}], %f6;", "texture_sample D2 Base compare");
    check(
        "tex.level.cube.v4.f32.f32 {%f0, %f1, %f2, %f3}, [old, {%f4, %f5, %f6, %f6}], 2.0;",
        "texture_sample Cube Level",
    );
    check("tex.grad.1d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%q0, {%f4}], {%f5}, {%f6};", "texture_sample D1 Gradient");
    check("tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [image, smooth, {%f4, %f5}];", "texture_sample D2 Base sampler");
    check("tld4.a.2d.v4.u32.f32 {%r0, %r1, %r2, %r3}, [%q0, {%f4, %f5}];", "texture_gather 3 D2");
}

#[test]
fn accesses_to_surfaces() {
    check("suld.b.2d.v2.b64.zero {%q1, %q2}, [%q0, {%r0, %r1}];", "surface_load i64 x2 D2 Zero");
    check("sust.b.a1d.b8.trap [target, {%r0, %r1}], {%h0};", "surface_store i8 x1 Layered1 Trap");
    check(
        "sust.p.3d.v4.b32.clamp [%q0, {%r0, %r1, %r2, %r2}], {%r0, %r1, %r2, %r3};",
        "surface_store formatted x4 D3 Clamp",
    );
    check("sured.b.min.1d.s32.trap [%q0, {%r0}], %r1;", "surface_reduce MinSigned i32 D1 Trap");
    check("@%p0 sured.p.add.1d.b64.zero [%q0, {%r0}], %q1;", "surface_reduce Add i64 by_texel D1 Zero");
}

#[test]
fn queries() {
    check("txq.level.width.b32 %r0, [image], 2;", "texture_query width level");
    check("txq.addr_mode_1.b32 %r0, [smooth];", "texture_query addr_mode_1");
    check("suq.memory_layout.b32 %r0, [target];", "texture_query memory_layout");
    check("mov.u64 %q1, nearest; istypep.samplerref %p0, %q1;", "is_sampler");
}

#[test]
fn what_is_wrong_is_refused() {
    let refused = |body: &str, reason: &str| {
        let error = operations(body).unwrap_err();
        assert!(error.contains(reason), "{error}");
    };
    refused("tex.2dms.v4.f32.s32 {%f0, %f1, %f2, %f3}, [%q0, {%r0, %r1, %r2, %r2}];", "several samples");
    refused("tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%q0, {%f0}];", "too few");
    refused("tex.2d.v4.f32.f32 {%f0, %f1}, [%q0, {%f0, %f1}];", "2 registers for 4 results");
    refused("sust.b.1d.v4.b64.trap [%q0, {%r0}], {%q0, %q1, %q2, %q3};", "more than 16 bytes");
    refused("suld.b.1d.b32.trap {%r0}, [%q0+4, {%r0}];", "in brackets");
}

#[test]
fn variables_hold_what_they_refer_to() {
    let symbols = global_symbols(&module("ret;"));
    let word = |name: &str| {
        let symbol = symbols.iter().find(|symbol| symbol.name == name).expect("the variable is there");
        let bytes = symbol.data.as_slice().try_into().expect("eight bytes");
        (symbol.opaque, variable::parts(u64::from_le_bytes(bytes)))
    };
    assert_eq!(word("image"), (Some(Opaque::Texture), Some((Opaque::Texture, 0))));
    assert_eq!(word("old"), (Some(Opaque::Texture), Some((Opaque::Texture, 0))));
    assert_eq!(word("target"), (Some(Opaque::Surface), Some((Opaque::Surface, 0))));
    let sampler = |name: &str| word(name).1.map(|(kind, content)| (kind, variable::sampler_of(content)));
    assert_eq!(sampler("nearest"), Some((Opaque::Sampler, (Sampler::default(), false))));
    let address = [AddressMode::Wrap, AddressMode::Border, AddressMode::Clamp];
    let smooth = Sampler { address, linear: true, ..Sampler::default() };
    assert_eq!(sampler("smooth"), Some((Opaque::Sampler, (smooth, true))));
}

#[test]
fn a_module_is_printed_as_it_was_read() {
    let module = module("tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [image, smooth, {%f4, %f5}];");
    let printed = module.to_ptx().expect("it can be printed");
    assert!(printed.contains("filter_mode = linear"), "{printed}");
    let again = Module::parse(&printed).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.to_ptx().expect("it can be printed"), printed);
}
