//! The tables that people read.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::kernel_part::{Kernel, Kernels, PeerResult};
use crate::launch_part::{self, Launch};
use crate::machine::Machine;
use crate::peers::Kind;
use crate::start_part::{self, Start};
use crate::statistics::{Summary, geometric_mean, summary};

/// The machine.
pub fn machine(machine: &Machine) -> String {
    let load = machine.load_before.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"));
    format!(
        "{}, {} processors, Linux {}, load before the run {load}\n",
        machine.processor, machine.processors, machine.kernel
    )
}

/// The part `kernels`: what is compared, the limits, a row for each kernel, means.
pub fn kernels(kernels: &Kernels) -> String {
    let mut text = String::new();
    for (kind, device) in &kernels.devices {
        let _ = writeln!(text, "{:<7} {device}", kind.name());
    }
    let limits = &kernels.limits;
    let _ = writeln!(
        text,
        "limits  at best: read {:.1}, triad {:.1}, update {:.1} GB/s; float multiply-and-add {:.0} GFLOP/s",
        limits.read_gb_per_s, limits.triad_gb_per_s, limits.update_gb_per_s, limits.peak_gflop_per_s
    );
    let kinds: BTreeSet<Kind> = kernels.kernels.iter().flat_map(|kernel| kernel.peers.keys().copied()).collect();
    let kinds: Vec<Kind> = kinds.into_iter().collect();
    let others: Vec<Kind> = kinds.iter().copied().filter(|kind| *kind != Kind::Apex).collect();

    let _ = writeln!(
        text,
        "\nTimes in ms: median (minimum). Ratios: time of the peer / time of apex; rate of apex as part of a limit: medians over rounds.\n"
    );
    let _ = write!(text, "{:<14}", "kernel");
    for kind in &kinds {
        let _ = write!(text, "{:>20}", kind.name());
    }
    let _ = write!(text, "{:>18}{:>10}{:>10}", "rate of apex", "of limit", "of triad");
    for kind in &others {
        let _ = write!(text, "{:>8}", kind.name());
    }
    text.push('\n');
    for kernel in &kernels.kernels {
        text += &row(kernel, &kinds, &others);
    }
    for (title, ratio) in [("rounds", ratio_by_rounds as fn(&Kernel, Kind) -> Option<f64>), ("minima", ratio_by_minima)]
    {
        let _ = write!(text, "{:<1$}", format!("geometric mean of ratios, by {title}"), 14 + 20 * kinds.len() + 38);
        for kind in &others {
            let ratios: Vec<f64> = kernels.kernels.iter().filter_map(|kernel| ratio(kernel, *kind)).collect();
            text += &cell(geometric_mean(&ratios));
        }
        text.push('\n');
    }
    text += &errors(kernels);
    text
}

/// What went wrong, a paragraph each.
fn errors(kernels: &Kernels) -> String {
    let mut text = String::new();
    for kernel in &kernels.kernels {
        for (kind, result) in &kernel.peers {
            if let Some(error) = &result.error {
                let _ = writeln!(text, "\n{} on {}: {error}", kernel.name, kind.name());
            }
        }
    }
    text
}

fn row(kernel: &Kernel, kinds: &[Kind], others: &[Kind]) -> String {
    let mut text = format!("{:<14}", kernel.name);
    for kind in kinds {
        let result = kernel.peers.get(kind);
        let shown = match result.and_then(|result| result.time_ms) {
            _ if result.is_some_and(|result| result.error.is_some()) => "failed".to_owned(),
            Some(time) => format!("{:.2} ({:.2})", time.median, time.min),
            None => "-".to_owned(),
        };
        let _ = write!(text, "{shown:>20}");
    }
    let apex = measured(kernel, Kind::Apex);
    let rate = apex.and_then(|result| result.rate);
    let shown = rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1} {}", kernel.work.unit()));
    let _ = write!(text, "{shown:>18}");
    for part in [apex.and_then(|result| result.of_limit), apex.and_then(|result| result.of_triad)] {
        let shown = part.map_or_else(String::new, |part| format!("{:.0} %", 100.0 * part));
        let _ = write!(text, "{shown:>10}");
    }
    for kind in others {
        text += &cell(ratio_by_rounds(kernel, *kind));
    }
    text.push('\n');
    text
}

/// How many times as long as ours a peer's time is, if both have one: the median over rounds, since a round is short
/// and whatever else the machine does hits both alike in it.
fn ratio_by_rounds(kernel: &Kernel, kind: Kind) -> Option<f64> {
    let (peer, apex) = (measured(kernel, kind)?, measured(kernel, Kind::Apex)?);
    let rounds = peer.rounds_ms.iter().zip(&apex.rounds_ms);
    let ratios = rounds.filter_map(|(peer, apex)| Some(summary(peer)?.median / summary(apex)?.median));
    summary(&ratios.collect::<Vec<f64>>()).map(|summary| summary.median)
}

