//! The installation, the environment variables and the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use binary::Release;
use driver_api::env;
use fatbin::Capability;
use serde_json::Value;

use super::Finding;
use crate::device_options::DeviceOptions;
use crate::output::bytes;
use crate::{cache, library};

/// What the driver presents when it cannot be asked.
const DEFAULT_CAPABILITY: Capability = Capability::new(12, 0);
/// Below this, LLVM's code for large kernels alone can fill it.
const MIN_MEMORY_BYTES: u64 = 1 << 30;

/// What the driver presents.
#[derive(Default)]
struct Presented {
    /// The compute capability of the first device.
    capability: Option<Capability>,
    /// The release of CUDA that it is for.
    release: Option<Release>,
}

/// Checks all of it; returns the compute capability of the first device and the driver's release as well.
pub fn check(options: &DeviceOptions) -> (Vec<Finding>, Capability, Option<Release>) {
    let (library, Presented { capability, release }) = check_library(options);
    let mut findings = vec![library];
    findings.extend(check_variables());
    findings.push(check_cpu());
    findings.extend(check_memory());
    findings.push(check_cache());
    (findings, capability.unwrap_or(DEFAULT_CAPABILITY), release)
}

/// Asks the library for its devices, in a process of its own, which may die of it.
fn check_library(options: &DeviceOptions) -> (Finding, Presented) {
    let folder = match library::folder() {
        Ok(folder) => folder,
        Err(error) => {
            return (
                Finding::problem(library::LIBRARY_NAME, format!("{error:#}"), "install both again"),
                Presented::default(),
            );
        }
    };
    let subject = folder.join(library::LIBRARY_NAME).display().to_string();
    let failed = |what: String| {
        let remedy = "check the APEX_ variables (see docs/environment.md); `apex info` shows the error alone";
        (Finding::problem(subject.clone(), what, remedy), Presented::default())
    };
    let mut info = match std::env::current_exe() {
        Ok(executable) => Command::new(executable),
        Err(error) => return failed(format!("cannot be asked: {error}")),
    };
    info.args(["info", "--json"]).envs(options.variables().into_iter().map(|(variable, value)| (variable.name, value)));
    let output = match info.output() {
        Ok(output) => output,
        Err(error) => return failed(format!("cannot be asked: {error}")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return failed(format!("does not start ({}): {}", output.status, said.trim()));
    }
    let Ok(driver) = serde_json::from_slice::<Value>(&output.stdout) else {
        return failed("gives an answer that is no JSON".to_owned());
    };
    describe_driver(subject, &driver)
}

fn describe_driver(subject: String, driver: &Value) -> (Finding, Presented) {
    let devices = driver["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(first) = devices.first() else {
        let what = "presents no device";
        return (
            Finding::problem(subject, what, format!("set {} to 1 or more", env::DEVICE_COUNT.name)),
            Presented::default(),
        );
    };
    let attribute = |name: &str| {
        let attributes = first["attributes"].as_array()?;
        let found = attributes.iter().find(|attribute| attribute["name"] == name)?;
        u32::try_from(found["value"].as_u64()?).ok()
    };
    let capability = attribute("COMPUTE_CAPABILITY_MAJOR")
        .zip(attribute("COMPUTE_CAPABILITY_MINOR"))
        .map(|(major, minor)| Capability::new(major, minor));
    let what = format!(
        "CUDA {}, {} device(s), the first: {}, compute capability {}, {}",
        driver["version"].as_str().unwrap_or("?"),
        devices.len(),
        first["name"].as_str().unwrap_or("?"),
        capability.map_or("?".to_owned(), |capability| capability.to_string()),
        bytes(first["memory_bytes"].as_u64().unwrap_or(0)),
    );
    let release = driver["version"].as_str().and_then(|text| {
        let (major, minor) = text.split_once('.')?;
        Some(Release { major: major.parse().ok()?, minor: minor.parse().ok()? })
    });
    (Finding::good(subject, what), Presented { capability, release })
}

/// Variables with our prefix that nothing reads are most likely misspelt.
fn check_variables() -> Vec<Finding> {
    let known: Vec<&str> = env::VARIABLES.iter().map(|variable| variable.name).collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = names.filter(|name| name.starts_with("APEX_") && !known.contains(&name.as_str()));
    unknown
        .map(|name| Finding::note(name, "is set, and the driver knows no such variable").with_remedy(known.join(", ")))
        .collect()
}

fn check_cpu() -> Finding {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
        return Finding::good("CPU", "AVX-512: half a warp at a time");
    }
    if is_x86_feature_detected!("avx2") {
        return Finding::good("CPU", "AVX2: a quarter of a warp at a time");
    }
    Finding::note("CPU", "neither AVX-512 nor AVX2: kernels run, but slowly")
}

/// Limits on memory: of the container, of the process.
fn check_memory() -> Vec<Finding> {
    let mut findings = Vec::new();
    let limit = cgroup_limit();
    match limit {
        Some(limit) if limit < MIN_MEMORY_BYTES => findings.push(
            Finding::note("memory", format!("this container may use {} only", bytes(limit)))
                .with_remedy(format!("give it more, or set {} to what the program needs", env::MEMORY.name)),
        ),
        Some(limit) => findings.push(Finding::good("memory", format!("this container may use {}", bytes(limit)))),
        None => {}
    }
    if let Some(limit) = address_space_limit() {
        findings.push(Finding::problem(
            "memory",
            format!(
                "`ulimit -v` limits address space to {}, and device memory is reserved address space",
                bytes(limit)
            ),
            "call `ulimit -v unlimited` first",
        ));
    }
    if fs::read_to_string("/proc/sys/vm/overcommit_memory").is_ok_and(|mode| mode.trim() == "2") {
        findings
            .push(Finding::note("memory", "the kernel does not overcommit (vm.overcommit_memory = 2)").with_remedy(
                format!("if devices do not start, set {} to less than the free memory", env::MEMORY.name),
            ));
    }
    findings
}

/// The memory limit of the control group, if there is one.
fn cgroup_limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok();
    let own = own.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("0::/")));
    let nested = own.map(|path| Path::new("/sys/fs/cgroup").join(path).join("memory.max"));
    let files = nested.into_iter().chain(["/sys/fs/cgroup/memory.max".into()]);
    files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).min()
}

fn address_space_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit to write to.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    (status == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

fn check_cache() -> Finding {
    let Some(folder) = cache::folder() else {
        return Finding::note("cache", "off: every kernel is compiled anew in every process");
    };
    let probe = folder.join(format!("doctor-{}", std::process::id()));
    let written =
        fs::create_dir_all(&folder).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::good("cache", folder.display().to_string()),
        Err(error) => Finding::note("cache", format!("{} cannot be written: {error}", folder.display()))
            .with_remedy(format!("set {} to a folder that can", env::CACHE_PATH.name)),
    }
}
