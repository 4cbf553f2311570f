//! Shapes of a kernel's code: which there are, and what is kept of a choice between them.

use std::path::PathBuf;

use jit::{CacheConfig, Choice, CodeShape, Config, Module, Options};

/// Adds in a loop, and stores for each thread.
const PTX: &str = "\
.version 8.0
.target sm_75
.address_size 64
.visible .entry sum(.param .u64 results, .param .u32 turns) {
    .reg .b32 %r<5>;
    .reg .b64 %rd<4>;
    .reg .pred %p;
    ld.param.u64 %rd1, [results];
    ld.param.u32 %r1, [turns];
    mov.u32 %r2, %tid.x;
    mov.u32 %r3, 0;
LOOP:
    mad.lo.u32 %r3, %r3, %r2, %r1;
    add.u32 %r1, %r1, -1;
    setp.ne.u32 %p, %r1, 0;
    @%p bra LOOP;
    mul.wide.u32 %rd2, %r2, 4;
    add.u64 %rd3, %rd1, %rd2;
    st.global.u32 [%rd3], %r3;
    ret;
}
";

/// The module with a cache of its own.
fn module(folder: &str) -> (Module, PathBuf) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("shapes-{folder}"));
    let config = Config { cache: CacheConfig { path: Some(path.clone()), bytes_max: 1 << 24 }, ..Config::default() };
    (Module::from_ptx(PTX, &config).expect("it is PTX"), path)
}

fn options(threads: u32) -> Options {
    Options { block: Some([threads, 1, 1]), small_grid: true, ..Options::default() }
}

#[test]
fn neighbours_have_twice_or_half_as_many_lanes() {
    let (module, _) = module("neighbours");
    let neighbours = |threads, lanes| -> Vec<u32> {
        let shapes = module.neighbours("sum", options(threads), CodeShape { lanes }).expect("there is the kernel");
        shapes.iter().map(|shape| shape.lanes).collect()
    };
    assert_eq!(neighbours(256, 32), [64]);
    assert_eq!(neighbours(256, 64), [128, 32]);
    assert_eq!(neighbours(256, 256), [128]);
    // Teams fill a block.
    assert_eq!(neighbours(192, 64), [32]);
    assert_eq!(neighbours(96, 32), [0; 0]);
}

#[test]
fn a_shape_is_compiled_as_it_is_asked_for_or_refused() {
    let (module, _) = module("compiled");
    for lanes in [32, 64, 128, 256] {
        let compiled = module.compile_shape("sum", options(256), CodeShape { lanes }).expect("it can have the shape");
        assert_eq!(compiled.code().lanes, lanes);
    }
    assert!(module.compile_shape("sum", options(96), CodeShape { lanes: 64 }).is_err());
}

#[test]
fn a_choice_is_kept_for_later_modules_with_the_same_options() {
    let (first, path) = module("kept");
    let _ = std::fs::remove_dir_all(path);
    assert_eq!(first.choice("sum", options(256)), None);
    let choice = Choice { shape: Some(CodeShape { lanes: 128 }), ratio: 0.75 };
    first.keep_choice("sum", options(256), &choice);
    let (second, _) = module("kept");
    assert_eq!(second.choice("sum", options(256)), Some(choice));
    assert_eq!(second.choice("sum", options(128)), None);
    assert_eq!(second.choice("sum", Options { host_memory: true, ..options(256) }), None);
}

/// Adds what lies a distance apart, in a loop.
fn strided(distance: &str) -> String {
    format!(
        "\
.version 8.0
.target sm_75
.address_size 64
.visible .entry sum(.param .u64 results, .param .u64 values, .param .u32 count) {{
    .reg .b32 %r<6>;
    .reg .b64 %rd<5>;
    .reg .f32 %f<3>;
    .reg .pred %p;
    ld.param.u64 %rd1, [results];
    ld.param.u64 %rd2, [values];
    ld.param.u32 %r1, [count];
    mov.u32 %r2, %tid.x;
    mov.u32 %r3, %nctaid.x;
    mul.lo.u32 %r4, %r3, 256;
    mov.f32 %f1, 0f00000000;
LOOP:
    mul.wide.u32 %rd3, %r2, 4;
    add.u64 %rd4, %rd2, %rd3;
    ld.global.f32 %f2, [%rd4];
    add.f32 %f1, %f1, %f2;
    add.u32 %r2, %r2, {distance};
    setp.lt.u32 %p, %r2, %r1;
    @%p bra LOOP;
    mov.u32 %r2, %tid.x;
    mul.wide.u32 %rd3, %r2, 4;
    add.u64 %rd4, %rd1, %rd3;
    st.global.f32 [%rd4], %f1;
    ret;
}}
"
    )
}

