//! The summary for people.

use std::fmt::Write;

use telemetry::records::{COPIES, GPU_COPY, GPU_SET, LOADS, MEMORIES, Names, SYNCS};
use telemetry::summary::{Histogram, KernelSummary, Summary, Traffic};

use super::json::{RESOURCES, busy_share};
use crate::output::{bytes, time};
use crate::recording::demangled;

/// Longest name of a kernel that is shown whole.
const NAME_MAX: usize = 60;
/// Length of the longest bar.
const BAR_MAX: u64 = 40;

/// The text.
pub fn text(summary: &Summary, notes: &[String], top: usize) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = head(summary, notes, &mut out)
        .and_then(|()| kernels(summary, top, &mut out))
        .and_then(|()| launches(summary, &mut out))
        .and_then(|()| occupancy(summary, &mut out))
        .and_then(|()| memory(summary, &mut out))
        .and_then(|()| rest(summary, &mut out));
    out
}

fn head(summary: &Summary, notes: &[String], out: &mut String) -> std::fmt::Result {
    writeln!(out, "{} (process {} on {})", summary.fact("program"), summary.fact("process"), summary.fact("host"))?;
    for device in summary.devices.values() {
        let ordinal = device.id.wrapping_sub(1) as i64;
        write!(
            out,
            "device {ordinal}: {}, {}.{}, {} multiprocessors",
            device.name, device.major, device.minor, device.multiprocessors
        )?;
        match (summary.busy.get(&device.id), busy_share(summary, device.id)) {
            (Some(busy), Some(share)) => writeln!(
                out,
                "; busy {} of {} ({:.1} %), idle {}: host-bound {:.1} %",
                time(busy.length()),
                time(busy.span()),
                share * 100.0,
                time(busy.span() - busy.length()),
                (1.0 - share) * 100.0
            )?,
            _ => writeln!(out, "; its times are not in the recording")?,
        }
    }
    let times = summary.fact("device_times");
    if !times.is_empty() && times != "none" {
        writeln!(out, "times of the device: by {times}")?;
    }
    for note in notes {
        writeln!(out, "Note: {note}")?;
    }
    writeln!(out, "{} from the first call to the last; {} calls failed", time(summary.span_ns()), summary.failures)
}

fn kernels(summary: &Summary, top: usize, out: &mut String) -> std::fmt::Result {
    let all = summary.kernels.by_time();
    if all.is_empty() {
        return writeln!(out, "\nNo kernel was launched.");
    }
    let has_times = all.iter().any(|kernel| kernel.executions > 0);
    let whole: u64 = all.iter().map(|kernel| weight(kernel, has_times)).sum();
    let title = if has_times { "device time" } else { "host time of launches" };
    writeln!(out, "\nKernels by {title}")?;
    writeln!(
        out,
        "{:>6} {:>10} {:>10} {:>10} {:>10} {:>5} {:>9}  name",
        "share", "launches", "total", "mean", "by graphs", "regs", "occupancy"
    )?;
    for kernel in all.iter().take(top) {
        let total = weight(kernel, has_times);
        let count = if has_times { kernel.executions } else { kernel.launches };
        let occupancy = match kernel.occupancy {
            None => "-".to_owned(),
            Some((least, most)) if (most - least) < 0.005 => format!("{:.0} %", most * 100.0),
            Some((least, most)) => format!("{:.0}-{:.0} %", least * 100.0, most * 100.0),
        };
        writeln!(
            out,
            "{:>4.1} % {:>10} {:>10} {:>10} {:>10} {:>5} {:>9}  {}",
            total as f64 * 100.0 / whole.max(1) as f64,
            kernel.launches,
            time(total),
            time(total / count.max(1)),
            kernel.by_graphs,
            kernel.kernel.registers,
            occupancy,
            match kernel.kernel.name.as_str() {
                "" if kernel.kernel.id == 0 => "(not seen being launched)".to_owned(),
                name => short(&demangled(name)),
            }
        )?;
    }
    match all.len().saturating_sub(top) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more (--top)"),
    }
}

fn weight(kernel: &KernelSummary, has_times: bool) -> u64 {
    if has_times { kernel.device_ns } else { kernel.host_ns }
}

fn launches(summary: &Summary, out: &mut String) -> std::fmt::Result {
    let kernels = &summary.kernels;
    writeln!(
        out,
        "\nLaunches: {}; captured {}; graphs {} with {} launches",
        kernels.launches, kernels.captured, kernels.graph_launches, kernels.launches_by_graphs
    )?;
    distribution("host time of a launch", &kernels.host, out)?;
    distribution("host time between a thread's launches", &summary.gaps, out)
}

