//! `apex run`: becomes the program, with the loader told to take our `libcuda.so.1`.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use driver_api::env;
use nvidia_finder::Decision;

use crate::device_options::DeviceOptions;
use crate::library;

/// What shells answer for a program that is not there, and for one that cannot be started.
const EXIT_NOT_FOUND: u8 = 127;
const EXIT_NOT_EXECUTABLE: u8 = 126;

/// Switches of frameworks that make them hand PTX to the driver instead of machine code: (variable, value). One that
/// the user has set stays as it is.
const FRAMEWORK_SWITCHES: &[(&str, &str)] = &[
    // CuPy compiles with NVRTC, to machine code unless told otherwise.
    ("CUPY_COMPILE_WITH_PTX", "1"),
];

/// Run a program on NVIDIA's card or on the software GPU.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("observed").args(["record", "live"]).multiple(true)))]
pub struct Args {
    #[command(flatten)]
    device: DeviceOptions,
    /// Count what kernels do, exactly: a table on stderr when the program exits, and everything in a file as JSON (%p in its name stands
    /// for the process)
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    counters: Option<String>,
    /// Check what kernels do: memory, race, init, sync, separated by commas, or all. What is wrong is told on stderr, and a program that would
    /// end with 0 ends with 86
    #[arg(long, value_name = "LIST", conflicts_with = "counters", value_parser = checks)]
    check: Option<String>,
    /// Put what the checks find in a file as JSON (%p in its name stands for the process)
    #[arg(long, value_name = "FILE", requires = "check")]
    check_report: Option<String>,
    /// Record launches, copies, allocations and more in a file, for `apex report` and `apex export` (%p in its name stands for the process)
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Read the clock after each launch that is recorded (all), not after one in 32 where a thread launches again and again (sampled, the default)
    #[arg(long, requires = "observed", value_parser = ["sampled", "all"], value_name = "WHICH")]
    call_times: Option<String>,
    /// Have the recording, and what is published, hold times of NVIDIA's card: by CUPTI, NVIDIA's library for profilers, or else by events; or by the one that is named.
    /// (On the software GPU it always has the device's)
    #[arg(long, value_name = "HOW", requires = "observed", num_args = 0..=1, require_equals = true, default_missing_value = "1",
        value_parser = ["1", "cupti", "events"])]
    device_times: Option<String>,
    /// Publish counts of launches, copies, memory and more while the program runs, for `apex top` and `apex serve`
    #[arg(long)]
    live: bool,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Replaces this process by the program; comes back only if that fails.
///
/// # Errors
/// When our library is not there.
pub fn run(args: Args) -> Result<ExitCode> {
    let asks_software = args.device.asks_software() || args.counters.is_some() || args.check.is_some();
    if args.device.is_nvidia() && asks_software {
        bail!(
            "--device nvidia runs the program on the card: --sm, --device-count, --memory, --counters and --check are for the software GPU"
        );
    }
    let mut command = Command::new(&args.program[0]);
    command.args(&args.program[1..]);
    for (variable, value) in args.device.variables() {
        command.env(variable.name, value);
    }
    if let Some(counters) = &args.counters {
        command.env(env::COUNTERS.name, counters);
    }
    let checks = [(env::CHECK, &args.check), (env::CHECK_REPORT, &args.check_report)];
    for (variable, value) in checks {
        if let Some(value) = value {
            command.env(variable.name, value);
        }
    }
    if let Some(how) = &args.device_times {
        command.env(env::DEVICE_TIMES.name, how);
    }
    if let Some(which) = &args.call_times {
        command.env(env::CALL_TIMES.name, which);
    }
    if let Some(file) = &args.record {
        // The program may change its folder.
        command.env(env::RECORD.name, std::path::absolute(file).context("cannot tell where the recording goes")?);
    }
    // A folder that the user has set stays.
    if args.live && env::LIVE.get().is_none_or(|value| value == "0") {
        command.env(env::LIVE.name, "1");
    }
    set_loader_variables(&mut command, &library::folder()?)?;
    if is_for_software(&command) {
        for (name, value) in FRAMEWORK_SWITCHES {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
    }
    let error = command.exec();
    eprintln!("apex: cannot run {}: {error}", args.program[0].to_string_lossy());
    Ok(match error.kind() {
        ErrorKind::NotFound => ExitCode::from(EXIT_NOT_FOUND),
        _ => ExitCode::from(EXIT_NOT_EXECUTABLE),
    })
}

/// Whether the software GPU will answer the program, as our library decides it with the variables of a command. NVIDIA's driver needs no PTX.
fn is_for_software(command: &Command) -> bool {
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            // SAFETY: no other thread runs in this process.
            unsafe { std::env::set_var(name, value) };
        }
    }
    !matches!(nvidia_finder::decide(), Decision::Nvidia { .. })
}

/// Looks at a list of checks; it is handed on as it is.
fn checks(list: &str) -> Result<String, String> {
    const CHECKS: [&str; 5] = ["memory", "race", "init", "sync", "all"];
    match list.split(',').find(|name| !CHECKS.contains(name)) {
        Some(name) => Err(format!("{name:?} is no check; there are: {}", CHECKS.join(", "))),
        None => Ok(list.to_owned()),
    }
}

/// Makes the loader of a command take our library.
///
/// `LD_LIBRARY_PATH` answers for what is asked for by name; but an RPATH in the program or in one of its libraries goes
/// before it, and so our library is preloaded: one that is loaded under a soname answers every later request for it.
///
/// # Errors
/// When the folder's name holds a character that separates names in these variables.
pub fn set_loader_variables(command: &mut Command, folder: &Path) -> Result<()> {
    let preload = folder.join(library::LIBRARY_NAME);
    if preload.as_os_str().as_encoded_bytes().iter().any(|byte| b": \t\n;$".contains(byte)) {
        bail!("the loader cannot preload {}: move it to a folder without spaces, colons and $", preload.display());
    }
    command.env("LD_PRELOAD", prepended(preload.as_os_str(), "LD_PRELOAD"));
    command.env("LD_LIBRARY_PATH", prepended(folder.as_os_str(), "LD_LIBRARY_PATH"));
    Ok(())
}

/// `first`, then what the variable holds already.
fn prepended(first: &OsStr, variable: &str) -> OsString {
    let mut value = first.to_owned();
    if let Some(rest) = std::env::var_os(variable).filter(|rest| !rest.is_empty()) {
        value.push(":");
        value.push(rest);
    }
    value
}
