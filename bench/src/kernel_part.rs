//! The part `kernels`: the same kernels on all peers, in rounds, so that whatever else the machine does hits all alike.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::child::{self, Ready, Request, Times};
use crate::compare;
use crate::environment::Environment;
use crate::limits::{Limits, Measure};
use crate::peers::{self, Kind};
use crate::process::Process;
use crate::statistics::{Summary, summary};
use crate::workload::{Work, Workload};

/// Threads that wait actively for a next parallel region have given up after that time.
const PAUSE: Duration = Duration::from_millis(20);

/// How often the limits are measured in each round of a kernel that is held against one.
const LOOKS: usize = 3;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds; in each, every peer runs.
    pub rounds: usize,
    /// What a peer does in a round.
    pub request: Request,
}

/// The results of the part.
#[derive(Debug, Clone, Serialize)]
pub struct Kernels {
    /// What each peer runs on.
    pub devices: BTreeMap<Kind, String>,
    /// The limits of the machine: the most that was seen, as whatever else the machine does makes it less, and nothing more.
    pub limits: Limits,
    /// The kernels.
    pub kernels: Vec<Kernel>,
}

/// The results of a kernel.
#[derive(Debug, Clone, Serialize)]
pub struct Kernel {
    /// Its name.
    pub name: &'static str,
    /// What it computes, and how large it is.
    pub about: &'static str,
    /// How much work a run is.
    pub work: Work,
    /// The limits of the machine in each round, if the work is held against one.
    pub limits: Vec<Limits>,
    /// By peer.
    pub peers: BTreeMap<Kind, PeerResult>,
}

/// The results of a peer with a kernel.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PeerResult {
    /// Time for compiling, loading and filling buffers.
    pub setup_ms: f64,
    /// Time of the first run, which is not among the others.
    pub first_run_ms: f64,
    /// Median, minimum and number of all other runs.
    pub time_ms: Option<Summary>,
    /// The rate by the median.
    pub rate: Option<f64>,
    /// The rate as a part of the limit of the machine that holds for this kind of work: the median over rounds, of the limit in the same round.
    pub of_limit: Option<f64>,
    /// Of a kernel whose work is to move bytes: their rate as a part of the bandwidth of a triad, as above.
    pub of_triad: Option<f64>,
    /// The times of each round.
    pub rounds_ms: Vec<Vec<f64>>,
    /// Why there are no times, or why they are worth nothing.
    pub error: Option<String>,
}

/// Measures.
///
/// # Errors
/// When what all peers need is missing. What one of them fails with stands in its result.
pub fn run(environment: &Environment, workloads: &[Workload], kinds: &[Kind], effort: Effort) -> Result<Kernels> {
    let mut limits_process = Process::start(&["--child", "limits"], |_| Ok(()))?;
    limits_process.answer::<Limits>().context("the limits of the machine")?;
    let mut look = || -> Result<Limits> {
        let seen: Result<Vec<Limits>> = (0..LOOKS).map(|_| limits_process.ask(&Measure {})).collect();
        Ok(Limits::median(&seen?))
    };
    let mut seen = vec![look()?];
    let mut devices = BTreeMap::new();
    let mut kernels = Vec::new();
    for workload in workloads {
        eprintln!("bench: {}", workload.name);
        let measured = kernel(environment, workload, kinds, effort, &mut devices, &mut look)?;
        seen.extend(&measured.limits);
        kernels.push(measured);
    }
    let limits = Limits::best(&seen);
    Ok(Kernels { devices, limits, kernels })
}

