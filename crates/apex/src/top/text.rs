//! As text, for scripts and pipes.

use std::fmt::Write;
use std::time::Instant;

use apex_server::Processes;

use super::model::{Model, ProcessRow};
use crate::output::{bytes, time};

/// What is known now, with so many kernels of each program.
pub fn text(processes: &Processes, kernels: usize) -> String {
    let mut model = Model::default();
    model.update(processes, Instant::now());
    let mut out = String::new();
    if model.processes.is_empty() {
        out.push_str("No program publishes what it does: `apex run --live` starts one that does.\n");
    }
    for process in &model.processes {
        write_process(process, kernels, &mut out).expect("a string takes everything");
    }
    for problem in &model.problems {
        writeln!(out, "Note: {problem}").expect("a string takes everything");
    }
    out
}

fn write_process(process: &ProcessRow, kernels: usize, out: &mut String) -> std::fmt::Result {
    let ProcessRow { pid, program, state, launches, held, .. } = process;
    writeln!(out, "{program} (process {pid}, {state}): {launches} launches, {} of devices held", bytes(*held))?;
    for (name, value) in &process.facts {
        writeln!(out, "  {name}: {value}")?;
    }
    if !process.kernels.is_empty() {
        writeln!(out, "  {:>12} {:>10} {:>7}  kernel", "launches", "time", "share")?;
    }
    for kernel in process.kernels.iter().take(kernels) {
        let share = kernel.share * 100.0;
        writeln!(out, "  {:>12} {:>10} {share:>6.1}%  {}", kernel.launches, time(kernel.time_ns), kernel.name)?;
    }
    let more = process.kernels.len().saturating_sub(kernels);
    if more > 0 { writeln!(out, "  and {more} more kernels (--kernels)") } else { Ok(()) }
}
