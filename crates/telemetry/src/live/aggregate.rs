//! Counts, made of the rows that the recorder makes of events.

use super::Snapshot;
use super::held::Held;
use super::kernels::{Kernels, cut};
use super::records::{CALLS, Copy, Device, Failure, Load, Process, Set, Sync, Totals};
use crate::clock::Moment;
use crate::records::{self, flags};
use crate::summary::Busy;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Most devices that are told apart.
const DEVICES_MAX: usize = 32;
/// Most streams that are counted.
const STREAMS_MAX: usize = 16 << 10;
/// Most pairs of call and result that are told apart.
const FAILURES_MAX: usize = 256;
/// Stands for the results beyond.
const OTHER_RESULT: u64 = 0xffff;
/// Longest command line, and longest name of a machine or a device.
const PROGRAM_BYTES_MAX: usize = 4096;
const NAME_BYTES_MAX: usize = 256;

/// What a call is counted as when it fails: a number of [`CALLS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Call {
    Launch,
    Copy,
    Set,
    Allocation,
    Free,
    Sync,
    Load,
    Unload,
    GraphLaunch,
}

// One name each.
const _: () = assert!(CALLS.0.len() == Call::GraphLaunch as usize + 1);

/// The counts of this process. Memory is bounded by the limits of its parts, however long the process runs.
pub(crate) struct Aggregate {
    process: Process,
    totals: Totals,
    devices: BTreeMap<u64, (Device, Busy)>,
    /// Devices of contexts.
    contexts: HashMap<u64, u64>,
    streams: HashSet<(u64, u64)>,
    last_stream: Option<(u64, u64)>,
    kernels: Kernels,
    held: Held,
    copies: BTreeMap<(u64, u64), Copy>,
    sets: BTreeMap<u64, Set>,
    syncs: BTreeMap<(u64, u64), Sync>,
    loads: BTreeMap<u64, Load>,
    failures: BTreeMap<(Call, u64), u64>,
}

