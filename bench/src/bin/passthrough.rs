//! What a call costs through our `libcuda.so.1` in front of NVIDIA's, without and with a recording, beside the direct one.
//!
//!     passthrough OUR_LIBRARY NVIDIA_LIBRARY [ROUNDS [OTHER_BUILD_OF_OURS ...]]
//!
//! All run in one process on one context, as ours loads the same library of NVIDIA's; what records is a copy of ours, since a library decides once
//! whether it does, and another copy records with all ends of launches read from the clock (*all*). All launch the same function into the same stream, made through the copy: one stream may take a launch in 3.7 us and the next
//! in 3.8. A round measures a number of calls each way, in turns: the figures are medians over the rounds, and the medians of the differences
//! to the direct calls within rounds. An event has two times: so direct calls are measured once more between two reads of the processor's clock, which is
//! what no recording can do without. It needs nothing but the two files, so that it can be carried to a machine with a card.
//!
//! Call after call, all code of the call is in the processor's nearest caches. In a program that does other things between launches, little is: so
//! launches are measured with other code run in between, too.

#[path = "../driver.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod driver;
#[path = "../statistics.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod statistics;

use std::env;
use std::ffi::{c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::ptr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

use crate::driver::{Driver, Handle};
use crate::statistics::summary;

/// Calls that are measured together.
const CALLS: usize = 20_000;
/// Launches that are measured together: fewer than a stream takes before it makes the caller wait.
const LAUNCHES: usize = 256;
/// Launches of a round that have other code in between.
const APART: usize = 16;
/// Code that is run in between: more than the caches of a core hold.
const OTHER_CODE_BYTES: usize = 8 << 20;
/// Rounds, unless told otherwise.
const ROUNDS: usize = 1000;
/// As many rounds less are measured with other code in between, which takes long.
const ROUNDS_APART: usize = 5;

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
    ensure!(arguments.len() >= 2, "usage: passthrough OUR_LIBRARY NVIDIA_LIBRARY [ROUNDS [OTHER_BUILD_OF_OURS ...]]");
    let (ours, theirs) = (PathBuf::from(&arguments[0]), PathBuf::from(&arguments[1]));
    let rounds = match arguments.get(2) {
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).context("ROUNDS is a number")?,
        None => ROUNDS,
    };
    let scratch = tempfile::tempdir().context("there is no folder for a copy of our library")?;
    // SAFETY: no other thread runs in this process yet.
    unsafe {
        env::set_var("APEX_BACKEND", "nvidia");
        env::set_var("APEX_REAL_LIBCUDA", &theirs);
        env::remove_var("APEX_RECORD");
    }
    let direct = Side::open(&theirs)?;
    let through = Side::open(&ours)?;
    let mut recorded = Vec::new();
    for (number, build) in [&arguments[0]].into_iter().chain(arguments.iter().skip(3)).enumerate() {
        recorded.push(Side::recording(Path::new(build), &scratch.path().join(number.to_string()), "sampled")?);
    }
    recorded.push(Side::recording(&ours, &scratch.path().join("all"), "all")?);
    let mut launches: Vec<_> = [&direct, &through].into_iter().chain(&recorded).map(Side::launch_address).collect();
    launches.sort_unstable();
    ensure!(launches.windows(2).all(|pair| pair[0] != pair[1]), "the files are one library");
    let name = direct.driver.device_name()?;
    let version = direct.driver.version()?;
    for side in [&through].into_iter().chain(&recorded) {
        let (other_name, other_version) = (side.driver.device_name()?, side.driver.version()?);
        ensure!(
            other_version == version && other_name == name,
            "{} is not in front of {}: it says {other_name} {other_version} where that says {name} {version}",
            ours.display(),
            theirs.display()
        );
    }
    let kernel = Kernel::load(&recorded[0])?;
    let clocked = Side { is_clocked: true, ..direct };
    let sides: Vec<_> = [&direct, &clocked, &through].into_iter().chain(&recorded).collect();
    println!("device {name}, driver {version}, {rounds} rounds, a read of the clock {:.1} ns", clock_read_ns());
    let recordings = recorded[1..].iter().map(|_| "recorded").chain(["all"]);
    let columns = ["clocked", "through"].into_iter().chain(recordings);
    let columns: String = columns.map(|name| format!(" {name:>9}")).collect();
    println!("{:<20} {:>9}{columns}   less direct:{columns}", "ns a call", "direct");
    let device_count = |side: &Side| {
        side.calls(|functions| {
            // SAFETY: the output is of the type that the function writes.
            unsafe { (functions.device_get_count)(&mut 0) }
        })
    };
    compare("cuDeviceGetCount", rounds, &sides, &device_count)?;
    let current = |side: &Side| {
        side.calls(|functions| {
            // SAFETY: as above.
            unsafe { (functions.context_get_current)(&mut ptr::null_mut()) }
        })
    };
    compare("cuCtxGetCurrent", rounds, &sides, &current)?;
    let own = |side: &Side| side.launches(kernel);
    let default_stream = Kernel { stream: ptr::null_mut(), ..kernel };
    let default = |side: &Side| side.launches(default_stream);
    compare("cuLaunchKernel", rounds, &sides, &own)?;
    compare("  default stream", rounds, &sides, &default)?;
    let other_code = OtherCode::new().context("there is no memory for code")?;
    compare("  after other code", rounds / ROUNDS_APART, &sides, &|side| side.launch_apart(kernel, &other_code))?;
    compare("  both", rounds / ROUNDS_APART, &sides, &|side| side.launch_apart(default_stream, &other_code))
}

