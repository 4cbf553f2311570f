//! What is told of programs: each metric is declared once, for Prometheus, OpenTelemetry and `docs/live.md`.

use std::sync::Arc;

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Up alone, while its process lives.
    Counter,
    /// Up and down.
    Gauge,
}

/// What its numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Numbers of things.
    One,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// A metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name for Prometheus.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What its numbers are.
    pub unit: Unit,
    /// The names of its labels, beside those that say whose it is.
    pub labels: &'static [&'static str],
    /// What it is, in a sentence.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($ident:ident = $kind:ident $unit:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $ident: Metric =
                Metric { name: $name, kind: Kind::$kind, unit: Unit::$unit, labels: &[$($label),*], help: $help };
        )*

        /// Every metric of programs.
        pub static METRICS: &[&Metric] = &[$(&$ident,)*];
    };
}

metrics! {
    PROCESS_INFO = Gauge One "apex_process_info" ["host", "version"]
        "A process that publishes: 1. Its machine, and the version of APEX in it.";
    PROCESS_RUNNING = Gauge One "apex_process_running" []
        "Whether the process runs. It is told for five minutes after it has ended.";
    PROCESS_START = Gauge Seconds "apex_process_start_time_seconds" []
        "When the process made its first call, since 1970.";
    DEVICE_INFO = Gauge One "apex_device_info" ["device", "name", "compute_capability"]
        "A device that the process uses: 1.";
    DEVICE_MEMORY = Gauge Bytes "apex_device_memory_bytes" ["device"]
        "Size of the device's memory.";
    DEVICE_BUSY = Counter Seconds "apex_device_busy_seconds_total" ["device"]
        "How long the device worked for the process: kernels, and copies and sets on a card, where the device's times are known.";
    KERNEL_LAUNCHES = Counter One "apex_kernel_launches_total" ["kernel", "device"]
        "Launches of kernels by the process, those of graphs not among them.";
    KERNEL_LAUNCH = Counter Seconds "apex_kernel_launch_seconds_total" ["kernel", "device"]
        "Time of the calls that launched them, on the host.";
    KERNEL_BY_GRAPHS = Counter One "apex_kernel_launches_by_graphs_total" ["kernel", "device"]
        "Launches of kernels by graphs.";
    KERNEL_EXECUTIONS = Counter One "apex_kernel_executions_total" ["kernel", "device"]
        "Launches whose times on the device are known.";
    KERNEL_EXECUTION = Counter Seconds "apex_kernel_execution_seconds_total" ["kernel", "device"]
        "Time on the device of these launches.";
    GRAPH_LAUNCHES = Counter One "apex_graph_launches_total" []
        "Launches of graphs.";
    GRAPH_LAUNCH = Counter Seconds "apex_graph_launch_seconds_total" []
        "Time of the calls that launched them, on the host.";
    COPIES = Counter One "apex_copies_total" ["direction", "device"]
        "Copies.";
    COPY_CALL = Counter Seconds "apex_copy_call_seconds_total" ["direction", "device"]
        "Time of the calls that copied, on the host: those that do not wait are short.";
    COPIED = Counter Bytes "apex_copied_bytes_total" ["direction", "device"]
        "Bytes copied.";
    SETS = Counter One "apex_memory_sets_total" ["device"]
        "Memory sets.";
    SET_CALL = Counter Seconds "apex_memory_set_call_seconds_total" ["device"]
        "Time of the calls that set memory, on the host.";
    SET_BYTES = Counter Bytes "apex_memory_set_bytes_total" ["device"]
        "Bytes set.";
    ALLOCATIONS = Counter One "apex_allocations_total" ["memory", "device"]
        "Allocations.";
    ALLOCATION_CALL = Counter Seconds "apex_allocation_call_seconds_total" ["memory", "device"]
        "Time of the calls that allocated, on the host.";
    ALLOCATED = Counter Bytes "apex_allocated_bytes_total" ["memory", "device"]
        "Bytes allocated.";
    FREES = Counter One "apex_frees_total" ["memory", "device"]
        "Frees.";
    FREE_CALL = Counter Seconds "apex_free_call_seconds_total" ["memory", "device"]
        "Time of the calls that freed, on the host.";
    HELD = Gauge Bytes "apex_memory_held_bytes" ["memory", "device"]
        "Bytes that the process has allocated and not freed.";
    HELD_MAX = Gauge Bytes "apex_memory_held_max_bytes" ["memory", "device"]
        "The most that there were at a time.";
    SYNCS = Counter One "apex_synchronizations_total" ["target", "device"]
        "Synchronisations: waits for a stream, a context or an event.";
    SYNC_CALL = Counter Seconds "apex_synchronization_seconds_total" ["target", "device"]
        "Time that the host spent in them.";
    LOADS = Counter One "apex_module_loads_total" ["kind"]
        "Loads of modules and libraries.";
    LOAD_CALL = Counter Seconds "apex_module_load_seconds_total" ["kind"]
        "Time of the calls that loaded them.";
    LOADED = Counter Bytes "apex_module_loaded_bytes_total" ["kind"]
        "Size of what was loaded, as far as it is known.";
    UNLOADS = Counter One "apex_module_unloads_total" ["kind"]
        "Unloads.";
    CAPTURED = Counter One "apex_captured_calls_total" []
        "Calls that became nodes of a graph and were not carried out.";
    FAILURES = Counter One "apex_failed_calls_total" ["call", "result"]
        "Calls that the driver refused; they count nowhere else.";
    DROPPED = Counter One "apex_dropped_events_total" ["event"]
        "Calls that found the buffer of their thread full (APEX_RECORD_BUFFER); they count nowhere else.";
    STREAMS = Gauge One "apex_streams" []
        "Streams that the process has used.";
    CONTEXTS = Gauge One "apex_contexts" []
        "Contexts that the process has used.";
    PROCESSES = Gauge One "apex_processes" []
        "Processes that publish and run.";
    UNREADABLE = Gauge One "apex_unreadable_processes" []
        "Processes whose counts cannot be read, being of a later version or damaged.";
}

