//! What processes have published, as samples of metrics.

use std::collections::HashMap;
use std::sync::Arc;

use cuda_abi::CUresult;
use telemetry::live::records::{CALLS, Device, Failure, Memory};
use telemetry::live::{Owner, Snapshot};
use telemetry::records::{COPIES, LOADS, MEMORIES, Names, SYNCS};

use crate::labels::{Labels, Series};
use crate::metrics::{self, Families, Metric, Source, Value};
use crate::names;
use crate::processes::{ProcessView, Processes, State};

/// What has to be remembered from one time to the next.
#[derive(Debug, Default)]
pub struct Gatherer {
    /// By process, and by when it was first observed: one that becomes another program begins anew.
    labels: HashMap<(Owner, u64), Labels>,
}

impl Gatherer {
    /// Samples of all processes. The first `top` kernels of each by time have labels of their own, twice as many at most.
    pub fn gather(&mut self, processes: &Processes, top: usize, families: &mut Families) {
        let key = |process: &ProcessView| (process.owner, process.snapshot.process.start_ns);
        self.labels.retain(|old, _| processes.iter().any(|process| key(process) == *old));
        for process in processes.iter() {
            let source = Arc::new(source_of(process));
            let series = self.labels.entry(key(process)).or_default().series(&process.snapshot, top);
            Adder { families, source }.add_process(process, &series);
        }
        let running = processes.iter().filter(|process| process.state == State::Running).count();
        families.add(&metrics::PROCESSES, None, &[], Value::Integer(running as u64));
        families.add(&metrics::UNREADABLE, None, &[], Value::Integer(processes.problems().count() as u64));
    }
}

fn source_of(view: &ProcessView) -> Source {
    let process = &view.snapshot.process;
    Source {
        pid: view.owner.pid,
        foreign_namespace: view.owner.is_foreign().then_some(view.owner.namespace),
        program: names::program_label(&process.program),
        host: process.host.clone(),
        version: process.version.clone(),
        start_unix_ns: process.start_unix_ns,
    }
}

/// Adds the samples of a process.
struct Adder<'a> {
    families: &'a mut Families,
    source: Arc<Source>,
}

