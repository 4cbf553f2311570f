//! How long modules and kernels take to be ready, for people and benchmarks (`APEX_DUMP=times`).
//!
//! A line of JSON for each module that is loaded and each kernel that is made ready, in `apex-dump/times.jsonl`:
//!
//! ```text
//! {"module":"6f1a…","kernels":12,"bytes":48211,"steps":[{"name":"parsing","wall_us":310.2,"cpu_us":309.8}]}
//! {"module":"6f1a…","kernel":"sort","block":[256,1,1],"cached":false,"quick":true,"instructions":1840,"steps":[…]}
//! ```

use std::fs::{OpenOptions, create_dir_all};
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use simt_llvm::{Options, Step};

use crate::dump::{FOLDER, Stage};

/// How a kernel was made ready.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// Its code was in the cache on disk.
    Cache,
    /// It was compiled, from so many of LLVM's instructions.
    Compiled(usize),
}

/// Tells of a module.
pub(crate) fn module(stages: &[Stage], module: u64, kernels: usize, bytes: usize, steps: &[Step]) {
    write(
        stages,
        || json!({ "module": format!("{module:016x}"), "kernels": kernels, "bytes": bytes, "steps": json_of(steps) }),
    );
}

/// Tells of a kernel.
pub(crate) fn kernel(stages: &[Stage], module: u64, name: &str, options: &Options, source: Source, steps: &[Step]) {
    write(stages, || {
        let mut line = json!({
            "module": format!("{module:016x}"), "kernel": name, "block": options.block,
            "cached": matches!(source, Source::Cache), "quick": options.quick, "steps": json_of(steps),
        });
        if let Source::Compiled(instructions) = source {
            line["instructions"] = instructions.into();
        }
        line
    });
}

fn json_of(steps: &[Step]) -> Vec<Value> {
    let us = |time: std::time::Duration| time.as_nanos() as f64 / 1e3;
    steps.iter().map(|step| json!({ "name": step.name, "wall_us": us(step.wall), "cpu_us": us(step.cpu) })).collect()
}

/// Appends a line, in one write, so that threads and processes do not mix theirs. A failure is told on stderr; the run goes on.
fn write(stages: &[Stage], line: impl FnOnce() -> Value) {
    if !stages.contains(&Stage::Times) {
        return;
    }
    let path = Path::new(FOLDER).join("times.jsonl");
    let result = create_dir_all(FOLDER)
        .and_then(|()| OpenOptions::new().append(true).create(true).open(&path))
        .and_then(|mut file| file.write_all(format!("{}\n", line()).as_bytes()));
    if let Err(error) = result {
        eprintln!("apex: cannot write {}: {error}", path.display());
    }
}