/// The same of the shortest times.
fn ratio_by_minima(kernel: &Kernel, kind: Kind) -> Option<f64> {
    Some(measured(kernel, kind)?.time_ms?.min / measured(kernel, Kind::Apex)?.time_ms?.min)
}

fn measured(kernel: &Kernel, kind: Kind) -> Option<&PeerResult> {
    kernel.peers.get(&kind).filter(|result| result.error.is_none())
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| format!("{:>8}", "-"), |value| format!("{value:>8.2}"))
}

/// The part `scaling`: each kernel on one core and on all, and how the machine's own limits scale.
pub fn scaling(kernels: &Kernels) -> String {
    let mut text = format!("{:<24}{:>20}{:>20}{:>10}\n", "scaling", "one core", "all cores", "times");
    let limits = &kernels.limits;
    let mut limit = |name: &str, one: f64, all: f64, unit: &str| {
        let (one_shown, all_shown) = (format!("{one:.1} {unit}"), format!("{all:.1} {unit}"));
        let _ = writeln!(text, "{name:<24}{one_shown:>20}{all_shown:>20}{:>10.2}", all / one);
    };
    limit("triad", limits.triad_one_core_gb_per_s, limits.triad_gb_per_s, "GB/s");
    limit("multiply-and-add", limits.peak_one_core_gflop_per_s, limits.peak_gflop_per_s, "GFLOP/s");
    let mut all_ratios = Vec::new();
    for kernel in &kernels.kernels {
        let shown = |kind: Kind| {
            let time = measured(kernel, kind).and_then(|result| result.time_ms);
            time.map_or_else(|| "failed".to_owned(), |time| format!("{:.2} ms ({:.2})", time.median, time.min))
        };
        let ratio = ratio_by_rounds(kernel, Kind::ApexOne);
        all_ratios.extend(ratio);
        let ratio_shown = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let (one, all) = (shown(Kind::ApexOne), shown(Kind::Apex));
        let _ = writeln!(text, "{:<24}{one:>20}{all:>20}{ratio_shown:>10}", kernel.name);
    }
    if let Some(mean) = geometric_mean(&all_ratios) {
        let _ = writeln!(text, "{:<64}{mean:>10.2}", "geometric mean");
    }
    text + &errors(kernels)
}

/// The part `launch`.
pub fn launch(launch: &Launch) -> String {
    let mut text = format!("{:<44}{:>12}{:>12}{:>12}\n", "launch", "apex", "asked", "H200");
    let mut line = |name: &str, value: f64, asked: Option<f64>, h200: Option<f64>, unit: &str| {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} {unit}"));
        let _ = writeln!(text, "{name:<44}{:>12}{:>12}{:>12}", shown(Some(value)), shown(asked), shown(h200));
    };
    let (asked, h200) = (launch_part::ENQUEUE_NS_ASKED, launch_part::ENQUEUE_NS_H200);
    let (empty, four) = (launch.enqueue, launch.enqueue_four_arguments);
    line("cuLaunchKernel into a running stream", empty.undisturbed_ns, Some(asked), Some(h200), "ns");
    line("the same, also while others used the core", empty.all_ns, None, None, "ns");
    line("with four arguments", four.undisturbed_ns, None, None, "ns");
    line("the same, also while others used the core", four.all_ns, None, None, "ns");
    let (asked, h200) = (launch_part::ROUND_TRIP_US_ASKED, launch_part::ROUND_TRIP_US_H200);
    line("cuLaunchKernel, cuStreamSynchronize", launch.round_trip_us, Some(asked), Some(h200), "us");
    line("the same, a kernel that counts", launch.round_trip_counting_us, None, None, "us");
    let _ = writeln!(text, "{:.0} % of the bursts had the core to themselves.", empty.undisturbed_share * 100.0);
    text
}

/// The part `start`.
pub fn start(start: &Start) -> String {
    let mut text = format!("{:<44}{:>12}{:>12}{:>12}\n", start.program, "median ms", "min ms", "asked");
    let mut line = |name: &str, time: Summary, asked: Option<f64>| {
        let asked = asked.map_or_else(|| "-".to_owned(), |asked| format!("{asked:.0}"));
        let _ = writeln!(text, "{name:<44}{:>12.1}{:>12.1}{asked:>12}", time.median, time.min);
    };
    line("apex run, no code in the cache", start.cold_ms, Some(start_part::COLD_MS_ASKED));
    line("apex run, code in the cache", start.warm_ms, Some(start_part::WARM_MS_ASKED));
    line("LD_LIBRARY_PATH, no code in the cache", start.cold_direct_ms, None);
    line("LD_LIBRARY_PATH, code in the cache", start.warm_direct_ms, None);
    text
}
