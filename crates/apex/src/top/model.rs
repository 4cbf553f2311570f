//! What is shown, and what keys do to it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Instant;

use apex_server::{ProcessView, Processes, State, names};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use telemetry::live::records::Kernel;
use telemetry::live::{Owner, Snapshot};
use telemetry::records::{COPIES, MEMORIES};

/// After how many ns without a sign of life a process is called silent: it gives one ten times a second.
const SILENT_NS: u64 = 3_000_000_000;

/// What kernels are sorted by, the most first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Their time, on the device where that is known.
    #[default]
    Time,
    /// Launches.
    Launches,
    /// Launches a second.
    Rate,
    /// Their names, alphabetically.
    Name,
}

impl Sort {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Time => "time",
            Sort::Launches => "launches",
            Sort::Rate => "rate",
            Sort::Name => "name",
        }
    }

    fn next(self) -> Sort {
        match self {
            Sort::Time => Sort::Launches,
            Sort::Launches => Sort::Rate,
            Sort::Rate => Sort::Name,
            Sort::Name => Sort::Time,
        }
    }
}

/// A process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProcessRow {
    /// Its number.
    pub pid: u32,
    /// Its program.
    pub program: String,
    /// `running`, or what has become of it.
    pub state: &'static str,
    /// Launches, those of graphs too.
    pub launches: u64,
    /// The same a second.
    pub launch_rate: f64,
    /// Share of time in which a device ran a kernel of it, where that is known.
    pub busy: Option<f64>,
    /// Share of time that its threads spent waiting in synchronisations, summed over threads.
    pub waiting: f64,
    /// Bytes copied a second.
    pub copy_rate: f64,
    /// Bytes of devices that it holds, and the most of any kind that it held.
    pub held: u64,
    /// Calls that the driver refused.
    pub failures: u64,
    /// Events that were lost.
    pub dropped: u64,
    /// Its kernels, sorted.
    pub kernels: Vec<KernelRow>,
    /// What else there is to say about it, a name and a value each.
    pub facts: Vec<(String, String)>,
}

/// A kernel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KernelRow {
    /// Its name, demangled.
    pub name: String,
    /// Launches, those of graphs too.
    pub launches: u64,
    /// The same a second.
    pub rate: f64,
    /// Its time in ns: on the device where that is known, otherwise of the calls.
    pub time_ns: u64,
    /// Whether the time is one on the device.
    pub is_device_time: bool,
    /// Share of the time of all kernels.
    pub share: f64,
}

/// What was known of a process when it was looked at before.
pub(super) struct Before {
    at: Instant,
    snapshot: Snapshot,
}

/// What is shown.
#[derive(Default)]
pub struct Model {
    /// Processes in the order of their numbers.
    pub processes: Vec<ProcessRow>,
    /// The one whose kernels are shown.
    pub selected: usize,
    /// The first kernel that is shown.
    pub first_kernel: usize,
    /// What kernels are sorted by.
    pub sort: Sort,
    /// Nothing changes any more, until it is let go on.
    pub is_paused: bool,
    /// The user has had enough.
    pub is_over: bool,
    /// What cannot be read.
    pub problems: Vec<String>,
    pub(super) before: HashMap<Owner, Before>,
}

impl Model {
    /// Takes what is known now. Rates are those since the call before.
    pub fn update(&mut self, processes: &Processes, now: Instant) {
        if self.is_paused {
            return;
        }
        let selected = self.processes.get(self.selected).map(|row| row.pid);
        let now_ns = stdx::clock::monotonic_ns();
        self.processes = processes.iter().map(|process| self.row(process, now, now_ns)).collect();
        self.problems =
            processes.problems().map(|problem| format!("{}: {}", problem.path.display(), problem.reason)).collect();
        self.before = processes
            .iter()
            .map(|process| (process.owner, Before { at: now, snapshot: process.snapshot.clone() }))
            .collect();
        // The same process, wherever it stands now.
        let place = self.processes.iter().position(|row| Some(row.pid) == selected);
        self.selected = place.unwrap_or(self.selected).min(self.processes.len().saturating_sub(1));
        self.sort();
    }