#[test]
fn what_lies_side_by_side_is_loaded_at_once_where_turns_are_far_apart() {
    let lanes = |distance: &str| {
        let cache = CacheConfig { path: None, bytes_max: 0 };
        let module = Module::from_ptx(&strided(distance), &Config { cache, ..Config::default() }).expect("it is PTX");
        module.compile("sum", options(256)).expect("it compiles").code().lanes
    };
    let (far, near) = (lanes("%r4"), lanes("256"));
    // With smaller registers as many lanes as fit are fewer.
    let (most, is_wide) = (256, std::arch::is_x86_feature_detected!("avx512f"));
    assert!(far <= most && (!is_wide || far == most), "{far} lanes by the size of the grid");
    assert!(near <= far && (!is_wide || near < far), "{near} lanes by that of a block");
}

/// Threads look for eight words of two letters in the block's part of a text.
const LETTERS: &str = "
.version 8.0
.target sm_75
.address_size 64
.const .align 1 .b8 words[16];
.visible .entry search(.param .u64 text, .param .u64 found)
{
    .reg .pred %p<4>;
    .reg .b16 %rs<5>;
    .reg .b32 %r<8>;
    .reg .b64 %rd<8>;
    .shared .align 1 .b8 part[260];
    .shared .align 4 .u32 count;
    mov.u32 %r1, %tid.x;
    cvt.u64.u32 %rd1, %r1;
    ld.param.u64 %rd2, [text];
    add.s64 %rd3, %rd2, %rd1;
    ld.global.u8 %rs1, [%rd3];
    mov.u32 %r2, part;
    add.s32 %r3, %r2, %r1;
    st.shared.u8 [%r3], %rs1;
    bar.sync 0;
    mov.u64 %rd4, words;
    mov.u32 %r4, 0;
LOOP:
    ld.shared.u8 %rs1, [%r3];
    ld.const.u8 %rs2, [%rd4];
    setp.ne.s16 %p1, %rs1, %rs2;
    @%p1 bra NEXT;
    ld.shared.u8 %rs3, [%r3+1];
    ld.const.u8 %rs4, [%rd4+1];
    setp.ne.s16 %p2, %rs3, %rs4;
    @%p2 bra NEXT;
    atom.shared.add.u32 %r6, [count], 1;
NEXT:
    add.s64 %rd4, %rd4, 2;
    add.s32 %r4, %r4, 1;
    setp.lt.u32 %p3, %r4, 8;
    @%p3 bra LOOP;
    bar.sync 0;
    ld.shared.u32 %r5, [count];
    ld.param.u64 %rd5, [found];
    st.global.u32 [%rd5], %r5;
    ret;
}
";

#[test]
fn a_block_whose_bytes_fit_into_registers_waits_for_nobody() {
    let cache = CacheConfig { path: None, bytes_max: 0 };
    let module = Module::from_ptx(LETTERS, &Config { cache, ..Config::default() }).expect("it is PTX");
    let lanes = |threads| module.compile("search", options(threads)).expect("it compiles").code().lanes;
    if std::arch::is_x86_feature_detected!("avx512bw") {
        assert_eq!((lanes(256), lanes(512)), (256, 128));
    }
}

#[test]
fn sums_of_a_block_that_fill_all_registers_are_no_bytes() {
    let two_sums = strided("%r4")
        .replace("%f<3>", "%f<4>")
        .replace("mov.f32 %f1, 0f00000000;", "mov.f32 %f1, 0f00000000; mov.f32 %f3, %f1;")
        .replace("add.f32 %f1, %f1, %f2;", "add.f32 %f1, %f1, %f2; fma.rn.f32 %f3, %f2, %f2, %f3;")
        .replace("@%p bra LOOP;", "@%p bra LOOP;\n    bar.sync 0;\n    add.f32 %f1, %f1, %f3;");
    let cache = CacheConfig { path: None, bytes_max: 0 };
    let module = Module::from_ptx(&two_sums, &Config { cache, ..Config::default() }).expect("it is PTX");
    let lanes = module.compile("sum", options(256)).expect("it compiles").code().lanes;
    assert!(lanes < 256, "{lanes} lanes");
}
