//! The part `launch`: what a launch costs the program that makes it, and how long one takes to the end.

use std::ffi::c_void;
use std::fs;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::child;
use crate::compile;
use crate::control::Controlled;
use crate::driver::{Driver, Handle};
use crate::environment::{self, Environment};
use crate::peers::{self, Kind};
use crate::process::Process;
use crate::statistics::summary;

/// Launches in a row, while the stream is busy.
const BURST: usize = 256;

/// The results of the part.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Launch {
    /// `cuLaunchKernel` of an empty kernel into a stream that something runs in.
    pub enqueue: Enqueue,
    /// The same with four arguments.
    pub enqueue_four_arguments: Enqueue,
    /// `cuLaunchKernel` of an empty kernel and `cuStreamSynchronize`: median.
    pub round_trip_us: f64,
    /// The same with a kernel that adds to a number in memory, which is looked at afterwards.
    pub round_trip_counting_us: f64,
}

/// What it takes to append a launch: medians over bursts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Enqueue {
    /// Of those that had a core to themselves.
    pub undisturbed_ns: f64,
    /// Of all.
    pub all_ns: f64,
    /// Share of those that had a core to themselves.
    pub undisturbed_share: f64,
}

/// What is asked of us.
pub const ENQUEUE_NS_ASKED: f64 = 100.0;
/// What is asked of us.
pub const ROUND_TRIP_US_ASKED: f64 = 3.0;
/// What an NVIDIA H200 takes.
pub const ENQUEUE_NS_H200: f64 = 2497.0;
/// What an NVIDIA H200 takes.
pub const ROUND_TRIP_US_H200: f64 = 7.314;

/// Measures, in a process of its own.
///
/// # Errors
/// When the driver fails.
pub fn run(environment: &Environment, quick: bool) -> Result<Launch> {
    let bursts = if quick { "50" } else { "500" };
    let mut process = Process::start(&["--child", "launch", bursts], |command| {
        peers::set_environment(Kind::Apex, environment, command)
    })?;
    process.answer()
}

/// The child's side.
///
/// # Errors
/// When the driver fails.
pub fn measure(environment: &Environment, bursts: usize) -> Result<()> {
    let fatbin = compile::fatbin(environment, &environment::sources().join("launch/kernels.cu"))?;
    let image = fs::read(&fatbin).with_context(|| format!("cannot read {}", fatbin.display()))?;
    let driver = Driver::open(&environment.lib_dir)?;
    let module = driver.load_module(&image)?;
    let mut stream = ptr::null_mut();
    // SAFETY: the output is of the type that the function writes.
    driver.check("cuStreamCreate", unsafe { (driver.functions.stream_create)(&mut stream, 0) })?;
    let stream = Stream { driver, stream };

    let nothing = Call::new(driver.function(module, "nothing")?, vec![]);
    let data = driver.allocate(4096)?;
    let four = Call::new(driver.function(module, "nothing_of_four")?, vec![data, data, data, 1024]);
    let launches = driver.allocate(4)?;
    driver.write(launches, &[0; 4])?;
    let counting = Call::new(driver.function(module, "count")?, vec![launches]);
    let mut flag = Flag::new(driver, driver.function(module, "wait_until_set")?)?;

    let round_trips = bursts * 40;
    let figures = Launch {
        enqueue: stream.enqueue(&mut flag, nothing.clone(), bursts)?,
        enqueue_four_arguments: stream.enqueue(&mut flag, four, bursts)?,
        round_trip_us: stream.round_trip_us(nothing, round_trips)?,
        round_trip_counting_us: stream.round_trip_us(counting, round_trips)?,
    };
    let bytes = driver.read(launches, 4)?;
    let counted = u32::from_le_bytes(bytes.as_slice().try_into()?);
    ensure!(counted as usize == round_trips + 1, "of {} launches, {counted} were carried out", round_trips + 1);
    child::answer(&figures)
}

/// A kernel with its arguments.
#[derive(Clone)]
struct Call {
    function: Handle,
    values: Vec<u64>,
}

impl Call {
    fn new(function: Handle, values: Vec<u64>) -> Self {
        Self { function, values }
    }

