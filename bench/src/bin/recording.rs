//! What recording (`APEX_RECORD`) costs a launch, on the software GPU or in front of NVIDIA's driver.
//!
//!     recording LIBRARY_FOLDER [ROUNDS]
//!
//! Three processes launch by turns, one that is not recorded, one that is, and one that has times of the device too (`APEX_DEVICE_TIMES=1`; on the
//! software GPU they come in any case). A round is a burst of launches of each into a stream that something runs in: the figures are medians over the
//! rounds, and medians of the differences within rounds. It needs nothing but the library, so that it can be carried to a machine with a card.

#[path = "../driver.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod driver;
#[path = "../statistics.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod statistics;

use std::env;
use std::ffi::c_void;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::driver::{Driver, Handle};
use crate::statistics::summary;

/// Launches that are measured together: fewer than a stream takes before it makes the caller wait.
const LAUNCHES: usize = 256;
/// Rounds, unless told otherwise.
const ROUNDS: usize = 500;
/// Rounds before those that count.
const WARM_UP: usize = 20;

/// A kernel that does nothing, and one that says that it runs and waits until it may end.
const KERNELS: &[u8] = b".version 6.4
.target sm_75
.address_size 64
.visible .entry nothing() { ret; }
.visible .entry hold(.param .u64 flags)
{
    .reg .u64 %p<3>; .reg .u32 %r<2>; .reg .pred %q;
    ld.param.u64 %p1, [flags];
    cvta.to.global.u64 %p2, %p1;
    mov.u32 %r1, 1;
    st.volatile.global.u32 [%p2+256], %r1;
again:
    ld.volatile.global.u32 %r1, [%p2];
    setp.eq.u32 %q, %r1, 0;
    @%q bra again;
    ret;
}
\0";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [child, library] if child == "--child" => measure(Path::new(library)),
        [library] => compare(library, ROUNDS),
        [library, rounds] => match rounds.parse() {
            Ok(rounds) => compare(library, rounds),
            Err(_) => Err(anyhow::anyhow!("ROUNDS is a number")),
        },
        _ => Err(anyhow::anyhow!("usage: recording LIBRARY_FOLDER [ROUNDS]")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("recording: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A process that launches when it is told to.
struct Side {
    name: &'static str,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    times_ns: Vec<f64>,
}

impl Side {
    fn start(name: &'static str, library: &str, variables: &[(&str, &Path)]) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--child", library]).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env_remove("APEX_RECORD").env_remove("APEX_DEVICE_TIMES").envs(variables.iter().copied());
        let mut child = command.spawn()?;
        let to = child.stdin.take().context("a pipe")?;
        let from = BufReader::new(child.stdout.take().context("a pipe")?);
        Ok(Self { name, child, to, from, times_ns: Vec::new() })
    }

    fn burst(&mut self) -> Result<f64> {
        self.to.write_all(b"\n")?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        line.trim().parse().with_context(|| format!("{}: {line:?} is no time", self.name))
    }
}

fn compare(library: &str, rounds: usize) -> Result<()> {
    let folder = env::temp_dir().join(format!("apex-bench-recording-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (plain, timed) = (folder.join("recorded"), folder.join("timed"));
    let mut sides = [
        Side::start("not recorded", library, &[])?,
        Side::start("recorded", library, &[("APEX_RECORD", &plain)])?,
        Side::start(
            "recorded, device times",
            library,
            &[("APEX_RECORD", &timed), ("APEX_DEVICE_TIMES", Path::new("1"))],
        )?,
    ];
    for round in 0..WARM_UP + rounds {
        for side in &mut sides {
            let time = side.burst()?;
            if round >= WARM_UP {
                side.times_ns.push(time);
            }
        }
    }
    println!("{rounds} rounds of {LAUNCHES} launches, ns a launch");
    println!("{:<24} {:>8} {:>8} {:>11}", "", "median", "least", "difference");
    let base = sides[0].times_ns.clone();
    for mut side in sides {
        let differences: Vec<f64> = side.times_ns.iter().zip(&base).map(|(time, base)| time - base).collect();
        let (times, differences) = summary(&side.times_ns).zip(summary(&differences)).context("no rounds")?;
        println!("{:<24} {:>8.1} {:>8.1} {:>11.1}", side.name, times.median, times.min, differences.median);
        drop(side.to);
        ensure!(side.child.wait()?.success(), "{} failed", side.name);
    }
    for file in [&plain, &timed] {
        println!("{}: {} bytes", file.display(), std::fs::metadata(file).context("nothing was recorded")?.len());
    }
    Ok(std::fs::remove_dir_all(folder)?)
}

/// A child: a burst for each line.
fn measure(library: &Path) -> Result<()> {
    let driver = Driver::open(&PathBuf::from(library))?;
    let module = driver.load_module(KERNELS)?;
    let (nothing, hold) = (driver.function(module, "nothing")?, driver.function(module, "hold")?);
    let (mut stream, mut host, mut device) = (ptr::null_mut(), ptr::null_mut(), 0_u64);
    let functions = &driver.functions;
    // SAFETY: the outputs are of the types that the functions write.
    unsafe {
        driver.check("cuStreamCreate", (functions.stream_create)(&mut stream, 0))?;
        // CU_MEMHOSTALLOC_DEVICEMAP
        driver.check("cuMemHostAlloc", (functions.mem_host_alloc)(&mut host, 4096, 2))?;
        let code = (functions.mem_host_get_device_pointer)(&mut device, host, 0);
        driver.check("cuMemHostGetDevicePointer", code)?;
    }
    // SAFETY: the memory is the driver's, 4096 bytes, and is never freed.
    let (may_end, runs) = unsafe { (&*host.cast::<AtomicI32>(), &*host.byte_add(256).cast::<AtomicI32>()) };
    let mut parameters = [ptr::from_mut(&mut device).cast::<c_void>()];
    let mut launch = |function: Handle| {
        // SAFETY: the one kernel has one parameter, the other none.
        unsafe {
            let parameters = parameters.as_mut_ptr();
            (functions.launch_kernel)(function, 1, 1, 1, 1, 1, 1, 0, stream, parameters, ptr::null_mut())
        }
    };
    for line in std::io::stdin().lines() {
        line?;
        may_end.store(0, Ordering::SeqCst);
        runs.store(0, Ordering::SeqCst);
        driver.check("cuLaunchKernel", launch(hold))?;
        while runs.load(Ordering::SeqCst) == 0 {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        let code = (0..LAUNCHES).fold(0, |code, _| code | launch(nothing));
        let ns = start.elapsed().as_secs_f64() * 1e9 / LAUNCHES as f64;
        may_end.store(1, Ordering::SeqCst);
        driver.check("cuLaunchKernel", code)?;
        // SAFETY: the stream is ours.
        driver.check("cuStreamSynchronize", unsafe { (functions.stream_synchronize)(stream) })?;
        println!("{ns}");
    }
    Ok(())
}
