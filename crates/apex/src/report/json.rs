//! The summary as JSON. Times are in ns, sizes in bytes, parts from 0 to 1; what is not known is null.

use anyhow::Result;
use serde_json::{Value, json};
use telemetry::records::{COPIES, GPU_COPY, GPU_SET, LOADS, MEMORIES, SYNCS};
use telemetry::summary::{Histogram, KernelSummary, Summary, Traffic};

use crate::recording::demangled;

/// Names of the bits of the limiting resources, as in the recording.
pub const RESOURCES: [&str; 5] = ["warps", "blocks", "registers", "shared memory", "barriers"];

/// The text, with a line end.
///
/// # Errors
/// None that can happen: every value has a form in JSON.
pub fn text(summary: &Summary, notes: &[String], top: usize) -> Result<String> {
    let kernels = &summary.kernels;
    let value = json!({
        "version": 1,
        "program": summary.fact("program"),
        "process": summary.fact("process").parse::<u64>().ok(),
        "host": summary.fact("host"),
        "start_unix_ns": summary.fact("start_unix_ns").parse::<u64>().ok(),
        "span_ns": summary.span_ns(),
        "device_times": summary.fact("device_times"),
        "devices": summary.devices.values().map(|device| json!({
            "ordinal": device.id.wrapping_sub(1),
            "name": device.name,
            "compute_capability": format!("{}.{}", device.major, device.minor),
            "multiprocessors": device.multiprocessors,
            "memory_bytes": device.memory,
            "busy_ns": summary.busy.get(&device.id).map(|busy| busy.length()),
            "busy_span_ns": summary.busy.get(&device.id).map(|busy| busy.span()),
            "idle_ns": summary.busy.get(&device.id).map(|busy| busy.span() - busy.length()),
            "busy_share": busy_share(summary, device.id),
            "host_bound_share": busy_share(summary, device.id).map(|share| 1.0 - share),
        })).collect::<Vec<_>>(),
        "launches": kernels.launches,
        "launches_by_graphs": kernels.launches_by_graphs,
        "launches_captured": kernels.captured,
        "graph_launches": kernels.graph_launches,
        "failed_calls": summary.failures,
        "launch_host_ns": distribution(&kernels.host),
        "launch_gap_ns": distribution(&summary.gaps),
        "occupancy": {
            "tenths": kernels.occupancy,
            "unknown": kernels.occupancy_unknown,
            "limited_by": RESOURCES.iter().zip(kernels.limited_by).map(|(name, count)| (name.to_string(), count.into())).collect::<serde_json::Map<_, Value>>(),
        },
        "kernels": kernels.by_time().into_iter().take(top).map(kernel).collect::<Vec<_>>(),
        "copies": summary.memory.copies.iter().map(|((kind, is_async), traffic)| {
            with(traffic_value(traffic), [("kind", COPIES.of(*kind).into()), ("async", (*is_async).into())])
        }).collect::<Vec<_>>(),
        "device_copies": transfers(summary, GPU_COPY),
        "device_sets": transfers(summary, GPU_SET),
        "sets": traffic_value(&summary.memory.sets),
        "allocations": summary.memory.allocations.iter().map(|(kind, traffic)| {
            with(traffic_value(traffic), [("kind", MEMORIES.of(*kind).into())])
        }).collect::<Vec<_>>(),
        "frees": summary.memory.frees.iter().map(|(kind, traffic)| {
            with(traffic_value(traffic), [("kind", MEMORIES.of(*kind).into())])
        }).collect::<Vec<_>>(),
        "device_memory_live_bytes": summary.memory.live,
        "device_memory_most_bytes": summary.memory.live_most,
        "synchronisations": summary.syncs.iter().map(|(kind, traffic)| {
            with(traffic_value(traffic), [("kind", SYNCS.of(*kind).into())])
        }).collect::<Vec<_>>(),
        "loads": summary.loads.iter().map(|(kind, traffic)| {
            with(traffic_value(traffic), [("kind", LOADS.of(*kind).into())])
        }).collect::<Vec<_>>(),
        "events_recorded": summary.progress.recorded,
        "launches_dropped": summary.progress.dropped_launches,
        "others_dropped": summary.progress.dropped_others,
        "notes": notes,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

fn transfers(summary: &Summary, kind: u64) -> Value {
    summary
        .transfers
        .get(&kind)
        .map_or(Value::Null, |sum| json!({ "count": sum.count, "device_ns": sum.device_ns, "bytes": sum.bytes }))
}

/// The part of the time between a device's first start and last end in which it did something; `None` where its times are not known.
/// In the rest it waits for the host: the share that is host-bound.
pub fn busy_share(summary: &Summary, device: u64) -> Option<f64> {
    let busy = summary.busy.get(&device).filter(|busy| busy.span() > 0)?;
    Some(busy.length() as f64 / busy.span() as f64)
}

fn kernel(kernel: &KernelSummary) -> Value {
    let facts = &kernel.kernel;
    json!({
        "name": demangled(&facts.name),
        "symbol": facts.name,
        "launches": kernel.launches,
        "launches_by_graphs": kernel.by_graphs,
        "host_ns": kernel.host_ns,
        "device_ns": (kernel.executions > 0).then_some(kernel.device_ns),
        "timed_launches": kernel.executions,
        "registers": facts.registers,
        "static_shared_bytes": facts.static_shared,
        "local_bytes": facts.local,
        "occupancy_least": kernel.occupancy.map(|(least, _)| least),
        "occupancy_most": kernel.occupancy.map(|(_, most)| most),
    })
}

fn distribution(histogram: &Histogram) -> Value {
    json!({
        "count": histogram.count(),
        "sum": histogram.sum(),
        "p10": histogram.quantile(0.1),
        "p50": histogram.quantile(0.5),
        "p90": histogram.quantile(0.9),
        "p99": histogram.quantile(0.99),
        "most": histogram.most(),
    })
}

fn traffic_value(traffic: &Traffic) -> Value {
    json!({ "count": traffic.count, "host_ns": traffic.host_ns, "bytes": traffic.bytes })
}

fn with<const N: usize>(mut value: Value, more: [(&str, Value); N]) -> Value {
    for (name, what) in more {
        value[name] = what;
    }
    value
}
