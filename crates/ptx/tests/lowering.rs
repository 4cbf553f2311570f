//! What nvcc makes of real programs is checked and lowered completely, and the result is well formed.

mod common;

use ptx::ast::Module;
use ptx::lowering::Library;
use simt_ir::Op;

/// Every kernel: lowered, verified, nothing unsupported other than what `expected` names.
fn assert_lowers(source: &common::Source, expected: &[&str]) {
    let module = Module::parse(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.name));
    let errors = ptx::check::check_module(&module);
    let unexpected = errors.iter().find(|error| !expected.iter().any(|known| error.message.contains(known)));
    if let Some(error) = unexpected {
        panic!("{}: {} errors, the first: {error}", source.name, errors.len());
    }
    let library = Library::new(vec![module]).unwrap_or_else(|error| panic!("{}: {error}", source.name));
    library.globals().unwrap_or_else(|error| panic!("{}: {error}", source.name));
    let kernels: Vec<String> = library.kernels().map(|(_, kernel)| kernel.name.to_string()).collect();
    for kernel in kernels {
        let (program, _) = library.lower(&kernel).unwrap_or_else(|error| panic!("{}: {kernel}: {error}", source.name));
        simt_ir::verify(&program).unwrap_or_else(|error| panic!("{}: {kernel}: {error}", source.name));
        for function in &program.functions {
            for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
                if let Op::Unsupported { text, .. } = &instruction.op {
                    assert!(
                        expected.iter().any(|known| text.contains(known)),
                        "{}: {kernel}: {}: {text}",
                        source.name,
                        function.name
                    );
                }
            }
        }
    }
}

#[test]
fn committed_files_lower() {
    for source in common::committed().iter().filter(|source| source.name.ends_with("kernels.ptx")) {
        assert_lowers(source, &[]);
    }
}

#[test]
fn what_nvcc_makes_lowers() {
    for source in common::compiled() {
        // CUB for compute capability 10.0 and newer works through clusters.
        let expected: &[&str] = if source.name.contains("120") { &["ignore_oob"] } else { &[] };
        assert_lowers(&source, expected);
    }
}
