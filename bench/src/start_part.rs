//! The part `start`: how long small programs take from their start to their end, with and without code that an earlier
//! run left in the cache.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::compile;
use crate::environment::{self, Environment};
use crate::peers;
use crate::statistics::{Summary, summary};

/// The programs: what they are, and where their sources lie from this package's folder on.
const PROGRAMS: &[(&str, &str)] = &[
    ("vectorAdd, 50000 elements", "start/vector_add.cu"),
    // Most of its time is its own: nvcc does not optimise the code for the host by default.
    ("vectorAdd among the tests, 1000003 elements", "../filetests/cases/cuda/vector_add.cu"),
];

/// The results for a program.
#[derive(Debug, Clone, Serialize)]
pub struct Start {
    /// What it is.
    pub program: &'static str,
    /// `apex run`, the code cache empty.
    pub cold_ms: Summary,
    /// `apex run`, the code cache filled by an earlier run.
    pub warm_ms: Summary,
    /// The program alone, with our driver in `LD_LIBRARY_PATH`, the code cache empty.
    pub cold_direct_ms: Summary,
    /// The same, the code cache filled.
    pub warm_direct_ms: Summary,
}

/// What is asked of us.
pub const COLD_MS_ASKED: f64 = 150.0;
/// What is asked of us.
pub const WARM_MS_ASKED: f64 = 40.0;

/// Measures.
///
/// # Errors
/// When the program does not compile or fails.
pub fn run(environment: &Environment, quick: bool) -> Result<Vec<Start>> {
    PROGRAMS.iter().map(|(name, source)| start(environment, name, source, quick)).collect()
}

fn start(environment: &Environment, name: &'static str, source: &str, quick: bool) -> Result<Start> {
    let program = compile::program(environment, &environment::sources().join(source))?;
    let warm = environment.scratch_folder("start-warm")?;
    let mut times_ms: [Vec<f64>; 4] = Default::default();
    // One that does not count brings files into memory and fills the warm cache.
    time_ms(environment, &program, true, &warm)?;
    // The four ways take turns, so that whatever else the machine does hits all alike.
    for _ in 0..if quick { 10 } else { 30 } {
        for (way, times_ms) in times_ms.iter_mut().enumerate() {
            let (through_apex, is_warm) = (way < 2, way % 2 == 1);
            let cold = environment.scratch_folder("start-cold")?;
            fs::remove_dir_all(&cold)?;
            times_ms.push(time_ms(environment, &program, through_apex, if is_warm { &warm } else { &cold })?);
        }
    }
    let [cold, warm, cold_direct, warm_direct] = times_ms.map(|times_ms| summary(&times_ms).context("no runs"));
    Ok(Start {
        program: name,
        cold_ms: cold?,
        warm_ms: warm?,
        cold_direct_ms: cold_direct?,
        warm_direct_ms: warm_direct?,
    })
}

/// Time of one process from its start to its end.
fn time_ms(environment: &Environment, program: &Path, through_apex: bool, cache: &Path) -> Result<f64> {
    let mut command = if through_apex {
        let mut apex = Command::new(environment.bin_dir.join("apex"));
        apex.arg("run").arg(program);
        apex
    } else {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", peers::search_path(environment.lib_dir.clone())?);
        command
    };
    command.env("APEX_CACHE_PATH", cache).stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    let time_ms = start.elapsed().as_secs_f64() * 1e3;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(time_ms)
}
