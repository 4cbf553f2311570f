//! Benchmarks: kernels on our driver beside OpenCL and plain C on the same processor, the cost of a launch, the time of
//! a program's start. `cargo xtask bench` runs it.
//!
//! Invariant: sees the driver as any program does, through `libcuda.so.1` and `apex`.
//!
//! Invariant: a figure is printed only of results that all peers agree on; a peer that fails makes the run fail.

mod child;
mod compare;
mod compile;
mod compile_part;
mod control;
mod driver;
mod environment;
mod kernel_part;
mod kernels;
mod launch_part;
mod limits;
mod machine;
mod memory;
mod peers;
mod process;
mod random;
mod report;
mod sparse;
mod start_part;
mod statistics;
mod workload;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::child::{Failure, Request};
use crate::compile_part::Compile;
use crate::environment::Environment;
use crate::kernel_part::{Effort, Kernels};
use crate::launch_part::Launch;
use crate::machine::Machine;
use crate::peers::Kind;
use crate::start_part::Start;

/// The parts of a run.
const PARTS: &[&str] = &["kernels", "scaling", "launch", "start", "compile"];

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", about = "Measures APEX beside its peers on this machine")]
struct Options {
    /// Parts to run (kernels, scaling, launch, start, compile) and names of kernels, or parts of names; without any, everything.
    filters: Vec<String>,
    /// Fewer rounds: for a look, not for figures that one reports.
    #[arg(long)]
    quick: bool,
    /// Where the results are written; otherwise bench.json in the target folder.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Rounds of the kernels.
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<usize>,
    /// Peers to run, separated by commas. `apex,static` shows what adaptive choice gains.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::USUAL)]
    peers: Vec<Kind>,
    /// What a child process is to do.
    #[arg(long, hide = true, num_args = 1..)]
    child: Vec<String>,
}

/// Everything that a run found out.
#[derive(Debug, Serialize)]
struct Results {
    machine: Machine,
    quick: bool,
    /// How much of the processors other programs had during the run, as a part of one.
    others_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<Kernels>,
    /// The kernels with one core and with all.
    #[serde(skip_serializing_if = "Option::is_none")]
    scaling: Option<Kernels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launch: Option<Launch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Vec<Start>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compile: Option<Compile>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let words: Vec<&str> = options.child.iter().map(String::as_str).collect();
    if words.is_empty() {
        let Err(error) = run(&options) else { return ExitCode::SUCCESS };
        eprintln!("bench: {error:#}");
        return ExitCode::FAILURE;
    }
    let Err(error) = child(&words) else { return ExitCode::SUCCESS };
    // Nobody may be there any more to hear it.
    let _ = child::answer(&Failure { error: format!("{error:#}") });
    ExitCode::FAILURE
}

fn child(words: &[&str]) -> Result<()> {
    let environment = Environment::find()?;
    match words {
        ["kernel", kind, name] => {
            let kind = Kind::from_str(kind, false).map_err(anyhow::Error::msg)?;
            child::serve_kernel(&environment, kind, &kernels::by_name(name)?)
        }
        ["limits"] => limits::serve(&environment),
        ["compile", what] => compile_part::measure(&environment, what),
        ["launch", bursts] => launch_part::measure(&environment, bursts.parse()?),
        _ => bail!("a child process cannot do {words:?}"),
    }
}

fn run(options: &Options) -> Result<()> {
    let environment = Environment::find()?;
    let json = match &options.json {
        Some(path) => path.clone(),
        None => environment::target()?.join("bench.json"),
    };
    let (parts, names): (Vec<&str>, Vec<&str>) =
        options.filters.iter().map(String::as_str).partition(|filter| PARTS.contains(filter));
    let mut workloads = kernels::all();
    for name in &names {
        ensure!(
            workloads.iter().any(|workload| workload.name.contains(name)),
            "\"{name}\" is neither a part ({}) nor in the name of a kernel ({})",
            PARTS.join(", "),
            workloads.iter().map(|workload| workload.name).collect::<Vec<_>>().join(", ")
        );
    }
    workloads.retain(|workload| names.is_empty() || names.iter().any(|name| workload.name.contains(name)));
    // The name of a kernel asks for the part that it is in.
    let wants = |part: &str| match part {
        "kernels" if !names.is_empty() && !parts.contains(&"scaling") => true,
        _ => parts.contains(&part) || options.filters.is_empty(),
    };

    let mut results = Results {
        machine: machine::look(),
        quick: options.quick,
        others_share: None,
        kernels: None,
        scaling: None,
        launch: None,
        start: None,
        compile: None,
    };
    println!("{}", report::machine(&results.machine));
    let before = machine::ProcessorTime::now();
    if wants("kernels") {
        let kernels = kernel_part::run(&environment, &workloads, &options.peers, effort(options))?;
        println!("{}", report::kernels(&kernels));
        results.kernels = Some(kernels);
    }
    if wants("scaling") {
        let kinds = [Kind::ApexOne, Kind::Apex];
        let scaling = kernel_part::run(&environment, &workloads, &kinds, effort(options))?;
        println!("{}", report::scaling(&scaling));
        results.scaling = Some(scaling);
    }
    if wants("launch") {
        let launch = launch_part::run(&environment, options.quick)?;
        println!("{}", report::launch(&launch));
        results.launch = Some(launch);
    }
    if wants("start") {
        let start = start_part::run(&environment, options.quick)?;
        for start in &start {
            println!("{}", report::start(start));
        }
        results.start = Some(start);
    }
    if wants("compile") {
        let compile = compile_part::run(&environment, options.quick)?;
        println!("{}", compile_part::text(&compile));
        results.compile = Some(compile);
    }
    results.others_share = machine::others_share(before, machine::ProcessorTime::now());
    if let Some(share) = results.others_share {
        println!("Other programs had {:.0} % of the processors during the run.", 100.0 * share);
    }
    let text = serde_json::to_string_pretty(&results)?;
    fs::write(&json, text + "\n").with_context(|| format!("cannot write {}", json.display()))?;
    let kernels = results.kernels.iter().chain(&results.scaling).flat_map(|kernels| &kernels.kernels);
    let failed = kernels.flat_map(|kernel| kernel.peers.values());
    let failed = failed.filter(|result| result.error.is_some()).count();
    ensure!(failed == 0, "{failed} of the peers' kernels failed or gave wrong results");
    Ok(())
}

fn effort(options: &Options) -> Effort {
    let (rounds, budget_ms) = if options.quick { (3, 100.0) } else { (15, 200.0) };
    Effort { rounds: options.rounds.unwrap_or(rounds), request: Request::Measure { runs_min: 1, budget_ms } }
}
