//! The kernels that the CUDA tests and the benchmarks launch, with the sizes of blocks that they launch them with: each program runs in a
//! process of its own, with nothing in the cache once for quick code and once for fast code, and then with everything, and the driver writes down how long
//! its steps take (`APEX_DUMP=times`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use filetests::case::{self, Case};
use filetests::expectations::Expectations;
use filetests::process::{self, End};
use filetests::program;
use filetests::toolchain::Toolchain;
use serde::{Deserialize, Serialize};

use crate::child::Ready;
use crate::environment::{self, Environment};
use crate::kernels;
use crate::peers::{self, Kind};
use crate::process::Process;

/// Time that a program may take; the slowest compiles for some seconds.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);

/// One test in so many is taken for a quick look.
const QUICK_EACH: usize = 8;

/// What the programs did.
#[derive(Debug, Default, Serialize)]
pub struct Corpus {
    /// Programs that launched kernels.
    pub programs: usize,
    /// Modules that they loaded.
    pub modules: usize,
    /// Kernels in those modules.
    pub kernels_contained: usize,
    /// Kernels that were compiled quickly, as they are before the first launch, for a size of block each.
    pub quick: Vec<Made>,
    /// Kernels that were compiled for speed, as they are while they run.
    pub compiled: Vec<Made>,
    /// Kernels that came from the cache when the programs ran again.
    pub cached: Vec<Made>,
}

/// A kernel that was made ready.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// The program that launched it.
    pub program: String,
    /// Its name in the module.
    pub kernel: String,
    /// Size of the block.
    pub block: Option<[u32; 3]>,
    /// LLVM's instructions as emitted, if it was compiled.
    pub instructions: Option<usize>,
    /// Time that passed.
    pub wall_ms: f64,
    /// Time that a processor worked on it.
    pub cpu_ms: f64,
    /// The same by steps.
    pub steps_cpu_ms: BTreeMap<String, f64>,
}

/// A line that the driver writes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Kernel { kernel: String, block: Option<[u32; 3]>, cached: bool, instructions: Option<usize>, steps: Vec<Step> },
    Module { kernels: usize },
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    wall_us: f64,
    cpu_us: f64,
}

/// Runs all programs.
///
/// # Errors
/// When one cannot be built or does not end as it should.
pub fn run(environment: &Environment, quick: bool) -> Result<Corpus> {
    let mut corpus = Corpus::default();
    let toolchain = Toolchain::find(&environment::target()?.join("tmp"))?;
    let each = if quick { QUICK_EACH } else { 1 };
    let known = Expectations::load()?;
    for case in case::all()?.iter().filter(|case| !known.is_known(&case.name)).step_by(each) {
        eprintln!("bench: {}", case.name);
        let program = program::build(&toolchain, case)?;
        let name = case.name.replace('/', "-");
        in_turns(environment, &mut corpus, &name, |turn| run_case(&toolchain, case, &program, turn))?;
    }
    for workload in kernels::all().into_iter().step_by(if quick { 4 } else { 1 }) {
        eprintln!("bench: {}", workload.name);
        let name = format!("bench-{}", workload.name);
        in_turns(environment, &mut corpus, &name, |turn| {
            let arguments = ["--child", "kernel", Kind::Apex.name(), workload.name];
            let mut process = Process::start(&arguments, |command| {
                peers::set_environment(Kind::Apex, environment, command)?;
                turn.observe(command);
                Ok(())
            })?;
            process.answer::<Ready>().map(|_| ())
        })?;
    }
    ensure!(!corpus.compiled.is_empty(), "no kernel was compiled");
    Ok(corpus)
}

/// A run of a program.
#[derive(Clone, Copy)]
enum Way {
    /// With nothing in the cache, for quick code.
    Quick,
    /// With no fast code in the cache, for such.
    Full,
    /// With fast code in the cache.
    Cached,
}

/// The folders of a run, and how its kernels are compiled.
struct Turn {
    folder: PathBuf,
    cache: PathBuf,
    tier: &'static str,
}

