//! Libraries: programs with what they reach, variables with their initial values, linking.

use expect_test::{Expect, expect};
use ptx::ast::Module;
use ptx::lowering::{Library, LowerError, kernel_parameters};

const HEADER: &str = ".version 9.0\n.target sm_90\n.address_size 64\n";

fn module(text: &str) -> Module {
    Module::parse(&format!("{HEADER}{text}")).unwrap_or_else(|error| panic!("{error}"))
}

fn library(texts: &[&str]) -> Library {
    Library::new(texts.iter().map(|text| module(text)).collect()).unwrap_or_else(|error| panic!("{error}"))
}

fn check_globals(text: &str, expect: Expect) {
    let globals = library(&[text]).globals().unwrap_or_else(|error| panic!("{error}"));
    let lines: Vec<String> = globals
        .iter()
        .map(|global| {
            let relocations: Vec<String> = global.relocations.iter().map(|r| format!("{r:?}")).collect();
            format!(
                "{} {:?} size {} align {} {:?} {}",
                global.name,
                global.space,
                global.size,
                global.align,
                global.data,
                relocations.join(" ")
            )
        })
        .collect();
    expect.assert_eq(&lines.join("\n"));
}

#[test]
fn initial_values() {
    check_globals(
        ".global .s32 matrix[2][3] = {{-1, 2}, {3}}; .global .f32 f[] = {1.5, 0f3F800000}; .const .f64 d = 0d3FF0000000000000;
         .global .v2 .u16 v[2] = {{1, 2}, {3, 4}}; .global .align 16 .b8 zero[100]; .global .s8 s = -1;",
        expect![[r#"
            matrix Global size 24 align 4 [255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0] 
            f Global size 8 align 4 [0, 0, 192, 63, 0, 0, 128, 63] 
            d Const size 8 align 8 [0, 0, 0, 0, 0, 0, 240, 63] 
            v Global size 8 align 4 [1, 0, 2, 0, 3, 0, 4, 0] 
            zero Global size 100 align 16 [] 
            s Global size 1 align 1 [255] "#]],
    );
}

#[test]
fn addresses_in_initial_values() {
    check_globals(
        ".global .u32 x; .func f { ret; } .func g { ret; }
         .global .u64 p[3] = {generic(x)+8, 0, g}; .global .u8 bytes[2] = {0xff(x), 0xff00(x)};",
        expect![[r#"
            x Global size 4 align 4 [] 
            p Global size 24 align 8 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] Relocation { offset: 0, bytes: 8, target: Variable("x"), addend: 8, shift: 0 } Relocation { offset: 16, bytes: 8, target: Function(54287287109812256), addend: 0, shift: 0 }
            bytes Global size 2 align 1 [0, 0] Relocation { offset: 0, bytes: 1, target: Variable("x"), addend: 0, shift: 0 } Relocation { offset: 1, bytes: 1, target: Variable("x"), addend: 0, shift: 8 }"#]],
    );
}

#[test]
fn wrong_initial_values_are_named() {
    let fails = |text: &str, expect: Expect| {
        let error = library(&[text]).globals().expect_err("the initial value is wrong");
        expect.assert_eq(&error.to_string());
    };
    fails(".global .u32 x[2] = {1, 2, 3};", expect!["the initial value of `x`: 3 values for 2 elements"]);
    fails(".global .u32 x = {1, 2};", expect!["the initial value of `x`: a list for a variable that is no array"]);
    fails(".global .u64 x = nowhere;", expect!["the initial value of `x`: `nowhere` is not defined"]);
    fails(
        ".global .u64 x = s; .shared .u32 s;",
        expect!["the initial value of `x`: the address of `s`, which is in .shared space"],
    );
    fails(
        ".global .u32 x[];",
        expect!["the initial value of `x`: the size of the variable is not stated, or too large"],
    );
    fails(
        ".global .b8 x[1000000000][1000000000] = {{1}, {1}};",
        expect!["the initial value of `x`: the size of the variable is not stated, or too large"],
    );
}

#[test]
fn programs_hold_what_the_kernel_reaches() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ptx/kernels.ptx")).unwrap();
    let library = Library::new(vec![Module::parse(&text).unwrap()]).unwrap();
    let reached = |kernel: &str| {
        let (program, _) = library.lower(kernel).unwrap();
        program.functions.iter().map(|function| function.name.clone()).collect::<Vec<_>>()
    };
    // A call through a pointer may reach every function of its type whose address is taken.
    assert_eq!(reached("calls"), ["calls", "leaf", "other_leaf"]);
    assert_eq!(reached("shared_and_loops"), ["shared_and_loops", "structure"]);
    assert_eq!(
        library.lower("leaf").unwrap_err(),
        LowerError::NoKernel { name: "leaf".into() },
        "a device function is no kernel"
    );
}

#[test]
fn shared_memory_is_laid_out() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ptx/kernels.ptx")).unwrap();
    let library = Library::new(vec![Module::parse(&text).unwrap()]).unwrap();
    let (program, _) = library.lower("shared_and_loops").unwrap();
    let shared = program.symbols.iter().filter(|symbol| symbol.space == simt_ir::AddressSpace::Shared);
    let list: Vec<String> = shared.map(|s| format!("{} at {} size {}", s.name, s.offset, s.size)).collect();
    expect![[
        r#"["shared_and_loops::tile at 0 size 256", "dynamic at 288 size 0", "slots at 256 size 32"], 288 bytes"#
    ]]
    .assert_eq(&format!("{list:?}, {} bytes", program.shared_bytes));
}

#[test]
fn parameters_have_their_places() {
    let module = module(".entry k(.param .u8 a, .param .u64 b, .param .align 4 .b8 c[6], .param .v4 .f32 d) { ret; }");
    let places: Vec<String> = kernel_parameters(module.function("k").unwrap())
        .iter()
        .map(|parameter| format!("{} {} {}", parameter.name, parameter.offset, parameter.size))
        .collect();
    assert_eq!(places, ["a 0 1", "b 8 8", "c 16 6", "d 32 16"]);
}

#[test]
fn modules_are_linked_by_name() {
    let library = library(&[
        ".extern .func (.param .b32 r) f (.param .b32 a); .extern .global .u32 shared_by_all; .global .u32 own = 1;
         .visible .entry k() { .reg .b32 %r<3>; .param .b32 a; .param .b32 r; ld.global.u32 %r1, [shared_by_all];
         st.param.b32 [a], %r1; call (r), f, (a); ld.param.b32 %r2, [r]; st.global.u32 [own], %r2; ret; }",
        ".visible .global .u32 shared_by_all = 5; .global .u32 own = 2;
         .visible .func (.param .b32 r) f (.param .b32 a) { .reg .b32 %r<3>; ld.param.b32 %r1, [a];
         ld.global.u32 %r2, [own]; add.u32 %r1, %r1, %r2; st.param.b32 [r], %r1; ret; }",
    ]);
    let (program, _) = library.lower("k").unwrap();
    simt_ir::verify(&program).unwrap();
    let names: Vec<&str> = program.functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(names, ["k", "f"]);
    let symbols: Vec<&str> = program.symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(symbols, ["shared_by_all", "own@0", "own@1"]);
    let globals = library.globals().unwrap();
    let values: Vec<(&str, u8)> = globals.iter().map(|global| (global.name.as_str(), global.data[0])).collect();
    assert_eq!(values, [("shared_by_all", 5), ("own@0", 1), ("own@1", 2)]);
}

#[test]
fn what_is_defined_twice_is_refused() {
    let twice = |text: &str| Library::new(vec![module(text), module(text)]).map(|_| ());
    let duplicate = |name: &str| Err(LowerError::Duplicate { name: name.into() });
    assert_eq!(twice(".visible .func f { ret; }"), duplicate("f"));
    assert_eq!(twice(".visible .global .u32 x;"), duplicate("x"));
    assert_eq!(
        twice(".weak .func f { ret; } .weak .global .u32 x; .common .global .u32 y; .func own { ret; }"),
        Ok(())
    );
}

#[test]
fn what_is_missing_is_named_in_the_program() {
    let library = library(&[".extern .func f; .extern .global .u32 x;
        .entry k() { .reg .b32 %r<2>; call f; ld.global.u32 %r1, [x]; ret; }"]);
    let (program, _) = library.lower("k").unwrap();
    expect![[r#"
        symbol @0 "x" Global offset 0 size 4
        f0: kernel k() {
        b0:
          unsupported "line 5: `call f;`: `f` is declared but not defined"
          %0: i64 = symbol_address @0
          %1: i32 = load global i32 x1 weak offset 0 %0
          return
        }
    "#]]
    .assert_eq(&program.to_string());
    assert!(library.globals().unwrap()[0].is_extern);
}

#[test]
fn variables_of_functions_live_as_long_as_the_module() {
    let library =
        library(&[".entry k() { .global .u32 x = 7; { .global .u32 x = 8; .reg .b32 %r; ld.global.u32 %r, [x]; } }"]);
    let (_, globals) = library.lower("k").unwrap();
    let list: Vec<(&str, &[u8])> =
        globals.iter().map(|global| (global.name.as_str(), global.data.as_slice())).collect();
    assert_eq!(list, [("k$x", &[7, 0, 0, 0][..]), ("k$x$1", &[8, 0, 0, 0][..])]);
}
