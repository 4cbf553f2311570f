//! What code asks the processor to fetch before it is wanted, and what it stores past the caches. Results do not show that, so that LLVM's IR is looked at
//! (`simt-llvm/src/emit/{prefetch,streaming}.rs`).

use simt_llvm::{Compiler, CpuLevel, Options};

/// LLVM's IR of a kernel `k` for blocks of 256 threads: its blocks of code, with their names.
fn blocks(parameters: &str, code: &str) -> Vec<(String, String)> {
    let ptx = format!(
        ".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry k({parameters})\n{{
            .reg .pred %p<3>;\n.reg .b32 %r<20>;\n.reg .f32 %f<20>;\n.reg .b64 %rd<12>;\n.shared .align 4 .b8 tile[1024];
            {code}\nret;\n}}\n"
    );
    let module = ptx::ast::Module::parse(&ptx).unwrap();
    let (program, _) = ptx::lowering::lower_kernel(&module, "k").unwrap();
    let options = Options { block: Some([256, 1, 1]), small_grid: true, lanes: Some(32), ..Options::default() };
    let text = Compiler::new(CpuLevel::Host).stages(&program, &options).unwrap().llvm;
    let mut blocks = Vec::new();
    for line in text.lines() {
        match line.split_once(':') {
            Some((name, _)) if !line.starts_with([' ', ';', '!']) => blocks.push((name.to_owned(), String::new())),
            _ => {
                if let Some((_, code)) = blocks.last_mut() {
                    code.push_str(line);
                    code.push('\n');
                }
            }
        }
    }
    blocks
}

/// The blocks that have a piece of text in them.
fn with<'a>(blocks: &'a [(String, String)], part: &str) -> Vec<&'a str> {
    blocks.iter().filter(|(_, code)| code.contains(part)).map(|(name, _)| name.as_str()).collect()
}

/// A kernel that adds up tiles: `next` is what becomes of the address from one turn to the next.
fn tiles(next: &str) -> String {
    format!(
        "ld.param.u64 %rd1, [from];
         mov.u32 %r1, %tid.x;
         mul.wide.u32 %rd2, %r1, 4;
         add.s64 %rd1, %rd1, %rd2;
         mov.u32 %r2, tile;
         mad.lo.s32 %r3, %r1, 4, %r2;
         mov.u32 %r4, 0;
         mov.f32 %f1, 0f00000000;
         turn:
         ld.global.f32 %f2, [%rd1];
         st.shared.f32 [%r3], %f2;
         bar.sync 0;
         ld.shared.f32 %f3, [tile+64];
         fma.rn.f32 %f1, %f3, %f3, %f1;
         bar.sync 0;
         {next}
         add.s32 %r4, %r4, 1;
         ld.param.u32 %r5, [turns];
         setp.lt.s32 %p1, %r4, %r5;
         @%p1 bra turn;
         ld.param.u64 %rd5, [to];
         add.s64 %rd5, %rd5, %rd2;
         st.global.f32 [%rd5], %f1;"
    )
}

/// How the IR has a line fetched that is to be read.
const FETCH: &str = ", i32 0, i32 3, i32 1)";
/// How it has one fetched for one of the next turns: on some processors not into the nearest cache.
const FETCH_LATER: [&str; 2] = [FETCH, ", i32 0, i32 2, i32 1)"];

const TILES: &str = ".param .u64 from, .param .u64 to, .param .u32 turns";

#[test]
fn a_tile_is_fetched_while_the_one_before_is_computed() {
    let found = blocks(TILES, &tiles("add.s64 %rd1, %rd1, 4096;"));
    let fetching: Vec<_> = FETCH_LATER.iter().flat_map(|fetch| with(&found, fetch)).collect();
    assert!(fetching.iter().all(|name| name.starts_with("resume")) && !fetching.is_empty(), "{fetching:?}");
}

#[test]
fn a_tile_whose_address_is_made_anew_is_fetched_where_it_is_loaded() {
    let anew =
        "mul.wide.s32 %rd3, %r4, 4096; ld.param.u64 %rd1, [from]; add.s64 %rd1, %rd1, %rd2; add.s64 %rd1, %rd1, %rd3;";
    let found = blocks(TILES, &tiles(anew));
    let fetching = with(&found, FETCH);
    assert!(!fetching.is_empty() && !fetching.iter().any(|name| name.starts_with("resume")), "{fetching:?}");
}

/// A copy, an element a thread, with something else behind it.
fn copy(behind: &str) -> Vec<(String, String)> {
    let code = format!(
        "ld.param.u64 %rd1, [from];
         ld.param.u64 %rd2, [to];
         mov.u32 %r1, %ctaid.x;
         mov.u32 %r2, %tid.x;
         mad.lo.s32 %r3, %r1, 256, %r2;
         mul.wide.s32 %rd3, %r3, 4;
         add.s64 %rd1, %rd1, %rd3;
         add.s64 %rd2, %rd2, %rd3;
         cvta.to.global.u64 %rd1, %rd1;
         cvta.to.global.u64 %rd2, %rd2;
         ld.global.f32 %f1, [%rd1];
         st.global.f32 [%rd2], %f1;
         {behind}"
    );
    blocks(".param .u64 from, .param .u64 to, .param .u64 count", &code)
}

#[test]
fn copies_of_much_go_past_the_caches() {
    let found = copy("");
    assert!(!with(&found, "!nontemporal").is_empty());
    assert!(!with(&found, "sfence").is_empty(), "the engine hears of the end once all is stored");
}

#[test]
fn stores_that_others_may_hear_of_stay_in_order() {
    let counting = "ld.param.u64 %rd4, [count]; atom.global.add.u32 %r4, [%rd4], 1;";
    for behind in [counting, "membar.gl;", "st.volatile.global.f32 [%rd1], %f1;", "st.global.f32 [%rd1], %f1;"] {
        assert_eq!(with(&copy(behind), "!nontemporal"), Vec::<&str>::new(), "{behind}");
    }
}
