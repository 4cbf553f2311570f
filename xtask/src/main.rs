//! Set-up, distribution, demo, tests, benchmarks and code generation: `cargo xtask <command>`.
//!
//! `setup` brings what a fresh machine lacks (LLVM by apt, the CUDA toolkit from PyPI); the commands that need it call
//! it themselves. Everything it makes lies under the target folder.
//!
//! Invariant: needs neither LLVM nor any other crate of the workspace to build, as it runs before they can.
//! Invariant: changes the system only through the package manager, and says so before it does.

mod bench;
mod codegen;
mod demo;
mod dist;
mod process;
mod prometheus;
mod setup;
mod test;
mod venv;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  setup           install what is missing: apt packages, the CUDA toolkit in a Python environment under target/
  demo            compile real CUDA programs with nvcc and run them on the software GPU
  test [--long] [ARGS...]
                  all tests; --long: many more random programs, other processors, all checks; ARGS go to cargo test
  dist            build the release and lay it out in target/dist: bin/apex, lib/libcuda.so.1
  bench [ARGS...] measure, beside OpenCL on the same CPU; ARGS go to the bench program
  tidy            check the house rules alone (cargo test does so too)
  codegen [docs]  write the driver API's table and types again from NVIDIA's public headers";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = args.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = match (command.as_str(), rest) {
        ("setup", []) => setup::run_for(setup::Purpose::Test),
        ("demo", []) => demo::run(),
        ("test", rest) => test::run(rest),
        ("dist", []) => dist::run().map(|_| ()),
        ("bench", rest) => bench::run(rest),
        ("tidy", []) => test::tidy(),
        ("codegen", rest) => codegen::run(rest),
        ("help" | "--help" | "-h", _) => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("cargo xtask: cannot do \"{}\"\n\n{USAGE}", args.join(" "));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
