//! Copies of boxes of tensors, and changes of tensor maps.

use ptx::ast::Module;
use ptx::lowering::lower_kernel;
use simt_ir::Op;

fn module(body: &str) -> Module {
    let text = format!(
        ".version 9.0\n.target sm_100a\n.address_size 64\n.const .align 128 .b8 constant[128];\n\
         .visible .entry k(.param .align 128 .b8 map[128])\n{{\n.shared .align 128 .b8 box[1024];\n.shared .align 8 .b64 bar;\n\
         .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %q<9>;\n{body}\n}}\n"
    );
    Module::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// The operations on tensors that a body becomes; or why it is refused.
fn operations(body: &str) -> Result<Vec<String>, String> {
    let (program, _) = lower_kernel(&module(body), "k").map_err(|error| error.to_string())?;
    simt_ir::verify(&program).unwrap_or_else(|error| panic!("{error}"));
    let instructions = program.kernel().blocks.iter().flat_map(|block| &block.instructions);
    let mut found = Vec::new();
    for instruction in instructions {
        match &instruction.op {
            Op::Tensor { op, .. } => found.push(op.to_string()),
            Op::Unsupported { text, .. } => return Err(format!("{text} (line {}", instruction.line)),
            _ => {}
        }
    }
    Ok(found)
}

fn check(body: &str, expected: &str) {
    let expected: Vec<String> = expected.split(", ").filter(|op| !op.is_empty()).map(str::to_owned).collect();
    assert_eq!(operations(body), Ok(expected), "{body}");
}

fn refused(body: &str, reason: &str) {
    let error = operations(body).unwrap_err();
    assert!(error.contains(reason), "{error}");
    // What stands before the body takes nine lines.
    assert!(error.contains("(line 10"), "{error}");
}

#[test]
fn loads() {
    check(
        "mov.b64 %q0, map; cvta.param.u64 %q1, %q0;\n\
         cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [box], [%q1, {%r0}], [bar];",
        "tensor_load Tile 1d",
    );
    check(
        "cp.async.bulk.tensor.5d.shared::cta.global.mbarrier::complete_tx::bytes.L2::cache_hint [%r0], \
         [constant, {%r0, 1, -1, %r3, %r4}], [%r1], %q2;",
        "tensor_load Tile 5d",
    );
    check(
        "@%p0 cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%r0], \
         [%q1, {%r0, %r1}], [%r1], %h0;",
        "tensor_load Tile 2d",
    );
    check(
        "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%r0], \
         [%q1, {%r0, %r1, %r2, %r3}], [%r1], {%h0, 2};",
        "tensor_load Pixels 4d",
    );
    check(
        "cp.async.bulk.tensor.3d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes.multicast::cluster.L2::cache_hint \
         [%r0], [%q1, {%r0, %r1, %r2}], [%r1], {%h0}, %h1, %q2;",
        "tensor_load Pixels 3d",
    );
    check(
        "cp.async.bulk.tensor.2d.shared::cta.global.tile::gather4.mbarrier::complete_tx::bytes [%r0], \
         [%q1, {%r0, %r1, %r2, %r3, %r4}], [bar];",
        "tensor_load Rows 2d",
    );
}

#[test]
fn stores_reductions_and_what_caches_get() {
    check(
        "cp.async.bulk.tensor.3d.global.shared::cta.bulk_group [%q1, {%r0, %r1, %r2}], [box];",
        "tensor_store Tile 3d",
    );
    check(
        "cp.async.bulk.tensor.4d.global.shared::cta.im2col_no_offs.bulk_group [%q1, {%r0, %r1, %r2, %r3}], [box];",
        "tensor_store Pixels 4d",
    );
    check(
        "cp.async.bulk.tensor.2d.global.shared::cta.tile::scatter4.bulk_group [%q1, {0, %r1, %r2, %r3, %r4}], [box];",
        "tensor_store Rows 2d",
    );
    check(
        "cp.reduce.async.bulk.tensor.1d.global.shared::cta.inc.tile.bulk_group.L2::cache_hint [%q1, {%r0}], [%r0], %q0;",
        "tensor_reduce Increment Tile 1d",
    );
    check(
        "cp.async.bulk.prefetch.tensor.2d.L2.global.tile [%q1, {%r0, %r1}]; prefetch.param.tensormap [%q0];\n\
         cp.async.bulk.prefetch.tensor.5d.L2.global.im2col [%q1, {%r0, %r1, %r0, %r0, %r0}], {%h0, %h1, %h2};",
        "",
    );
}

#[test]
fn changes_of_maps() {
    check("tensormap.replace.tile.global_address.shared::cta.b1024.b64 [box], %q0;", "tensor_replace GlobalAddress");
    check("tensormap.replace.tile.rank.global.b1024.b32 [%q0], 4;", "tensor_replace Rank");
    check("tensormap.replace.tile.box_dim.b1024.b32 [%q0], 4, %r0;", "tensor_replace BoxDim(4)");
    check(
        "tensormap.replace.tile.global_stride.shared::cta.b1024.b64 [%r0], 3, %q1;",
        "tensor_replace GlobalStride(3)",
    );
    check("tensormap.replace.tile.elemtype.shared::cta.b1024.b32 [%r0], 12;", "tensor_replace ElementType");
    check("tensormap.replace.tile.swizzle_atomicity.shared::cta.b1024.b32 [%r0], 0;", "");
    check(
        "tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%q0], [box], 128;\n\
         fence.proxy.tensormap::generic.acquire.gpu [%q0], 128;",
        "",
    );
}

#[test]
fn what_is_wrong_is_refused() {
    let load = |rest: &str| format!("cp.async.bulk.tensor.{rest}");
    let bytes = "mbarrier::complete_tx::bytes";
    refused(
        &load(&format!("2d.shared::cta.global.tile.{bytes} [box], [%q1, {{%r0}}], [bar];")),
        "1 coordinates, 2 are needed",
    );
    refused(&load(&format!("2d.shared::cta.global.tile.{bytes} [box], [%q1], [bar];")), "coordinates in brackets");
    refused(
        &load(&format!("6d.shared::cta.global.tile.{bytes} [box], [%q1, {{%r0}}], [bar];")),
        "`.6d` is not accepted",
    );
    let pixels = "[box], [%q1, {%r0, %r1, %r2, %r3}], [bar]";
    refused(&load(&format!("4d.shared::cta.global.im2col.{bytes} {pixels}, {{%h0}};")), "expected 2 elements, found 1");
    refused(
        &load(&format!("4d.shared::cta.global.im2col::w.{bytes} {pixels}, {{%h0, %h1}};")),
        "`.im2col::w` is not accepted",
    );
    refused(&load("2d.global.shared::cta.im2col_no_offs.bulk_group [%q1, {%r0, %r1}], [box];"), "not accepted here");
    refused("tensormap.replace.tile.box_dim.b1024.b32 [%q0], 5, %r0;", "no dimension 5");
    refused("tensormap.replace.tile.global_stride.b1024.b64 [%q0], 4, %q1;", "no stride 4");
    refused("tensormap.replace.tile.elemtype.b1024.b32 [%q0], 13;", "13 for `.elemtype`");
    refused("tensormap.replace.tile.swizzle_atomicity.b1024.b32 [%q0], 1;", "atomicity");
    refused(
        "tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%q0], [box], 64;",
        "the size of a tensor map is 128",
    );
}
