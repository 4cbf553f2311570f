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

/// Time that processors spent, in the kernel's ticks, of which all counts are multiples.
#[derive(Debug, Clone, Copy)]
pub struct ProcessorTime {
    /// Whatever was run.
    busy: u64,
    /// All there is, with what was not used.
    all: u64,
    /// This program, and those that it started and that have ended.
    own: u64,
}

impl ProcessorTime {
    /// Until now.
    pub fn now() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        // cpu user nice system idle iowait irq softirq steal
        let fields: Vec<u64> =
            text.lines().next()?.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        let all = fields.iter().sum();
        let idle: u64 = fields.get(3..5)?.iter().sum();

        let text = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in parentheses may have spaces; utime, stime, cutime and cstime are the 14th field to the 17th.
        let (_, after_name) = text.rsplit_once(')')?;
        let own = after_name.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
        Some(Self { busy: all - idle, all, own })
    }
}

/// The part of the processors that went to other programs, or to other machines on the same hardware, in between.
pub fn others_share(before: Option<ProcessorTime>, after: Option<ProcessorTime>) -> Option<f64> {
    let (before, after) = (before?, after?);
    let others = (after.busy - before.busy).saturating_sub(after.own - before.own);
    Some(others as f64 / (after.all - before.all).max(1) as f64)
}
