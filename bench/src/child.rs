//! What a child process does. Each peer has one of its own, since each brings threads and a compiler, and two versions
//! of LLVM in a process do not go together.
//!
//! A child is given its work on the command line and further requests as lines on stdin; it answers with a line of JSON
//! each on stdout.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::peers::{self, Kind, Peer};
use crate::workload::Workload;

/// What a child is asked to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Request {
    /// To run repeatedly and say how long each run took.
    Measure {
        /// Runs that are made at least, however long they take.
        runs_min: usize,
        /// Time after which no further run is begun.
        budget_ms: f64,
    },
    /// To run once more from the first contents of all buffers on and leave the results again: code that is hot by now
    /// may be other code than that of the first run.
    Prove,
}

/// What a child says when it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// What the peer runs on.
    pub device: String,
    /// Time for compiling, loading and filling buffers.
    pub setup_ms: f64,
    /// Time of the first run, which is not among the others.
    pub first_run_ms: f64,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Times {
    /// The time of each run, if they were to be measured.
    pub times_ms: Vec<f64>,
}

/// The answer of a child that cannot go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Why.
    pub error: String,
}

/// Serves a kernel benchmark on a peer, until stdin ends.
///
/// # Errors
/// When the peer fails.
pub fn serve_kernel(environment: &Environment, kind: Kind, workload: &Workload) -> Result<()> {
    let start = Instant::now();
    let mut peer = peers::open(kind, environment, workload)?;
    let setup_ms = milliseconds(start.elapsed());
    let restored = workload.buffers.iter().enumerate().filter(|(_, buffer)| buffer.restored);
    let restored: Vec<(usize, Vec<u8>)> = restored.map(|(index, buffer)| (index, buffer.initial_bytes())).collect();
    let timed_run = |peer: &mut dyn Peer| -> Result<f64> {
        for (index, bytes) in &restored {
            peer.write(*index, bytes)?;
        }
        let start = Instant::now();
        peer.run()?;
        Ok(milliseconds(start.elapsed()))
    };

    let first_run_ms = timed_run(peer.as_mut())?;
    leave_results(environment, kind, workload, peer.as_mut())?;
    answer(&Ready { device: peer.device()?, setup_ms, first_run_ms })?;
    serve(|request: Request| match request {
        Request::Measure { runs_min, budget_ms } => {
            let start = Instant::now();
            let mut times_ms = Vec::new();
            while times_ms.len() < runs_min || milliseconds(start.elapsed()) < budget_ms {
                times_ms.push(timed_run(peer.as_mut())?);
            }
            Ok(Times { times_ms })
        }
        Request::Prove => {
            for (index, buffer) in workload.buffers.iter().enumerate() {
                peer.write(index, &buffer.initial_bytes())?;
            }
            peer.run()?;
            leave_results(environment, kind, workload, peer.as_mut())?;
            Ok(Times { times_ms: Vec::new() })
        }
    })
}

/// Writes all buffers that are compared to files.
fn leave_results(environment: &Environment, kind: Kind, workload: &Workload, peer: &mut dyn Peer) -> Result<()> {
    for (index, buffer) in workload.buffers.iter().enumerate() {
        if buffer.tolerance.is_some() {
            let path = result_path(environment, kind, workload, index)?;
            fs::write(&path, peer.read(index)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// Where a result of a peer is left for the comparison.
///
/// # Errors
/// When its folder cannot be made.
pub fn result_path(environment: &Environment, kind: Kind, workload: &Workload, buffer: usize) -> Result<PathBuf> {
    let name = format!("{}-{}-{}.bin", workload.name, workload.buffers[buffer].name, kind.name());
    Ok(environment.scratch_folder("results")?.join(name))
}

/// Answers requests until stdin ends.
///
/// # Errors
/// When a request makes no sense or `act` fails.
pub fn serve<R: for<'a> Deserialize<'a>, A: Serialize>(mut act: impl FnMut(R) -> Result<A>) -> Result<()> {
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?).context("a request makes no sense")?;
        answer(&act(request)?)?;
    }
    Ok(())
}

/// Writes a line of JSON to stdout.
///
/// # Errors
/// When nobody reads it.
pub fn answer(value: &impl Serialize) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(value)?)?;
    Ok(stdout.flush()?)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
