//! What machine this is, and how busy.

use std::fs;
use std::thread;

use serde::Serialize;

/// The machine, for the head of a report.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// The processors that a program may use.
    pub processors: usize,
    /// The kernel's version.
    pub kernel: String,
    /// The load average of the last minute, before anything was measured.
    pub load_before: Option<f64>,
}

/// Looks.
pub fn look() -> Machine {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine {
        processor: processor(),
        processors: thread::available_parallelism().map_or(1, usize::from),
        kernel: kernel.trim().to_owned(),
        load_before: load(),
    }
}

/// The processor's name.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned()
}

/// The load average of the last minute.
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
