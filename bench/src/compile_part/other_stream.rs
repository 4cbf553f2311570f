//! What launches in one stream notice of the compilation of a large kernel for another one.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::library::{HEAD, kernel, launch, result};
use crate::child;
use crate::driver::{Driver, Handle};
use crate::environment::Environment;

/// Steps of the large kernel.
const ROUNDS: u32 = 1200;
/// Round trips before the compilation, for comparison.
const ALONE: usize = 2000;

/// The results: times of launches of a small kernel with `cuStreamSynchronize`.
#[derive(Debug, Serialize, Deserialize)]
pub struct OtherStream {
    /// What the large kernel took until its result was there.
    pub compilation_ms: f64,
    /// Round trips while nothing was compiled.
    pub alone: Trips,
    /// Round trips during the compilation.
    pub meanwhile: Trips,
}

/// Round trips.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trips {
    /// How many.
    pub count: usize,
    /// The median.
    pub median_us: f64,
    /// Of a hundred, all but one are faster.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
}

impl Trips {
    fn of(mut times_us: Vec<f64>) -> Result<Self> {
        times_us.sort_by(f64::total_cmp);
        let at = |part: f64| times_us.get((part * (times_us.len().saturating_sub(1)) as f64) as usize).copied();
        Ok(Self {
            count: times_us.len(),
            median_us: at(0.5).context("no launch came through during the compilation")?,
            p99_us: at(0.99).context("no launches")?,
            max_us: at(1.0).context("no launches")?,
        })
    }
}

/// The child's side.
///
/// # Errors
/// When the driver fails, a result is wrong, or no launch came through during the compilation.
pub fn measure(environment: &Environment) -> Result<()> {
    let driver = Driver::open(&environment.lib_dir)?;
    // In one module: what is locked for a kernel must not stop another of the same module either.
    let text = format!("{HEAD}{}{}\0", kernel("small", 1, 1), kernel("large", 2, ROUNDS));
    let module = driver.load_module(text.as_bytes())?;
    let (small, large) = (driver.function(module, "small")?, driver.function(module, "large")?);
    let output = driver.allocate(2 * 1024)?;
    let [first, second] = [stream(driver)?, stream(driver)?];
    let round_trip_us = || -> Result<f64> {
        let start = Instant::now();
        launch(driver, small, first, 1, output)?;
        synchronize(driver, first)?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    round_trip_us()?; // brings the kernel's code
    let alone = (0..ALONE).map(|_| round_trip_us()).collect::<Result<Vec<f64>>>()?;

    let is_done = AtomicBool::new(false);
    let (compilation_ms, meanwhile) = thread::scope(|scope| -> Result<(f64, Vec<f64>)> {
        let large = Handles { function: large, stream: second, context: context(driver)? };
        let is_done = &is_done;
        let compilation = scope.spawn(move || {
            let result = large.run(driver, output + 1024);
            is_done.store(true, Ordering::Release);
            result
        });
        let mut times_us = Vec::new();
        while !is_done.load(Ordering::Acquire) {
            times_us.push(round_trip_us()?);
        }
        let compilation_ms = compilation.join().ok().context("the thread that compiles panicked")??;
        Ok((compilation_ms, times_us))
    })?;

    for (offset, seed, rounds) in [(0, 1, 1), (1024, 2, ROUNDS)] {
        for (index, value) in driver.read(output + offset, 1024)?.chunks_exact(4).enumerate() {
            let value = u32::from_le_bytes(value.try_into()?);
            ensure!(value == result(seed, rounds, index as u32), "element {index} after {rounds} rounds is {value}");
        }
    }
    child::answer(&OtherStream { compilation_ms, alone: Trips::of(alone)?, meanwhile: Trips::of(meanwhile)? })
}

/// The large kernel and where it runs.
struct Handles {
    function: Handle,
    stream: Handle,
    context: Handle,
}

// SAFETY: handles of the driver may be used by any thread.
unsafe impl Send for Handles {}

impl Handles {
    /// Makes the context current, launches and waits. Returns how long that took, in ms.
    fn run(self, driver: Driver, output: u64) -> Result<f64> {
        // SAFETY: the context is that of the driver's thread, which outlives this one.
        driver.check("cuCtxSetCurrent", unsafe { (driver.functions.context_set_current)(self.context) })?;
        let start = Instant::now();
        launch(driver, self.function, self.stream, 1, output)?;
        synchronize(driver, self.stream)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

fn context(driver: Driver) -> Result<Handle> {
    let mut context = ptr::null_mut();
    // SAFETY: the output is of the type that the function writes.
    driver.check("cuCtxGetCurrent", unsafe { (driver.functions.context_get_current)(&mut context) })?;
    Ok(context)
}

fn stream(driver: Driver) -> Result<Handle> {
    let mut stream = ptr::null_mut();
    // CU_STREAM_NON_BLOCKING
    // SAFETY: the output is of the type that the function writes.
    driver.check("cuStreamCreate", unsafe { (driver.functions.stream_create)(&mut stream, 1) })?;
    Ok(stream)
}

fn synchronize(driver: Driver, stream: Handle) -> Result<()> {
    // SAFETY: the stream is ours.
    driver.check("cuStreamSynchronize", unsafe { (driver.functions.stream_synchronize)(stream) })
}