/// Code that does nothing, and a lot of it.
struct OtherCode(extern "C" fn());

impl OtherCode {
    fn new() -> Result<Self> {
        const NO_OPERATION: [u8; 8] = [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
        const RETURN: u8 = 0xc3;
        // SAFETY: fresh memory, which is filled up to its end before it becomes code, and never given back.
        unsafe {
            let at = mmap_anonymous(
                ptr::null_mut(),
                OTHER_CODE_BYTES,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )?;
            let bytes = std::slice::from_raw_parts_mut(at.cast::<u8>(), OTHER_CODE_BYTES);
            bytes.chunks_exact_mut(NO_OPERATION.len()).for_each(|place| place.copy_from_slice(&NO_OPERATION));
            bytes[OTHER_CODE_BYTES - NO_OPERATION.len()] = RETURN;
            mprotect(at, OTHER_CODE_BYTES, MprotectFlags::READ | MprotectFlags::EXEC)?;
            Ok(Self(std::mem::transmute::<*mut c_void, extern "C" fn()>(at)))
        }
    }
}

/// What a recording reads twice for an event.
fn clock_read_ns() -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        std::hint::black_box(clock());
    }
    start.elapsed().as_secs_f64() * 1e9 / CALLS as f64
}

#[cfg(target_arch = "x86_64")]
fn clock() -> u64 {
    // SAFETY: every x86-64 has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn clock() -> Instant {
    Instant::now()
}

/// What is launched, and where.
#[derive(Clone, Copy)]
struct Kernel {
    function: Handle,
    stream: Handle,
}

impl Kernel {
    fn load(side: &Side) -> Result<Self> {
        let driver = &side.driver;
        let function = driver.function(driver.load_module(KERNEL)?, "nothing")?;
        let mut stream = ptr::null_mut();
        // SAFETY: the output is of the type that the function writes.
        driver.check("cuStreamCreate", unsafe { (driver.functions.stream_create)(&mut stream, 0) })?;
        Ok(Self { function, stream })
    }
}

/// A library.
#[derive(Clone, Copy)]
struct Side {
    driver: Driver,
    /// The clock is read before a call, and after it.
    is_clocked: bool,
}

impl Side {
    fn open(library: &Path) -> Result<Self> {
        Ok(Self { driver: Driver::open_file(library)?, is_clocked: false })
    }

    /// A copy of a build of ours that records into a file, with these of launches' times.
    fn recording(build: &Path, file: &Path, call_times: &str) -> Result<Self> {
        let copy = file.with_extension("so");
        fs::copy(build, &copy).with_context(|| format!("cannot copy {}", build.display()))?;
        // SAFETY: NVIDIA's driver has threads by now; they are not known to read variables while `cuInit` is not running.
        unsafe {
            env::set_var("APEX_RECORD", file);
            env::set_var("APEX_CALL_TIMES", call_times);
        }
        let side = Self::open(&copy)?;
        Kernel::load(&side)?;
        ensure!(file.exists(), "{} does not record", build.display());
        Ok(side)
    }

