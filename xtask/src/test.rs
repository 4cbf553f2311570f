//! `cargo xtask test`: every test of the workspace, with what they need around them.

use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run as run_command};
use crate::{dist, setup, venv};

/// Runs all tests. Of `args`, `--long` is taken here and the rest handed to `cargo test`: the random programs are then run once more, very
/// many of them, in a release build.
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
    if args.iter().any(|arg| arg == "--long") {
        let mut long = cargo();
        long.args(["test", "--release", "--package", "jit", "--test", "random"]).env("APEX_TEST_LONG", "1");
        environment(&mut long)?;
        run_command(&mut long)?;
    }
    Ok(())
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
    Ok(())
}