    fn pointers(&mut self) -> Vec<*mut c_void> {
        self.values.iter_mut().map(|value| ptr::from_mut(value).cast()).collect()
    }
}

struct Stream {
    driver: Driver,
    stream: Handle,
}

impl Stream {
    fn launch(&self, function: Handle, pointers: &mut [*mut c_void]) -> Result<()> {
        // SAFETY: there is a pointer for each parameter of the kernel, as kernels.cu declares them.
        let code = unsafe {
            let launch = self.driver.functions.launch_kernel;
            launch(function, 1, 1, 1, 1, 1, 1, 0, self.stream, pointers.as_mut_ptr(), ptr::null_mut())
        };
        self.driver.check("cuLaunchKernel", code)
    }

    fn synchronize(&self) -> Result<()> {
        // SAFETY: the stream is ours.
        let code = unsafe { (self.driver.functions.stream_synchronize)(self.stream) };
        self.driver.check("cuStreamSynchronize", code)
    }

    fn enqueue(&self, flag: &mut Flag, mut call: Call, bursts: usize) -> Result<Enqueue> {
        let mut pointers = call.pointers();
        let mut times_ns = Controlled::default();
        self.burst(flag, &call, &mut pointers, &mut Controlled::default())?; // brings the kernel's code
        for _ in 0..bursts {
            self.burst(flag, &call, &mut pointers, &mut times_ns)?;
        }
        times_ns.summary().context("no bursts")
    }

    /// Launches a number of times while something runs in the stream, and waits until all is done.
    fn burst(
        &self,
        flag: &mut Flag,
        call: &Call,
        pointers: &mut [*mut c_void],
        times_ns: &mut Controlled,
    ) -> Result<()> {
        flag.set(false);
        self.launch(flag.call.function, &mut flag.call.pointers())?;
        flag.wait_until_running();
        times_ns.add(|| {
            let start = Instant::now();
            for _ in 0..BURST {
                self.launch(call.function, pointers)?;
            }
            anyhow::Ok(start.elapsed().as_secs_f64() * 1e9 / BURST as f64)
        })?;
        flag.set(true);
        self.synchronize()
    }

    fn round_trip_us(&self, mut call: Call, count: usize) -> Result<f64> {
        let mut pointers = call.pointers();
        let mut times_us = Vec::new();
        for round in 0..=count {
            let start = Instant::now();
            self.launch(call.function, &mut pointers)?;
            self.synchronize()?;
            if round > 0 {
                times_us.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        Ok(summary(&times_us).context("no launches")?.median)
    }
}

/// Two numbers in memory that host and device see, and the kernel that says with the second that it runs, and waits until the first
/// is set.
struct Flag {
    host: *const AtomicI32,
    call: Call,
}

/// Bytes between the two numbers, so that they do not share a cache line.
const RUNNING_OFFSET: usize = 256;

impl Flag {
    fn new(driver: Driver, function: Handle) -> Result<Self> {
        let (mut host, mut device) = (ptr::null_mut(), 0);
        // SAFETY: the outputs are of the types that the functions write.
        unsafe {
            // CU_MEMHOSTALLOC_DEVICEMAP
            driver.check("cuMemHostAlloc", (driver.functions.mem_host_alloc)(&mut host, 4096, 2))?;
            let code = (driver.functions.mem_host_get_device_pointer)(&mut device, host, 0);
            driver.check("cuMemHostGetDevicePointer", code)?;
        }
        let call = Call::new(function, vec![device, device + RUNNING_OFFSET as u64]);
        Ok(Self { host: host.cast_const().cast(), call })
    }

    /// Lets the kernel end, or makes the next one wait.
    fn set(&self, ends: bool) {
        if !ends {
            self.value(RUNNING_OFFSET).store(0, Ordering::Release);
        }
        self.value(0).store(ends.into(), Ordering::Release);
    }

    fn wait_until_running(&self) {
        while self.value(RUNNING_OFFSET).load(Ordering::Acquire) == 0 {
            std::hint::spin_loop();
        }
    }

    fn value(&self, offset: usize) -> &AtomicI32 {
        // SAFETY: the memory is the driver's, 4096 bytes aligned to a page, and is never freed.
        unsafe { &*self.host.byte_add(offset) }
    }
}
