//! Lowering a few instructions to text.

use expect_test::Expect;
use ptx::ast::Module;
use ptx::lowering::lower_kernel;

/// The blocks of a kernel with this body, or what is wrong with it. Registers read before they are written are zeros.
pub fn lower(body: &str) -> Result<String, String> {
    let text = format!(
        ".version 9.0\n.target sm_120\n.address_size 64\n.global .u32 variable;\n\
         .visible .entry k(.param .u64 p, .param .align 4 .b8 s[12])\n{{\n\
         .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %q<9>; .reg .f32 %f<9>; .reg .f64 %d<9>;\n\
         .reg .b8 %c<9>;\n{body}\n}}\n"
    );
    let module = Module::parse(&text).map_err(|error| error.to_string())?;
    let (program, _) = lower_kernel(&module, "k").map_err(|error| error.to_string())?;
    simt_ir::verify(&program).map_err(|error| error.to_string())?;
    let printed = program.kernel().to_string();
    Ok(printed.split_once("{\n").map_or("", |(_, blocks)| blocks).to_owned())
}

/// Lowers a kernel with this body and compares its blocks.
pub fn check(body: &str, expect: Expect) {
    expect.assert_eq(&lower(body).unwrap_or_else(|error| panic!("{error}")));
}
