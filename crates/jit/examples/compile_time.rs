//! Compiles the kernels of a PTX file and prints how long each step took.
//!
//! `cargo run --release -p jit --example compile_time FILE.ptx [BLOCK [PART_OF_A_NAME [FOLDER_FOR_DUMPS]]]`

use std::time::Instant;

use ptx::lowering::lower_kernel;
use simt_llvm::{Compiler, Options};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = std::fs::read_to_string(&arguments[0]).expect("the first argument is a PTX file");
    let mut block = [256, 1, 1];
    for (size, text) in block.iter_mut().zip(arguments.get(1).iter().flat_map(|text| text.split(','))) {
        *size = text.parse().expect("a size of a block: X or X,Y or X,Y,Z");
    }
    let wanted = arguments.get(2).map_or("", String::as_str);
    let start = Instant::now();
    let ast = ptx::ast::Module::parse(&text).expect("valid PTX");
    println!("parse {:.1?}", start.elapsed());
    let compiler = Compiler::new();
    let names: Vec<String> = ast.kernels().map(|kernel| kernel.name.to_string()).collect();
    for name in names.iter().filter(|name| name.contains(wanted)) {
        let start = Instant::now();
        let (program, _) = lower_kernel(&ast, name).expect("valid PTX");
        let lowered = start.elapsed();
        let size: usize = program.functions.iter().flat_map(|f| &f.blocks).map(|block| block.instructions.len()).sum();
        let options = Options { block: Some(block), small_grid: true, host_memory: false };
        let stages = compiler.stages(&program, &options).expect("it compiles");
        let steps: Vec<String> = stages.times.iter().map(|(step, time)| format!("{step} {time:.1?}")).collect();
        let llvm_lines = stages.llvm.lines().count();
        println!("{name}\n  {size} ops, {llvm_lines} LLVM lines; lower {lowered:.1?}, {}", steps.join(", "));
        if let Some(folder) = arguments.get(3) {
            let write = |suffix: &str, text: &str| {
                std::fs::write(format!("{folder}/{}.{suffix}", &name[name.len().saturating_sub(60)..]), text)
                    .expect("the folder can be written");
            };
            write("ir", &stages.ir);
            write("ll", &stages.llvm);
            write("opt.ll", &stages.optimized);
            write("s", &stages.assembly);
        }
    }
}
