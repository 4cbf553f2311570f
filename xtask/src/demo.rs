//! `cargo xtask demo`: real CUDA programs, compiled by NVIDIA's compiler, run without NVIDIA hardware.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{line, output, run as run_command};
use crate::{dist, venv, workspace};

/// The programs: cases of the test suite, and what each shows.
const PROGRAMS: &[(&str, &str)] = &[
    ("vector_add", "the first program of every CUDA course"),
    ("reduce_warp_shuffle", "a sum by warp shuffles"),
    ("matmul_f32_tiled", "a matrix product through shared memory and barriers"),
    ("scan_decoupled_lookback", "a prefix sum whose blocks wait for each other"),
    ("mandelbrot", "divergent loops"),
    ("nbody", "gravity between 2048 bodies"),
    ("sha256", "integer arithmetic"),
    ("virtual_functions", "C++ objects with virtual functions on the device"),
    ("printf_formats", "printf in a kernel"),
    ("thrust_sort", "Thrust"),
];
/// Lines of a program's output that are shown.
const LINES_SHOWN: usize = 6;

/// Compiles and runs them all.
///
/// # Errors
/// When the set-up or the build fails, or a program does not compile or does not succeed.
pub fn run() -> Result<()> {
    let dist = dist::run()?;
    let cuda_home = venv::cuda_home()?;
    let apex = dist.join("bin/apex");
    let programs = workspace::target().join("demo");
    fs::create_dir_all(&programs)?;

    println!("The device that the programs will see:\n");
    run_command(Command::new(&apex).arg("info"))?;
    println!();

    let mut failures = Vec::new();
    for (name, what) in PROGRAMS {
        println!("{name}: {what}");
        let source = workspace::root().join("filetests/cases/cuda").join(name).with_extension("cu");
        let program = programs.join(name);
        let mut compile = nvcc(&cuda_home, &source, &program);
        let compiled = timed(&mut compile)?;
        println!("  $ {}    # {:.2} s", line(&compile), compiled.1.as_secs_f64());
        if !report(&compiled.0) {
            failures.push(*name);
            continue;
        }
        let mut start = Command::new(&apex);
        start.arg("run").arg(&program);
        let ran = timed(&mut start)?;
        println!("  $ {}    # {:.2} s", line(&start), ran.1.as_secs_f64());
        if !report(&ran.0) {
            failures.push(*name);
        }
        println!();
    }
    if failures.is_empty() {
        println!("{} programs compiled by nvcc and run on the CPU.", PROGRAMS.len());
        println!("Run your own: {} run ./program arguments", apex.display());
        return Ok(());
    }
    bail!("{} of {} programs failed: {}", failures.len(), PROGRAMS.len(), failures.join(", "))
}

/// nvcc as a user calls it, its defaults unchanged; the wheel's library folder is not where nvcc expects it.
fn nvcc(cuda_home: &Path, source: &Path, program: &Path) -> Command {
    let mut command = Command::new(cuda_home.join("bin/nvcc"));
    command.arg(source).arg("-o").arg(program).arg("-L").arg(cuda_home.join("lib"));
    command
}

fn timed(command: &mut Command) -> Result<(Output, Duration)> {
    let start = Instant::now();
    Ok((output(command)?, start.elapsed()))
}

/// Shows the beginning of what a program wrote, and how it ended if it failed. Returns whether it succeeded.
fn report(output: &Output) -> bool {
    let written = String::from_utf8_lossy(&output.stdout);
    for line in written.lines().take(LINES_SHOWN) {
        println!("  {line}");
    }
    if let more @ 1.. = written.lines().count().saturating_sub(LINES_SHOWN) {
        println!("  ... {more} more lines");
    }
    if !output.status.success() {
        println!("  FAILED ({})", output.status);
        print!("{}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}
