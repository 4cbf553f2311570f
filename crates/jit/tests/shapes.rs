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