impl Aggregate {
    /// Counts from now on. `facts` are those of the recording.
    pub(crate) fn new(facts: &[records::Fact], moment: Moment) -> Aggregate {
        let fact = |name| facts.iter().find(|fact| fact.name == name).map_or("", |fact| &fact.value);
        let process = Process {
            pid: std::process::id().into(),
            start_ns: moment.ns,
            start_unix_ns: fact("start_unix_ns").parse().unwrap_or(0),
            program: cut(fact("program"), PROGRAM_BYTES_MAX).to_owned(),
            host: cut(fact("host"), NAME_BYTES_MAX).to_owned(),
            version: cut(fact("apex"), NAME_BYTES_MAX).to_owned(),
        };
        Aggregate {
            process,
            totals: Totals::default(),
            devices: BTreeMap::new(),
            contexts: HashMap::new(),
            streams: HashSet::new(),
            last_stream: None,
            kernels: Kernels::default(),
            held: Held::default(),
            copies: BTreeMap::new(),
            sets: BTreeMap::new(),
            syncs: BTreeMap::new(),
            loads: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Everything so far, as blocks. `dropped` are launches and other events that found no room.
    pub(crate) fn encode(&mut self, now_ns: u64, dropped: [u64; 2], has_ended: bool, out: &mut Vec<u8>) {
        self.snapshot(now_ns, dropped, has_ended).encode(out);
    }

    pub(super) fn snapshot(&mut self, now_ns: u64, dropped: [u64; 2], has_ended: bool) -> Snapshot {
        self.totals.time_ns = now_ns;
        self.totals.ended = has_ended.into();
        [self.totals.dropped_launches, self.totals.dropped_others] = dropped;
        self.totals.streams = self.streams.len() as u64;
        self.totals.unknown_frees = self.held.unknown_frees;
        let device = |(device, busy): &(Device, Busy)| Device { busy_ns: busy.length(), ..device.clone() };
        let failure = |((call, result), calls): (&(Call, u64), &u64)| Failure {
            call: *call as u64,
            result: *result,
            calls: *calls,
        };
        Snapshot {
            process: self.process.clone(),
            devices: self.devices.values().map(device).collect(),
            totals: self.totals.clone(),
            kernels: self.kernels.all.clone(),
            others: self.kernels.others.clone(),
            copies: self.copies.values().cloned().collect(),
            sets: self.sets.values().cloned().collect(),
            memories: self.held.rows(),
            syncs: self.syncs.values().cloned().collect(),
            loads: self.loads.values().cloned().collect(),
            failures: self.failures.iter().map(failure).collect(),
        }
    }

    /// A turn of the writer has passed.
    pub(crate) fn turn(&mut self) {
        self.held.turn();
    }

    /// Devices, before contexts of them.
    pub(crate) fn devices(&mut self, rows: &[records::Device]) {
        for device in rows.iter().filter(|device| device.id != 0) {
            if self.devices.len() < DEVICES_MAX {
                self.devices.entry(device.id).or_insert_with(|| (described(device), Busy::default()));
            }
        }
    }

    /// Contexts, before the rows that refer to them.
    pub(crate) fn contexts(&mut self, rows: &[records::Context]) {
        for context in rows {
            let device = if self.devices.contains_key(&context.device) { context.device } else { 0 };
            self.contexts.insert(context.id, device);
        }
        self.totals.contexts = self.contexts.len() as u64;
    }

    /// Kernels, before shapes of them.
    pub(crate) fn kernels(&mut self, rows: &[records::Kernel]) {
        self.totals.kernels += rows.len() as u64;
        rows.iter().for_each(|kernel| self.kernels.define(kernel));
    }

    /// Shapes, before the rows that refer to them.
    pub(crate) fn shapes(&mut self, rows: &[records::Shape]) {
        rows.iter().for_each(|row| self.kernels.define_shape(row));
    }

    /// Nodes of graphs.
    pub(crate) fn nodes(&mut self, rows: &[records::Node]) {
        rows.iter().for_each(|row| self.kernels.define_node(row));
    }

    /// Launches.
    pub(crate) fn launches(&mut self, rows: &[records::Launch]) {
        for row in rows {
            if self.is_done(Call::Launch, row.flags, row.result) {
                self.note_stream(row.context, row.stream);
                self.kernels.add_launch(row.shape, row.duration);
            }
        }
    }

    /// Launches of graphs.
    pub(crate) fn graph_launches(&mut self, rows: &[records::GraphLaunch]) {
        for row in rows {
            if self.is_done(Call::GraphLaunch, row.flags, row.result) {
                self.note_stream(row.context, row.stream);
                self.totals.graph_launches += 1;
                self.totals.graph_launch_ns += row.duration;
                self.kernels.add_graph_launch(row.graph);
            }
        }
    }

    /// Times of launches on the device.
    pub(crate) fn executions(&mut self, rows: &[records::Execution]) {
        for row in rows {
            self.kernels.add_execution(row.shape, row.duration);
            if let Some(device) = self.add_busy(row.context, row.start, row.duration) {
                device.executions += 1;
            }
        }
    }

    /// Times of copies and sets on the device.
    pub(crate) fn transfers(&mut self, rows: &[records::Transfer]) {
        for row in rows {
            self.add_busy(row.context, row.start, row.duration);
        }
    }

    /// A device did something; returns which one.
    fn add_busy(&mut self, context: u64, start: u64, duration: u64) -> Option<&mut Device> {
        let (device, busy) = self.devices.get_mut(&self.contexts.get(&context).copied().unwrap_or(0))?;
        busy.add(start, start.saturating_add(duration));
        Some(device)
    }

    /// Copies.
    pub(crate) fn copies(&mut self, rows: &[records::Copy]) {
        for row in rows {
            if self.is_done(Call::Copy, row.flags, row.result) {
                self.note_stream(row.context, row.stream);
                let device = self.device(row.context);
                let new = || Copy { kind: row.kind, device, ..Copy::default() };
                let counts = self.copies.entry((row.kind, device)).or_insert_with(new);
                counts.calls += 1;
                counts.call_ns += row.duration;
                counts.bytes = counts.bytes.saturating_add(row.bytes);
            }
        }
    }

    /// Sets.
    pub(crate) fn sets(&mut self, rows: &[records::Set]) {
        for row in rows {
            if self.is_done(Call::Set, row.flags, row.result) {
                self.note_stream(row.context, row.stream);
                let device = self.device(row.context);
                let counts = self.sets.entry(device).or_insert_with(|| Set { device, ..Set::default() });
                counts.calls += 1;
                counts.call_ns += row.duration;
                counts.bytes = counts.bytes.saturating_add(row.bytes);
            }
        }
    }

    /// Allocations and frees.
    pub(crate) fn memories(&mut self, rows: &[records::Memory]) {
        for row in rows {
            let call = if row.flags & flags::RELEASE != 0 { Call::Free } else { Call::Allocation };
            if self.is_done(call, row.flags, row.result) {
                self.held.add(row, self.device(row.context));
            }
        }
    }

    /// Synchronisations.
    pub(crate) fn syncs(&mut self, rows: &[records::Sync]) {
        for row in rows {
            if self.is_done(Call::Sync, row.flags, row.result) {
                let device = self.device(row.context);
                let new = || Sync { kind: row.kind, device, ..Sync::default() };
                let counts = self.syncs.entry((row.kind, device)).or_insert_with(new);
                counts.calls += 1;
                counts.call_ns += row.duration;
            }
        }
    }

    /// Loads and unloads.
    pub(crate) fn loads(&mut self, rows: &[records::Load]) {
        for row in rows {
            let is_unload = row.flags & flags::RELEASE != 0;
            if self.is_done(if is_unload { Call::Unload } else { Call::Load }, row.flags, row.result) {
                let counts = self.loads.entry(row.kind).or_insert_with(|| Load { kind: row.kind, ..Load::default() });
                if is_unload {
                    counts.unloads += 1;
                } else {
                    counts.loads += 1;
                    counts.load_ns += row.duration;
                    counts.bytes = counts.bytes.saturating_add(row.bytes);
                }
            }
        }
    }

    /// Whether what a row tells was done; if not, it is counted as what it is.
    fn is_done(&mut self, call: Call, flags: u64, result: u64) -> bool {
        self.totals.events += 1;
        if result != 0 {
            let is_full = self.failures.len() >= FAILURES_MAX && !self.failures.contains_key(&(call, result));
            // One more for each kind of call at most.
            *self.failures.entry((call, if is_full { OTHER_RESULT } else { result })).or_default() += 1;
        }
        let is_captured = flags & flags::CAPTURED != 0;
        self.totals.captured += u64::from(is_captured && result == 0);
        result == 0 && !is_captured
    }

    fn device(&self, context: u64) -> u64 {
        self.contexts.get(&context).copied().unwrap_or(0)
    }

    fn note_stream(&mut self, context: u64, stream: u64) {
        // The default streams have one number in all contexts.
        let stream = (context, stream.max(2));
        if self.last_stream != Some(stream) {
            self.last_stream = Some(stream);
            if self.streams.len() < STREAMS_MAX {
                self.streams.insert(stream);
            }
        }
    }
}

fn described(device: &records::Device) -> Device {
    Device {
        id: device.id,
        name: cut(&device.name, NAME_BYTES_MAX).to_owned(),
        major: device.major,
        minor: device.minor,
        multiprocessors: device.multiprocessors,
        memory: device.memory,
        executions: 0,
        busy_ns: 0,
    }
}
