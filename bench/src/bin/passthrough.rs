//! What a call costs through our `libcuda.so.1` in front of NVIDIA's, beside the direct one.
//!
//!     passthrough OUR_LIBRARY NVIDIA_LIBRARY [ROUNDS]
//!
//! Both run in one process on one context, as ours loads the same library of NVIDIA's. A round measures a number of calls each way, in turns: the
//! figures are medians over the rounds, and the median of the differences within rounds. It needs nothing but the two files, so that it can be
//! carried to a machine with a card.

#[path = "../driver.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod driver;
#[path = "../statistics.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod statistics;

use std::env;
use std::ffi::c_int;
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
    // SAFETY: no other thread runs in this process yet.
    unsafe {
        env::set_var("APEX_BACKEND", "nvidia");
        env::set_var("APEX_REAL_LIBCUDA", &theirs);
    }
    let direct = Side::open(&theirs)?;
    let through = Side::open(&ours)?;
    ensure!(
        direct.driver.functions.launch_kernel as usize != through.driver.functions.launch_kernel as usize,
        "both files are one library"
    );
    let versions = (direct.driver.version()?, through.driver.version()?);
    let names = (direct.driver.device_name()?, through.driver.device_name()?);
    ensure!(
        versions.0 == versions.1 && names.0 == names.1,
        "{} is not in front of {}: it says {} {} where that says {} {}",
        ours.display(),
        theirs.display(),
        names.1,
        versions.1,
        names.0,
        versions.0
    );
    println!("device {}, driver {}, {rounds} rounds", names.0, versions.0);
    println!("{:<18} {:>11} {:>11} {:>13}", "ns a call", "direct", "through", "difference");
    let device_count = |side: &Side| {
        side.calls(|functions| {
            // SAFETY: the output is of the type that the function writes.
            unsafe { (functions.device_get_count)(&mut 0) }
        })
    };
    compare("cuDeviceGetCount", rounds, &direct, &through, &device_count)?;
    let current = |side: &Side| {
        side.calls(|functions| {
            // SAFETY: as above.
            unsafe { (functions.context_get_current)(&mut ptr::null_mut()) }
        })
    };
    compare("cuCtxGetCurrent", rounds, &direct, &through, &current)?;
    compare("cuLaunchKernel", rounds, &direct, &through, &Side::launches)
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

/// Measures a call both ways and prints a line. The way that goes first changes from round to round.
fn compare(
    name: &str,
    rounds: usize,
    direct: &Side,
    through: &Side,
    measure: &impl Fn(&Side) -> Result<f64>,
) -> Result<()> {
    for side in [direct, through] {
        measure(side)?;
    }
    let (mut direct_ns, mut through_ns, mut difference_ns) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (a, b) = if round % 2 == 0 {
            let a = measure(direct)?;
            (a, measure(through)?)
        } else {
            let b = measure(through)?;
            (measure(direct)?, b)
        };
        direct_ns.push(a);
        through_ns.push(b);
        difference_ns.push(b - a);
    }
    let median = |values: &[f64]| summary(values).map(|summary| summary.median).context("no rounds");
    println!(
        "{name:<18} {:>11.2} {:>11.2} {:>13.2}",
        median(&direct_ns)?,
        median(&through_ns)?,
        median(&difference_ns)?
    );
    Ok(())
}