fn distribution(name: &str, histogram: &Histogram, out: &mut String) -> std::fmt::Result {
    if histogram.count() == 0 {
        return Ok(());
    }
    let [p10, p50, p90, p99] = [0.1, 0.5, 0.9, 0.99].map(|part| time(histogram.quantile(part)));
    let (most, sum) = (time(histogram.most()), time(histogram.sum()));
    writeln!(out, "  {name}: 10 % {p10}, median {p50}, 90 % {p90}, 99 % {p99}, most {most}, sum {sum}")
}

fn occupancy(summary: &Summary, out: &mut String) -> std::fmt::Result {
    let kernels = &summary.kernels;
    let most = kernels.occupancy.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    writeln!(out, "\nTheoretical occupancy of launches")?;
    for (bin, count) in kernels.occupancy.iter().enumerate().filter(|(_, count)| **count > 0) {
        let bar = "#".repeat((u128::from(*count) * u128::from(BAR_MAX)).div_ceil(most.into()) as usize);
        writeln!(out, "  to {:>3} % {count:>10} {bar}", (bin + 1) * 10)?;
    }
    let limits: Vec<String> = RESOURCES
        .iter()
        .zip(kernels.limited_by)
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    writeln!(out, "  limited by: {}", limits.join(", "))
}

fn memory(summary: &Summary, out: &mut String) -> std::fmt::Result {
    let memory = &summary.memory;
    writeln!(out, "\nMemory of devices: most {}, at the end {}", bytes(memory.live_most), bytes(memory.live))?;
    by_kind("allocations", MEMORIES, memory.allocations.iter(), true, out)?;
    by_kind("frees", MEMORIES, memory.frees.iter(), false, out)?;
    for ((kind, is_async), traffic) in &memory.copies {
        let way = if *is_async { ", asynchronous" } else { "" };
        line(&format!("copies, {}{way}", COPIES.of(*kind)), traffic, true, out)?;
    }
    if memory.sets.count > 0 {
        line("sets", &memory.sets, true, out)?;
    }
    for (kind, name) in [(GPU_COPY, "copies on the device"), (GPU_SET, "sets on the device")] {
        if let Some(sum) = summary.transfers.get(&kind) {
            writeln!(
                out,
                "  {name:<48} {:>10} {:>10} of device time  {}",
                sum.count,
                time(sum.device_ns),
                bytes(sum.bytes)
            )?;
        }
    }
    Ok(())
}

fn rest(summary: &Summary, out: &mut String) -> std::fmt::Result {
    if !summary.syncs.is_empty() || !summary.loads.is_empty() {
        writeln!(out, "\nOther calls")?;
    }
    by_kind("synchronisations", SYNCS, summary.syncs.iter(), false, out)?;
    by_kind("loads", LOADS, summary.loads.iter(), true, out)
}

fn by_kind<'a>(
    what: &str,
    names: Names,
    kinds: impl Iterator<Item = (&'a u64, &'a Traffic)>,
    has_bytes: bool,
    out: &mut String,
) -> std::fmt::Result {
    for (kind, traffic) in kinds {
        line(&format!("{what}, {}", names.of(*kind)), traffic, has_bytes, out)?;
    }
    Ok(())
}

fn line(what: &str, traffic: &Traffic, has_bytes: bool, out: &mut String) -> std::fmt::Result {
    write!(out, "  {what:<48} {:>10} {:>10} of host time", traffic.count, time(traffic.host_ns))?;
    if has_bytes { writeln!(out, "  {}", bytes(traffic.bytes)) } else { writeln!(out) }
}

/// A name, cut in the middle if it is long: both ends tell kernels apart.
fn short(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= NAME_MAX {
        return name.to_owned();
    }
    let (front, back) = (NAME_MAX * 2 / 3, NAME_MAX - NAME_MAX * 2 / 3 - 3);
    let end: String = characters[characters.len() - back..].iter().collect();
    format!("{}...{end}", characters[..front].iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        let name = format!("void cutlass::Kernel<{}>(Params)", "x".repeat(200));
        let cut = short(&name);
        assert_eq!(cut.chars().count(), NAME_MAX);
        assert!(cut.starts_with("void cutlass::Kernel<") && cut.ends_with(">(Params)"), "{cut}");
        assert_eq!(short("short"), "short");
    }
}