    /// A key was pressed.
    pub fn press(&mut self, key: KeyEvent) {
        let last = self.processes.len().saturating_sub(1);
        let kernels = self.processes.get(self.selected).map_or(0, |row| row.kernels.len());
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => self.is_over = true,
            KeyCode::Char('q') | KeyCode::Esc => self.is_over = true,
            KeyCode::Up | KeyCode::Char('k') => self.select(self.selected.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.select((self.selected + 1).min(last)),
            KeyCode::PageUp => self.first_kernel = self.first_kernel.saturating_sub(10),
            KeyCode::PageDown => self.first_kernel = (self.first_kernel + 10).min(kernels.saturating_sub(1)),
            KeyCode::Char('s') => {
                self.sort = self.sort.next();
                self.sort();
            }
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            _ => {}
        }
    }

    fn select(&mut self, place: usize) {
        if place != self.selected {
            (self.selected, self.first_kernel) = (place, 0);
        }
    }

    fn sort(&mut self) {
        for process in &mut self.processes {
            // By name first, so that equal ones stay where they are.
            process.kernels.sort_by(|a, b| a.name.cmp(&b.name));
            match self.sort {
                Sort::Time => process.kernels.sort_by_key(|kernel| Reverse(kernel.time_ns)),
                Sort::Launches => process.kernels.sort_by_key(|kernel| Reverse(kernel.launches)),
                Sort::Rate => process.kernels.sort_by(|a, b| b.rate.total_cmp(&a.rate)),
                Sort::Name => {}
            }
        }
    }

    fn row(&self, process: &ProcessView, now: Instant, now_ns: u64) -> ProcessRow {
        let snapshot = &process.snapshot;
        let empty = Snapshot::default();
        let before = self.before.get(&process.owner);
        let seconds = before.map_or(0.0, |before| now.duration_since(before.at).as_secs_f64());
        let earlier = before.map_or(&empty, |before| &before.snapshot);
        let rate = |now: u64, then: u64| if seconds > 0.0 { now.saturating_sub(then) as f64 / seconds } else { 0.0 };
        let share = |now: u64, then: u64| rate(now, then) / 1e9;
        let busy = |snapshot: &Snapshot| snapshot.devices.iter().map(|device| device.busy_ns).max().unwrap_or(0);
        let has_times = snapshot.devices.iter().any(|device| device.executions > 0);
        let waiting = |snapshot: &Snapshot| sum(snapshot.syncs.iter().map(|row| row.call_ns));
        let copied = |snapshot: &Snapshot| sum(snapshot.copies.iter().map(|row| row.bytes));
        ProcessRow {
            pid: process.owner.pid,
            program: names::program_label(&snapshot.process.program),
            state: match process.state {
                State::Running if process.silent_ns(now_ns) > SILENT_NS => "silent",
                State::Running => "running",
                State::Exited => "exited",
                State::Killed => "killed",
            },
            launches: launches(snapshot),
            launch_rate: rate(launches(snapshot), launches(earlier)),
            busy: has_times.then(|| share(busy(snapshot), busy(earlier)).min(1.0)),
            waiting: share(waiting(snapshot), waiting(earlier)),
            copy_rate: rate(copied(snapshot), copied(earlier)),
            held: held(snapshot)[0],
            failures: sum(snapshot.failures.iter().map(|row| row.calls)),
            dropped: snapshot.totals.dropped_launches.saturating_add(snapshot.totals.dropped_others),
            kernels: kernels(snapshot, earlier, has_times, rate),
            facts: facts(snapshot),
        }
    }
}

