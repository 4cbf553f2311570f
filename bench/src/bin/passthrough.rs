//! What a call costs through our `libcuda.so.1` in front of NVIDIA's, without and with a recording, beside the direct one.
//!
//!     passthrough OUR_LIBRARY NVIDIA_LIBRARY [ROUNDS]
//!
//! All run in one process on one context, as ours loads the same library of NVIDIA's; what records is a copy of ours, since a library decides once
//! whether it does. A round measures a number of calls each way, in turns: the figures are medians over the rounds, and the medians of the differences
//! to the direct calls within rounds. It needs nothing but the two files, so that it can be carried to a machine with a card.

#[path = "../driver.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod driver;
#[path = "../statistics.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod statistics;

use std::env;
use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::ptr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::driver::{Driver, Handle};
use crate::statistics::summary;

/// Calls that are measured together.
const CALLS: usize = 20_000;
/// Launches that are measured together: fewer than a stream takes before it makes the caller wait.
const LAUNCHES: usize = 256;
/// Rounds, unless told otherwise.
const ROUNDS: usize = 200;

/// A kernel that does nothing, for any card of today.
const KERNEL: &[u8] = b".version 6.4\n.target sm_75\n.address_size 64\n.visible .entry nothing() { ret; }\n\0";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("passthrough: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    ensure!((2..=3).contains(&arguments.len()), "usage: passthrough OUR_LIBRARY NVIDIA_LIBRARY [ROUNDS]");
    let (ours, theirs) = (PathBuf::from(&arguments[0]), PathBuf::from(&arguments[1]));
    let rounds = match arguments.get(2) {
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).context("ROUNDS is a number")?,
        None => ROUNDS,
    };
    let scratch = tempfile::tempdir().context("there is no folder for a copy of our library")?;
    let (copy, recording) = (scratch.path().join("libcuda.so.1"), scratch.path().join("recording"));
    fs::copy(&ours, &copy).with_context(|| format!("cannot copy {}", ours.display()))?;
    // SAFETY: no other thread runs in this process yet.
    unsafe {
        env::set_var("APEX_BACKEND", "nvidia");
        env::set_var("APEX_REAL_LIBCUDA", &theirs);
        env::remove_var("APEX_RECORD");
    }
    let direct = Side::open(&theirs)?;
    let through = Side::open(&ours)?;
    // SAFETY: NVIDIA's driver has threads by now; they are not known to read variables while `cuInit` is not running.
    unsafe { env::set_var("APEX_RECORD", &recording) };
    let recorded = Side::open(&copy)?;
    let launch = |side: &Side| side.driver.functions.launch_kernel as usize;
    ensure!(launch(&direct) != launch(&through) && launch(&through) != launch(&recorded), "the files are one library");
    let name = direct.driver.device_name()?;
    let version = direct.driver.version()?;
    for side in [&through, &recorded] {
        let (other_name, other_version) = (side.driver.device_name()?, side.driver.version()?);
        ensure!(
            other_version == version && other_name == name,
            "{} is not in front of {}: it says {other_name} {other_version} where that says {name} {version}",
            ours.display(),
            theirs.display()
        );
    }
    ensure!(recording.exists(), "{} does not record", ours.display());
    let sides = [&direct, &through, &recorded];
    println!("device {name}, driver {version}, {rounds} rounds");
    println!(
        "{:<18} {:>9} {:>9} {:>9} {:>13} {:>13}",
        "ns a call", "direct", "through", "recorded", "through - d.", "recorded - d."
    );
    let device_count = |side: &Side| {
        side.calls(|functions| {
            // SAFETY: the output is of the type that the function writes.
            unsafe { (functions.device_get_count)(&mut 0) }
        })
    };
    compare("cuDeviceGetCount", rounds, sides, &device_count)?;
    let current = |side: &Side| {
        side.calls(|functions| {
            // SAFETY: as above.
            unsafe { (functions.context_get_current)(&mut ptr::null_mut()) }
        })
    };
    compare("cuCtxGetCurrent", rounds, sides, &current)?;
    compare("cuLaunchKernel", rounds, sides, &Side::launches)
}

/// A library, with the kernel loaded through it.
struct Side {
    driver: Driver,
    function: Handle,
    stream: Handle,
}

impl Side {
    fn open(library: &Path) -> Result<Self> {
        let driver = Driver::open_file(library)?;
        let module = driver.load_module(KERNEL)?;
        let function = driver.function(module, "nothing")?;
        let mut stream = ptr::null_mut();
        // SAFETY: the output is of the type that the function writes.
        driver.check("cuStreamCreate", unsafe { (driver.functions.stream_create)(&mut stream, 0) })?;
        Ok(Self { driver, function, stream })
    }

    /// The time of a call that takes one output.
    fn calls(&self, call: impl Fn(&driver::Functions) -> c_int) -> Result<f64> {
        let start = Instant::now();
        let mut failures = 0;
        for _ in 0..CALLS {
            failures += c_int::from(call(&self.driver.functions) != 0);
        }
        let ns = start.elapsed().as_secs_f64() * 1e9 / CALLS as f64;
        ensure!(failures == 0, "{failures} calls failed");
        Ok(ns)
    }

    /// The time of a launch into a stream with room for it.
    fn launches(&self) -> Result<f64> {
        let functions = &self.driver.functions;
        let mut code = 0;
        let start = Instant::now();
        for _ in 0..LAUNCHES {
            // SAFETY: the kernel has no parameters.
            code |= unsafe {
                let launch = functions.launch_kernel;
                launch(self.function, 1, 1, 1, 1, 1, 1, 0, self.stream, ptr::null_mut(), ptr::null_mut())
            };
        }
        let ns = start.elapsed().as_secs_f64() * 1e9 / LAUNCHES as f64;
        self.driver.check("cuLaunchKernel", code)?;
        // SAFETY: the stream is ours.
        self.driver.check("cuStreamSynchronize", unsafe { (functions.stream_synchronize)(self.stream) })?;
        Ok(ns)
    }
}

/// Measures a call each way and prints a line. The way that goes first changes from round to round.
fn compare(name: &str, rounds: usize, sides: [&Side; 3], measure: &impl Fn(&Side) -> Result<f64>) -> Result<()> {
    for side in sides {
        measure(side)?;
    }
    let mut times_ns: [Vec<f64>; 3] = Default::default();
    for round in 0..rounds {
        for place in 0..sides.len() {
            // All six orders.
            let place = if round % 2 == 0 { place } else { sides.len() - 1 - place };
            let side = (place + round / 2) % sides.len();
            times_ns[side].push(measure(sides[side])?);
        }
    }
    let median = |values: &[f64]| summary(values).map(|summary| summary.median).context("no rounds");
    let [direct, through, recorded] = &times_ns;
    let difference = |side: &[f64]| median(&side.iter().zip(direct).map(|(a, b)| a - b).collect::<Vec<_>>());
    println!(
        "{name:<18} {:>9.2} {:>9.2} {:>9.2} {:>13.2} {:>13.2}",
        median(direct)?,
        median(through)?,
        median(recorded)?,
        difference(through)?,
        difference(recorded)?
    );
    Ok(())
}
