//! What is wrong is reported with its line and column.

use expect_test::{Expect, expect};
use ptx::ast::Module;

fn check(text: &str, expect: Expect) {
    let error = Module::parse(text)
        .and_then(|module| {
            let bodies: Result<Vec<_>, _> = module.functions().map(|function| module.body(function)).collect();
            bodies.map(|_| ())
        })
        .expect_err("the text is wrong");
    expect.assert_eq(&error.to_string());
}

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

fn check_body(body: &str, expect: Expect) {
    check(&format!("{HEADER}.visible .entry kernel()\n{{\n{body}\n}}\n"), expect);
}

#[test]
fn header() {
    check(
        "",
        expect![[r#"
        expected `.version` at the beginning of the module, found the end of the text (line 1, column 1)
          |
        1 | 
          | ^"#]],
    );
    check(
        "hello",
        expect![[r#"
        expected `.version` at the beginning of the module, found `hello` (line 1, column 1)
          |
        1 | hello
          | ^^^^^"#]],
    );
    check(
        ".version eight\n",
        expect![[r#"
        expected a version such as 8.0, found `eight` (line 1, column 10)
          |
        1 | .version eight
          |          ^^^^^"#]],
    );
    check(
        ".version 8.0\n.target sm_80\n.address_size 48\n",
        expect![[r#"
        the address size is 32 or 64 (line 3, column 15)
          |
        3 | .address_size 48
          |               ^^"#]],
    );
}

#[test]
fn declarations() {
    check(
        &format!("{HEADER}.global .u33 x;"),
        expect![[r#"
        expected a type such as .u32, found `.u33` (line 4, column 9)
          |
        4 | .global .u33 x;
          |         ^^^^"#]],
    );
    check(
        &format!("{HEADER}.global .align 3 .u32 x;"),
        expect![[r#"
        an alignment is a power of two (line 4, column 16)
          |
        4 | .global .align 3 .u32 x;
          |                ^"#]],
    );
    check(
        &format!("{HEADER}.global .u32 x[-1];"),
        expect![[r#"
        expected the length of the array, found `-` (line 4, column 16)
          |
        4 | .global .u32 x[-1];
          |                ^"#]],
    );
    check(
        &format!("{HEADER}.visible .entry k(.param .u32 a {{ }}"),
        expect![[r#"
        expected `,` or `)`, found `{` (line 4, column 33)
          |
        4 | .visible .entry k(.param .u32 a { }
          |                                 ^"#]],
    );
    check(
        &format!("{HEADER}.visible .entry k() {{ \n\n"),
        expect![[r#"
        this `{` is never closed (line 4, column 21)
          |
        4 | .visible .entry k() {
          |                     ^"#]],
    );
    check(
        &format!("{HEADER}.file 1 \"unfinished\n"),
        expect![[r#"
        expected a string, found a string without end (line 4, column 9)
          |
        4 | .file 1 "unfinished
          |         ^^^^^^^^^^^"#]],
    );
    check(
        &format!("{HEADER}.global .u32 x = 1 / 0;"),
        expect![[r#"
        `/` has no value for these constants (line 4, column 20)
          |
        4 | .global .u32 x = 1 / 0;
          |                    ^"#]],
    );
}

#[test]
fn statements() {
    check_body(
        "\tadd.s32 \t%r1, %r2 %r3;",
        expect![[r#"
        expected `;`, found `%r3` (line 6, column 20)
          |
        6 |  add.s32  %r1, %r2 %r3;
          |                    ^^^"#]],
    );
    check_body(
        "\tadd.s32 %r1, %r2, ;",
        expect![[r#"
        expected an operand, found `;` (line 6, column 20)
          |
        6 |  add.s32 %r1, %r2, ;
          |                    ^"#]],
    );
    check_body(
        "\tld.global.u32 %r1, [%rd1;",
        expect![[r#"
        expected `]`, found `;` (line 6, column 26)
          |
        6 |  ld.global.u32 %r1, [%rd1;
          |                          ^"#]],
    );
    check_body(
        "\tmov.f32 %f1, 0f123;",
        expect![[r#"
        `0f123` is not a number (line 6, column 15)
          |
        6 |  mov.f32 %f1, 0f123;
          |               ^^^^^"#]],
    );
    check_body(
        "\t@ add.s32 %r1, %r2, %r3;",
        expect![[r#"
        expected an instruction, found `.s32` (line 6, column 7)
          |
        6 |  @ add.s32 %r1, %r2, %r3;
          |       ^^^^"#]],
    );
    check_body(
        "\tadd.s32 %r1, %r2, %r3\n\tret;",
        expect![[r#"
        expected `;`, found `ret` (line 7, column 2)
          |
        7 |  ret;
          |  ^^^"#]],
    );
    check_body(
        "\tadd.s32 %r1, %r2, \u{e9};",
        expect![[r#"
        expected an operand, found `é` (line 6, column 20)
          |
        6 |  add.s32 %r1, %r2, é;
          |                    ^"#]],
    );
    check_body(
        "/* never closed",
        expect![[r#"
        this `{` is never closed (line 5, column 1)
          |
        5 | {
          | ^"#]],
    );
}

#[test]
fn nesting_is_bounded() {
    check_body(
        &"{".repeat(200).to_string(),
        expect![[r#"
        this `{` is never closed (line 5, column 1)
          |
        5 | {
          | ^"#]],
    );
    check_body(
        &format!("{}{}", "{ ".repeat(200), "} ".repeat(200)),
        expect![[r#"
        nested deeper than 128 levels (line 6, column 259)
          |
        6 | { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { { {
          |                                                                                 ^"#]],
    );
    check(
        &format!("{HEADER}.global .u32 x = {}1;", "(".repeat(100_000)),
        expect![[r#"
        nested deeper than 128 levels (line 4, column 147)
          |
        4 | ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
          |                                                                                 ^"#]],
    );
    check(
        &format!("{HEADER}.global .u32 x = {}1;", "-".repeat(100_000)),
        expect![[r#"
        nested deeper than 128 levels (line 4, column 147)
          |
        4 | ----------------------------------------------------------------------------------------------------------------------------------------------------------------
          |                                                                                 ^"#]],
    );
    check(
        &format!("{HEADER}.global .u32 x[2] = {};", "{".repeat(100_000)),
        expect![[r#"
        nested deeper than 128 levels (line 4, column 150)
          |
        4 | {{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{
          |                                                                                 ^"#]],
    );
    check_body(
        &format!("mov.u32 %r1, {}", "{".repeat(100_000)),
        expect![[r#"
        this `{` is never closed (line 5, column 1)
          |
        5 | {
          | ^"#]],
    );
}

/// Reads, checks and lowers a text as far as that goes.
fn read_all(text: &str) {
    let Ok(module) = Module::parse(text) else { return };
    ptx::check::check_module(&module);
    let Ok(library) = ptx::lowering::Library::new(vec![module]) else { return };
    let _ = library.globals();
    let kernels: Vec<String> = library.kernels().map(|(_, kernel)| kernel.name.to_string()).collect();
    for kernel in kernels {
        if let Ok((program, _)) = library.lower(&kernel) {
            simt_ir::verify(&program).unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
    }
}

/// No text makes the crate panic or build a malformed program: every tenth prefix of the committed files, and files with a
/// piece changed.
#[test]
fn damaged_texts_are_refused_or_read() {
    const REPLACEMENTS: [&str; 12] =
        ["{", "}", "\"", "\u{e9}", "@", "(", "", ";", "%r1", "0x7fffffffffffffff", ".v4", "-"];
    for file in ["declarations", "statements", "kernels"] {
        let path = format!("{}/tests/ptx/{file}.ptx", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for end in (0..text.len()).step_by(10).filter(|end| text.is_char_boundary(*end)) {
            read_all(&text[..end]);
        }
        for (turn, index) in (0..text.len()).filter(|index| text.is_char_boundary(*index)).enumerate() {
            let replacement = REPLACEMENTS[turn % REPLACEMENTS.len()];
            let cut = (index + 1 + turn % 7).min(text.len());
            if text.is_char_boundary(cut) {
                read_all(&format!("{}{replacement}{}", &text[..index], &text[cut..]));
            }
        }
        // Words exchanged for other words of the same file.
        let words: Vec<&str> = text.split_inclusive([' ', ',', ';', '\n', '\t', '.']).collect();
        for (turn, index) in (0..words.len()).enumerate() {
            let mut changed = words.clone();
            changed[index] = words[(index + 1 + turn * 37) % words.len()];
            read_all(&changed.concat());
        }
    }
}