/// Kernels that were launched, with what they did since `earlier`.
fn kernels(snapshot: &Snapshot, earlier: &Snapshot, has_times: bool, rate: impl Fn(u64, u64) -> f64) -> Vec<KernelRow> {
    let time = |kernel: &Kernel| if has_times { kernel.execution_ns } else { kernel.launch_ns };
    let count = |kernel: &Kernel| kernel.launches.saturating_add(kernel.by_graphs);
    let whole = sum(snapshot.kernels.iter().chain([&others(snapshot)]).map(time)).max(1);
    let row = |kernel: &Kernel, before: Option<&Kernel>| KernelRow {
        name: names::demangled(&kernel.name),
        launches: count(kernel),
        rate: rate(count(kernel), before.map_or(0, count)),
        time_ns: time(kernel),
        is_device_time: has_times,
        share: time(kernel) as f64 / whole as f64,
    };
    // Kernels keep their places.
    let told_apart = snapshot.kernels.iter().enumerate().map(|(place, kernel)| row(kernel, earlier.kernels.get(place)));
    let rows = told_apart.chain([row(&others(snapshot), Some(&others(earlier)))]);
    rows.filter(|row| row.launches > 0 || row.time_ns > 0).collect()
}

/// The kernels that are not told apart, and those that nobody was seen to launch, as one.
fn others(snapshot: &Snapshot) -> Kernel {
    let others = &snapshot.others;
    Kernel {
        name: "(others)".to_owned(),
        device: 0,
        launches: others.launches,
        launch_ns: others.launch_ns,
        by_graphs: others.by_graphs,
        executions: others.executions,
        execution_ns: others.execution_ns,
    }
}

/// A sum that is not more than there can be: the numbers are another process's.
fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

/// Launches of a process, those of graphs too.
pub fn launches(snapshot: &Snapshot) -> u64 {
    let kernels = snapshot.kernels.iter().map(|kernel| kernel.launches.saturating_add(kernel.by_graphs));
    sum(kernels.chain([snapshot.others.launches, snapshot.others.by_graphs]))
}

/// Bytes of devices that a process holds, and the sum of the most of each kind.
pub fn held(snapshot: &Snapshot) -> [u64; 2] {
    // Ranges of addresses, mappings and memory of the host take none of the device's.
    let of_devices = ["device", "device, in stream order", "managed", "physical", "array"];
    let rows = || snapshot.memories.iter().filter(|row| of_devices.contains(&MEMORIES.of(row.kind)));
    [sum(rows().map(|row| row.held_bytes)), sum(rows().map(|row| row.held_bytes_max))]
}

/// What there is to say about a process beside its kernels.
pub fn facts(snapshot: &Snapshot) -> Vec<(String, String)> {
    use crate::output::{bytes, time};
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    for device in &snapshot.devices {
        fact(&format!("device {}", device.id.wrapping_sub(1) as i64), device.name.clone());
    }
    for row in &snapshot.copies {
        fact(&format!("copies, {}", COPIES.of(row.kind)), format!("{}, {}", row.calls, bytes(row.bytes)));
    }
    for row in &snapshot.memories {
        let [now, most] = [row.held_bytes, row.held_bytes_max].map(bytes);
        fact(
            &format!("memory, {}", MEMORIES.of(row.kind)),
            format!("{now}, most {most}, {} allocations", row.allocations),
        );
    }
    let calls = sum(snapshot.syncs.iter().map(|row| row.calls));
    fact("synchronisations", format!("{calls}, {}", time(sum(snapshot.syncs.iter().map(|row| row.call_ns)))));
    let totals = &snapshot.totals;
    fact("launches of graphs", totals.graph_launches.to_string());
    fact("streams, contexts", format!("{}, {}", totals.streams, totals.contexts));
    fact("calls refused", sum(snapshot.failures.iter().map(|row| row.calls)).to_string());
    fact("events lost", totals.dropped_launches.saturating_add(totals.dropped_others).to_string());
    facts
}

#[cfg(test)]
mod tests;
