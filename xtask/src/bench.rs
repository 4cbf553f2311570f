//! `cargo xtask bench`: the figures of the README, measured here.

use anyhow::Result;

use crate::process::{cargo, run as run_command};
use crate::{dist, setup, test};

/// Runs the bench program with `args`.
///
/// # Errors
/// When the set-up, the build or a measurement fails.
pub fn run(args: &[String]) -> Result<()> {
    setup::run_for(setup::Purpose::Bench)?;
    dist::run()?;
    let mut bench = cargo();
    bench.args(["run", "--release", "--quiet", "--package", "bench", "--"]).args(args);
    test::environment(&mut bench)?;
    run_command(&mut bench)
}