fn kernel(
    environment: &Environment,
    workload: &Workload,
    kinds: &[Kind],
    effort: Effort,
    devices: &mut BTreeMap<Kind, String>,
    look: &mut impl FnMut() -> Result<Limits>,
) -> Result<Kernel> {
    let mut results = BTreeMap::new();
    let mut running = Vec::new();
    for &kind in kinds {
        let mut result = PeerResult::default();
        match start(environment, workload, kind) {
            Ok((process, ready)) => {
                (result.setup_ms, result.first_run_ms) = (ready.setup_ms, ready.first_run_ms);
                devices.insert(kind, ready.device);
                running.push((kind, process));
            }
            Err(error) => result.error = Some(format!("{error:#}")),
        }
        results.insert(kind, result);
    }
    check_results(environment, workload, &running, &mut results);

    let mut limits = Vec::new();
    for _ in 0..effort.rounds {
        if workload.work.limit(&Limits::default()).is_some() {
            thread::sleep(PAUSE);
            limits.push(look()?);
        }
        // Another one begins each time: a peer may leave the machine warm, or caches full, for the next.
        if !running.is_empty() {
            running.rotate_left(1);
        }
        for (kind, process) in &mut running {
            thread::sleep(PAUSE);
            let Some(result) = results.get_mut(kind) else { continue };
            if result.error.is_some() {
                continue;
            }
            match process.ask::<Times>(&effort.request) {
                Ok(times) => result.rounds_ms.push(times.times_ms),
                Err(error) => result.error = Some(format!("{error:#}")),
            }
        }
    }
    for (kind, process) in &mut running {
        let Some(result) = results.get_mut(kind).filter(|result| result.error.is_none()) else { continue };
        if let Err(error) = process.ask::<Times>(&Request::Prove) {
            result.error = Some(format!("{error:#}"));
        }
    }
    check_results(environment, workload, &running, &mut results);
    for result in results.values_mut() {
        result.time_ms = summary(&result.rounds_ms.concat());
        result.rate = result.time_ms.map(|time| workload.work.rate(time.median));
        result.of_limit = part_of(result, &limits, workload.work, |limits| workload.work.limit(limits));
        result.of_triad =
            part_of(result, &limits, workload.work, |limits| workload.work.bytes().map(|_| limits.triad_gb_per_s));
    }
    Ok(Kernel { name: workload.name, about: workload.about, work: workload.work, limits, peers: results })
}

/// The rate of each round as a part of a limit in that round: the median.
fn part_of(result: &PeerResult, limits: &[Limits], work: Work, limit: impl Fn(&Limits) -> Option<f64>) -> Option<f64> {
    let rounds = result.rounds_ms.iter().zip(limits);
    let parts = rounds.filter_map(|(times, limits)| Some(work.rate(summary(times)?.median) / limit(limits)?));
    summary(&parts.collect::<Vec<f64>>()).map(|summary| summary.median)
}

fn start(environment: &Environment, workload: &Workload, kind: Kind) -> Result<(Process, Ready)> {
    for index in 0..workload.buffers.len() {
        // There may be one of an earlier run, which must not be taken for that of this one.
        let _ = fs::remove_file(child::result_path(environment, kind, workload, index)?);
    }
    let mut process = Process::start(&["--child", "kernel", kind.name(), workload.name], |command| {
        peers::set_environment(kind, environment, command)
    })?;
    let ready = process.answer()?;
    Ok((process, ready))
}

/// Compares the results of all peers with those of the last that has any: plain C, if it is there.
fn check_results(
    environment: &Environment,
    workload: &Workload,
    running: &[(Kind, Process)],
    results: &mut BTreeMap<Kind, PeerResult>,
) {
    let mut kinds: Vec<Kind> = running.iter().map(|(kind, _)| *kind).collect();
    kinds.retain(|kind| results.get(kind).is_some_and(|result| result.error.is_none()));
    let Some(reference) = kinds.iter().copied().max() else { return };
    kinds.retain(|kind| *kind != reference);
    for (index, buffer) in workload.buffers.iter().enumerate() {
        let Some(tolerance) = buffer.tolerance else { continue };
        let read = |kind| -> Result<Vec<u8>> {
            let path = child::result_path(environment, kind, workload, index)?;
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            // They are large, and needed once.
            fs::remove_file(&path)?;
            Ok(bytes)
        };
        let expected = read(reference);
        for kind in &kinds {
            let compared = match &expected {
                Ok(expected) => read(*kind).and_then(|got| compare::compare(buffer, tolerance, expected, &got)),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            };
            if let (Err(error), Some(result)) = (compared, results.get_mut(kind)) {
                result.error = Some(format!("wrong result: {error:#} (from {})", reference.name()));
            }
        }
    }
}