macro_rules! device_metrics {
    ($($ident:ident = $kind:ident $name:literal $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $ident: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::One,
                labels: &["gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname"],
                help: $help,
            };
        )*

        /// Metrics of NVIDIA's cards under the names, units and labels of DCGM's exporter, where NVML tells the same values to both.
        pub static DEVICE_METRICS: &[&Metric] = &[$(&$ident,)*];
    };
}

device_metrics! {
    GPU_SM_CLOCK = Gauge "DCGM_FI_DEV_SM_CLOCK" "Clock of the multiprocessors in MHz.";
    GPU_MEM_CLOCK = Gauge "DCGM_FI_DEV_MEM_CLOCK" "Clock of the memory in MHz.";
    GPU_TEMP = Gauge "DCGM_FI_DEV_GPU_TEMP" "Temperature of the card in degrees Celsius.";
    GPU_POWER = Gauge "DCGM_FI_DEV_POWER_USAGE" "Power that the card draws in W.";
    GPU_ENERGY = Counter "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" "Energy since the driver was loaded in mJ.";
    GPU_UTIL = Gauge "DCGM_FI_DEV_GPU_UTIL" "Share of time with a kernel running in per cent.";
    GPU_MEM_UTIL = Gauge "DCGM_FI_DEV_MEM_COPY_UTIL" "Share of time with memory being read or written in per cent.";
    GPU_FB_FREE = Gauge "DCGM_FI_DEV_FB_FREE" "Memory that is free in MiB.";
    GPU_FB_USED = Gauge "DCGM_FI_DEV_FB_USED" "Memory that is used in MiB.";
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A number of things or bytes.
    Integer(u64),
    /// Anything else.
    Real(f64),
}

impl Value {
    /// Nanoseconds as seconds.
    pub fn seconds(ns: u64) -> Value {
        Value::Real(ns as f64 / 1e9)
    }
}

/// Whose a sample is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The process's number.
    pub pid: u32,
    /// Where that number is not of this process's namespace: which one it is of. Containers may share the folder of segments.
    pub foreign_namespace: Option<u64>,
    /// Its program.
    pub program: String,
    /// Its machine.
    pub host: String,
    /// The version of APEX in it.
    pub version: String,
    /// When it made its first call, in ns since 1970.
    pub start_unix_ns: u64,
}

/// A value with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The process; `None` for what is of no process.
    pub source: Option<Arc<Source>>,
    /// Values of the metric's labels, in their order; an empty one is none.
    pub labels: Vec<String>,
    /// The value.
    pub value: Value,
}

/// A metric with its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// The metric.
    pub metric: &'static Metric,
    /// Its samples; no two have the same source and labels.
    pub samples: Vec<Sample>,
}

/// Families in the order of their declaration.
#[derive(Debug, Default)]
pub struct Families(pub Vec<Family>);

impl Families {
    /// Adds a sample.
    ///
    /// # Panics
    /// When there is not a value for each label.
    pub fn add(&mut self, metric: &'static Metric, source: Option<&Arc<Source>>, labels: &[&str], value: Value) {
        assert_eq!(labels.len(), metric.labels.len(), "labels of {}", metric.name);
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let sample = Sample { source: source.cloned(), labels, value };
        match self.0.iter_mut().find(|family| family.metric.name == metric.name) {
            Some(family) => family.samples.push(sample),
            None => self.0.push(Family { metric, samples: vec![sample] }),
        }
    }

    /// Families in the order of their declaration.
    pub fn sorted(mut self) -> Vec<Family> {
        let order =
            |family: &Family| METRICS.iter().chain(DEVICE_METRICS).position(|metric| metric.name == family.metric.name);
        self.0.sort_by_key(order);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let mut names = HashSet::new();
        for metric in METRICS {
            let Metric { name, kind, unit, labels, help } = metric;
            assert!(names.insert(name), "{name} twice");
            assert!(name.starts_with("apex_") && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            let base = name.trim_end_matches("_total");
            assert_eq!(base.ends_with("_seconds"), *unit == Unit::Seconds, "{name}");
            assert_eq!(base.ends_with("_bytes"), *unit == Unit::Bytes, "{name}");
            assert!(!labels.contains(&"pid") && !labels.contains(&"program"), "{name}");
            // What formats would have to write otherwise.
            assert!(help.ends_with('.') && !help.contains(['\\', '\n', '"']), "{name}");
        }
    }
}