impl Turn {
    /// Has the driver of a process keep its code in the cache, and write down times within the folder.
    fn observe(&self, command: &mut Command) {
        let settings = [("APEX_TIER", self.tier), ("APEX_DUMP", "times")];
        command.current_dir(&self.folder).env("APEX_CACHE_PATH", &self.cache).envs(settings);
    }
}

/// Runs a program in each way.
fn in_turns(
    environment: &Environment,
    corpus: &mut Corpus,
    program: &str,
    run: impl Fn(&Turn) -> Result<()>,
) -> Result<()> {
    let cache = environment.scratch_folder(&format!("compile/{program}/cache"))?;
    fs::remove_dir_all(&cache)?;
    let mut launched = false;
    for (way, name, tier) in
        [(Way::Quick, "quick", "quick"), (Way::Full, "full", "full"), (Way::Cached, "cached", "full")]
    {
        let folder = environment.scratch_folder(&format!("compile/{program}/{name}"))?;
        let turn = Turn { folder, cache: cache.clone(), tier };
        let folder = &turn.folder;
        let times = folder.join("apex-dump/times.jsonl");
        if times.exists() {
            fs::remove_file(&times)?;
        }
        run(&turn).with_context(|| format!("{program}, {name}"))?;
        // A program that loads no module leaves no file.
        let text = if times.exists() { fs::read_to_string(&times)? } else { String::new() };
        for line in text.lines() {
            match serde_json::from_str(line).with_context(|| format!("{}: {line}", times.display()))? {
                Line::Module { kernels } if matches!(way, Way::Quick) => {
                    corpus.modules += 1;
                    corpus.kernels_contained += kernels;
                }
                Line::Module { .. } => {}
                Line::Kernel { kernel, block, cached, instructions, steps } => {
                    launched = true;
                    let ms = |time: fn(&Step) -> f64| steps.iter().map(time).sum::<f64>() / 1e3;
                    let made = Made {
                        program: program.to_owned(),
                        kernel,
                        block,
                        instructions,
                        wall_ms: ms(|step| step.wall_us),
                        cpu_ms: ms(|step| step.cpu_us),
                        steps_cpu_ms: steps.iter().map(|step| (step.name.clone(), step.cpu_us / 1e3)).collect(),
                    };
                    match (way, cached) {
                        (Way::Quick, false) => corpus.quick.push(made),
                        (Way::Full, false) => corpus.compiled.push(made),
                        (Way::Cached, true) => corpus.cached.push(made),
                        // Two processes of a program, or a kernel with variables of its own, which is not kept.
                        _ => {}
                    }
                }
            }
        }
    }
    corpus.programs += usize::from(launched);
    Ok(())
}

fn run_case(toolchain: &Toolchain, case: &Case, program: &Path, turn: &Turn) -> Result<()> {
    let mut command = Command::new(program);
    toolchain.set_environment(&mut command);
    if let Some(capability) = case.only_capability() {
        command.env("APEX_SM", capability);
    }
    turn.observe(&mut command);
    let finished = process::run(&mut command, RUN_TIME_MAX)?;
    // Whether what it writes is right is what the tests are for.
    ensure!(finished.end == End::Exit(case.expected.exit_code), "{}\n{}", finished.end, finished.outputs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let module = r#"{"module":"00","kernels":3,"bytes":10,"steps":[]}"#;
        assert!(matches!(serde_json::from_str(module).unwrap(), Line::Module { kernels: 3 }));
        let kernel = r#"{"module":"00","kernel":"k","block":null,"cached":true,"steps":[{"name":"a","wall_us":1.0,"cpu_us":2.0}]}"#;
        let Line::Kernel { kernel, cached, instructions, steps, .. } = serde_json::from_str(kernel).unwrap() else {
            panic!("a module")
        };
        assert_eq!((kernel.as_str(), cached, instructions, steps.len()), ("k", true, None, 1));
    }
}