impl Adder<'_> {
    fn add(&mut self, metric: &'static Metric, labels: &[&str], value: u64) {
        self.families.add(metric, Some(&self.source), labels, Value::Integer(value));
    }

    fn add_ns(&mut self, metric: &'static Metric, labels: &[&str], ns: u64) {
        self.families.add(metric, Some(&self.source), labels, Value::seconds(ns));
    }

    fn add_process(&mut self, process: &ProcessView, series: &[Series]) {
        let Snapshot { totals, copies, sets, memories, syncs, loads, failures, devices, .. } = &process.snapshot;
        let source = Arc::clone(&self.source);
        self.add(&metrics::PROCESS_INFO, &[&source.host, &source.version], 1);
        self.add(&metrics::PROCESS_RUNNING, &[], (process.state == State::Running).into());
        self.add_ns(&metrics::PROCESS_START, &[], source.start_unix_ns);
        devices.iter().for_each(|device| self.add_device(device));
        let has_times = devices.iter().any(|device| device.executions > 0);
        series.iter().for_each(|series| self.add_kernel(series, has_times));
        self.add(&metrics::GRAPH_LAUNCHES, &[], totals.graph_launches);
        self.add_ns(&metrics::GRAPH_LAUNCH, &[], totals.graph_launch_ns);
        for row in copies {
            let labels = [&*label(COPIES, row.kind), &ordinal(row.device)];
            self.add(&metrics::COPIES, &labels, row.calls);
            self.add_ns(&metrics::COPY_CALL, &labels, row.call_ns);
            self.add(&metrics::COPIED, &labels, row.bytes);
        }
        for row in sets {
            let labels = [&*ordinal(row.device)];
            self.add(&metrics::SETS, &labels, row.calls);
            self.add_ns(&metrics::SET_CALL, &labels, row.call_ns);
            self.add(&metrics::SET_BYTES, &labels, row.bytes);
        }
        memories.iter().for_each(|row| self.add_memory(row));
        for row in syncs {
            let labels = [&*label(SYNCS, row.kind), &ordinal(row.device)];
            self.add(&metrics::SYNCS, &labels, row.calls);
            self.add_ns(&metrics::SYNC_CALL, &labels, row.call_ns);
        }
        for row in loads {
            let labels = [&*label(LOADS, row.kind)];
            self.add(&metrics::LOADS, &labels, row.loads);
            self.add_ns(&metrics::LOAD_CALL, &labels, row.load_ns);
            self.add(&metrics::LOADED, &labels, row.bytes);
            self.add(&metrics::UNLOADS, &labels, row.unloads);
        }
        failures.iter().for_each(|row| self.add_failure(row));
        self.add(&metrics::CAPTURED, &[], totals.captured);
        self.add(&metrics::DROPPED, &["launch"], totals.dropped_launches);
        self.add(&metrics::DROPPED, &["other"], totals.dropped_others);
        self.add(&metrics::STREAMS, &[], totals.streams);
        self.add(&metrics::CONTEXTS, &[], totals.contexts);
    }

    fn add_device(&mut self, device: &Device) {
        let number = ordinal(device.id);
        let capability = format!("{}.{}", device.major, device.minor);
        self.add(&metrics::DEVICE_INFO, &[&number, &device.name, &capability], 1);
        self.add(&metrics::DEVICE_MEMORY, &[&number], device.memory);
        if device.busy_ns > 0 {
            self.add_ns(&metrics::DEVICE_BUSY, &[&number], device.busy_ns);
        }
    }

    /// Where no time on the device is known, a 0 would be a false one.
    fn add_kernel(&mut self, series: &Series, has_times: bool) {
        let labels = [&*series.label, &ordinal(series.device)];
        let counts = series.counts;
        self.add(&metrics::KERNEL_LAUNCHES, &labels, counts.launches);
        self.add_ns(&metrics::KERNEL_LAUNCH, &labels, counts.launch_ns);
        self.add(&metrics::KERNEL_BY_GRAPHS, &labels, counts.by_graphs);
        if has_times {
            self.add(&metrics::KERNEL_EXECUTIONS, &labels, counts.executions);
            self.add_ns(&metrics::KERNEL_EXECUTION, &labels, counts.execution_ns);
        }
    }

    fn add_memory(&mut self, row: &Memory) {
        let labels = [&*label(MEMORIES, row.kind), &ordinal(row.device)];
        self.add(&metrics::ALLOCATIONS, &labels, row.allocations);
        self.add_ns(&metrics::ALLOCATION_CALL, &labels, row.allocation_ns);
        self.add(&metrics::ALLOCATED, &labels, row.allocated_bytes);
        self.add(&metrics::FREES, &labels, row.frees);
        self.add_ns(&metrics::FREE_CALL, &labels, row.free_ns);
        self.add(&metrics::HELD, &labels, row.held_bytes);
        self.add(&metrics::HELD_MAX, &labels, row.held_bytes_max);
    }

    fn add_failure(&mut self, row: &Failure) {
        let result = match u32::try_from(row.result).ok().and_then(|code| CUresult(code).name()) {
            Some(name) => name.to_owned(),
            None => row.result.to_string(),
        };
        self.add(&metrics::FAILURES, &[&label(CALLS, row.call), &result], row.calls);
    }
}

/// The name of a kind as the value of a label. Numbers that have no name keep apart.
fn label(names: Names, kind: u64) -> String {
    let is_known = usize::try_from(kind).is_ok_and(|kind| kind < names.0.len());
    if is_known { names.of(kind).replace(", ", "_").replace(' ', "_") } else { kind.to_string() }
}