    fn launch_address(&self) -> usize {
        self.driver.functions.launch_kernel as usize
    }

    /// Calls, between two reads of the clock where that is asked for.
    #[inline(always)]
    fn call(&self, call: impl FnOnce(&driver::Functions) -> c_int) -> c_int {
        if self.is_clocked {
            let start = clock();
            let code = call(&self.driver.functions);
            std::hint::black_box((start, clock()));
            code
        } else {
            call(&self.driver.functions)
        }
    }

    /// The time of a call that takes one output.
    fn calls(&self, call: impl Fn(&driver::Functions) -> c_int) -> Result<f64> {
        let start = Instant::now();
        let mut failures = 0;
        for _ in 0..CALLS {
            failures += c_int::from(self.call(&call) != 0);
        }
        let ns = start.elapsed().as_secs_f64() * 1e9 / CALLS as f64;
        ensure!(failures == 0, "{failures} calls failed");
        Ok(ns)
    }

    /// The time of a launch into a stream with room for it.
    fn launches(&self, kernel: Kernel) -> Result<f64> {
        let start = Instant::now();
        let code = (0..LAUNCHES).fold(0, |code, _| code | self.launch(kernel));
        let ns = start.elapsed().as_secs_f64() * 1e9 / LAUNCHES as f64;
        self.finish(kernel.stream, code)?;
        Ok(ns)
    }

    /// The median time of a launch after other code.
    fn launch_apart(&self, kernel: Kernel, other_code: &OtherCode) -> Result<f64> {
        let mut code = 0;
        let times_ns = [(); APART].map(|()| {
            (other_code.0)();
            // The clock's own code is in the caches again.
            std::hint::black_box(Instant::now());
            let start = Instant::now();
            code |= self.launch(kernel);
            start.elapsed().as_secs_f64() * 1e9
        });
        self.finish(kernel.stream, code)?;
        summary(&times_ns).map(|summary| summary.median).context("no launches")
    }

    fn launch(&self, kernel: Kernel) -> c_int {
        self.call(|functions| {
            let launch = functions.launch_kernel;
            // SAFETY: the kernel has no parameters, and is of the driver that all have below.
            unsafe { launch(kernel.function, 1, 1, 1, 1, 1, 1, 0, kernel.stream, ptr::null_mut(), ptr::null_mut()) }
        })
    }

    fn finish(&self, stream: Handle, code: c_int) -> Result<()> {
        self.driver.check("cuLaunchKernel", code)?;
        // SAFETY: the stream is ours.
        self.driver.check("cuStreamSynchronize", unsafe { (self.driver.functions.stream_synchronize)(stream) })
    }
}

/// Measures a call each way and prints a line. The way that goes first changes from round to round.
fn compare(name: &str, rounds: usize, sides: &[&Side], measure: &impl Fn(&Side) -> Result<f64>) -> Result<()> {
    for side in sides {
        measure(side)?;
    }
    let mut times_ns = vec![Vec::new(); sides.len()];
    for round in 0..rounds {
        for place in 0..sides.len() {
            // Each goes first as often, forwards and backwards.
            let place = if round % 2 == 0 { place } else { sides.len() - 1 - place };
            let side = (place + round / 2) % sides.len();
            times_ns[side].push(measure(sides[side])?);
        }
    }
    let median = |values: &[f64]| summary(values).map(|summary| summary.median).context("no rounds");
    let direct = &times_ns[0];
    let difference = |side: &[f64]| median(&side.iter().zip(direct).map(|(a, b)| a - b).collect::<Vec<_>>());
    print!("{name:<20}");
    for side in &times_ns {
        print!(" {:>9.2}", median(side)?);
    }
    print!("             ");
    for side in &times_ns[1..] {
        print!(" {:>9.2}", difference(side)?);
    }
    println!();
    Ok(())
}
