//! `cargo xtask test`: every test of the workspace, with what they need around them.

use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run as run_command};
use crate::{dist, setup, venv};

/// Instructions that machine code may use, which `--long` tests beside all that the machine has.
const OTHER_LEVELS: [&str; 2] = ["x86-64-v2", "x86-64-v3"];

/// Runs all tests. Of `args`, `--long` is taken here and the rest handed to `cargo test`: then [`run_long`] follows.
///
/// # Errors
/// When the set-up, the build or a test fails.
pub fn run(args: &[String]) -> Result<()> {
    setup::run_for(setup::Purpose::Test)?;
    dist::run()?;
    let mut test = cargo();
    test.args(["test", "--workspace"]);
    test.args(args.iter().filter(|arg| *arg != "--long"));
    environment(&mut test)?;
    run_command(&mut test)?;
    if args.iter().any(|arg| arg == "--long") { run_long() } else { Ok(()) }
}

/// Very many random programs, in a release build; random programs and all CUDA programs with fewer of the machine's instructions; and all CUDA
/// programs under all checks.
fn run_long() -> Result<()> {
    let random = ["test", "--release", "--package", "jit", "--test", "random"];
    let cases = ["test", "--package", "filetests", "--test", "cuda"];
    let checks = ["test", "--package", "filetests", "--test", "checkers"];
    let long = [("APEX_TEST_LONG", "1")];
    test_with(&random, &long)?;
    for level in OTHER_LEVELS {
        test_with(&random, &[("APEX_CPU", level)])?;
        test_with(&cases, &[("APEX_CPU", level)])?;
    }
    test_with(&checks, &long)
}

fn test_with(args: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let mut command = cargo();
    command.args(args).envs(variables.iter().copied());
    environment(&mut command)?;
    run_command(&mut command)
}

/// Checks the house rules alone.
///
/// # Errors
/// When one is broken.
pub fn tidy() -> Result<()> {
    run_command(cargo().args(["test", "--quiet", "--package", "xtask", "--test", "tidy"]))
}

/// Tells tests and benchmarks where the toolkit, the release and Python are.
///
/// # Errors
/// When the toolkit is not there.
pub fn environment(command: &mut Command) -> Result<()> {
    let dist = crate::workspace::dist();
    command
        .env("APEX_CUDA_HOME", venv::cuda_home()?)
        .env("APEX_VENV", venv::dir())
        .env("APEX_LIB_DIR", dist.join("lib"))
        .env("APEX_BIN_DIR", dist.join("bin"));
    // For tests alone, which are prepared for.
    if let Ok(folder) = crate::prometheus::bin_dir() {
        command.env("APEX_PROMETHEUS", folder);
    }
    Ok(())
}