/// A device's ordinal; empty where there is no device.
fn ordinal(device: u64) -> String {
    device.checked_sub(1).map_or(String::new(), |ordinal| ordinal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Family, Kind, METRICS};
    use std::collections::HashSet;
    use std::time::Duration;
    use telemetry::records::flags;
    use telemetry::{Config, Event, LaunchShape, Recorder};

    fn gathered(gatherer: &mut Gatherer, processes: &Processes, top: usize) -> Vec<Family> {
        let mut families = Families::default();
        gatherer.gather(processes, top, &mut families);
        families.sorted()
    }

    /// Everything that can be published, at least once.
    fn do_everything(recorder: &'static Recorder) {
        recorder.define_device(telemetry::records::Device { id: 1, name: "card".into(), ..Default::default() });
        recorder.define_context(telemetry::records::Context { id: 1, handle: 1, device: 1 });
        for (id, name) in [(1, "_Z3redPfi"), (2, "other"), (3, ""), (4, "_ZL3redPfi")] {
            recorder.define_kernel(telemetry::records::Kernel {
                id,
                name: name.into(),
                device: 1,
                ..Default::default()
            });
        }
        let done = |event: Event| {
            let token = recorder.begin();
            let correlation = token.correlation;
            recorder.end(token, event.at(1, 0));
            correlation
        };
        for kernel in 1..=4 {
            let launched = done(Event::launch(kernel, &LaunchShape::default()));
            recorder.record(Event::execution(launched, 1000, 3000));
        }
        let events = [
            Event::graph_launch(0),
            Event::copy(1, 5),
            Event::copy(77, 5),
            Event::set(5),
            Event::allocation(0, 0x1000, 5),
            Event::free(0, 0x1000),
            Event::sync(0),
            Event::load(0, 1, 5),
            Event::load(0, 1, 0).with_flags(flags::RELEASE),
            Event::sync(0).with_result(1),
            Event::sync(0).with_result(12345),
        ];
        events.into_iter().for_each(|event| _ = done(event));
    }

    #[test]
    fn every_metric_is_told_and_no_series_twice() {
        let folder = tempfile::tempdir().unwrap();
        let interval = Duration::from_secs(3600);
        let config = Config { interval, executions: true, ..Config::live(folder.path().to_owned()) };
        let recorder = Recorder::new(config);
        do_everything(recorder);
        recorder.flush();
        let mut processes = Processes::of(folder.path(), Duration::from_secs(60));
        processes.scan().unwrap();
        let mut gatherer = Gatherer::default();
        for top in [50, 1] {
            let families = gathered(&mut gatherer, &processes, top);
            let names: Vec<&str> = families.iter().map(|family| family.metric.name).collect();
            assert_eq!(names, METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>());
            for family in &families {
                let series: HashSet<_> = family
                    .samples
                    .iter()
                    .map(|sample| (sample.source.as_ref().map(|s| s.pid), &sample.labels))
                    .collect();
                assert_eq!(series.len(), family.samples.len(), "{family:?}");
            }
            let launches = &families.iter().find(|family| family.metric == &metrics::KERNEL_LAUNCHES).unwrap().samples;
            let sum: u64 = launches.iter().map(|s| if let Value::Integer(n) = s.value { n } else { 0 }).sum();
            assert_eq!(sum, 4);
        }
        let families = gathered(&mut gatherer, &processes, 50);
        let failures = families.iter().find(|family| family.metric == &metrics::FAILURES).unwrap();
        let labels: Vec<_> = failures.samples.iter().map(|sample| sample.labels.join(" ")).collect();
        assert_eq!(labels, ["synchronization CUDA_ERROR_INVALID_VALUE", "synchronization 12345"]);
        // Counters are those of the process's life.
        let counters = families.iter().filter(|family| family.metric.kind == Kind::Counter);
        assert!(counters.flat_map(|family| &family.samples).all(|sample| sample.source.is_some()));
        recorder.finish();
    }

    #[test]
    fn labels_follow_the_kinds() {
        let labels =
            [label(MEMORIES, 1), label(COPIES, 1), label(CALLS, 8), label(COPIES, 500), ordinal(0), ordinal(3)];
        assert_eq!(labels, ["device_in_stream_order", "host_to_device", "graph_launch", "500", "", "2"]);
    }
}
