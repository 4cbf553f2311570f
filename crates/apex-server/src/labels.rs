//! Which kernels of a process have series of their own.
//!
//! A program may have thousands of kernels; the number of series is bounded. A kernel gets a series of its own when it is among the
//! first by time at a moment at which somebody asks, and keeps it. All others are summed in one more series.
//!
//! Counters must not shrink, nor may a launch count twice. So what a kernel did while it was summed stays in the sum, and its own series
//! begins at nothing. Every launch is in exactly one series, and the sum over all of them is that over all kernels.

use std::collections::HashMap;

use telemetry::live::Snapshot;
use telemetry::live::records::Kernel;

use crate::names;

/// The label of kernels that have none of their own.
pub const OTHER: &str = "other";

/// What is counted of a kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Launches by the program.
    pub launches: u64,
    /// Their time on the host in ns.
    pub launch_ns: u64,
    /// Launches by graphs.
    pub by_graphs: u64,
    /// Launches whose times on the device are known.
    pub executions: u64,
    /// These times in ns.
    pub execution_ns: u64,
}

impl Counts {
    fn of(kernel: &Kernel) -> Counts {
        let Kernel { launches, launch_ns, by_graphs, executions, execution_ns, .. } = *kernel;
        Counts { launches, launch_ns, by_graphs, executions, execution_ns }
    }

    fn each(self, other: Counts, f: impl Fn(u64, u64) -> u64) -> Counts {
        Counts {
            launches: f(self.launches, other.launches),
            launch_ns: f(self.launch_ns, other.launch_ns),
            by_graphs: f(self.by_graphs, other.by_graphs),
            executions: f(self.executions, other.executions),
            execution_ns: f(self.execution_ns, other.execution_ns),
        }
    }

    fn plus(self, other: Counts) -> Counts {
        self.each(other, u64::saturating_add)
    }

    fn minus(self, other: Counts) -> Counts {
        self.each(other, u64::saturating_sub)
    }
}

/// A series of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The kernel, or [`OTHER`].
    pub label: String,
    /// The device's ordinal plus 1; 0 for [`OTHER`].
    pub device: u64,
    /// Its counts.
    pub counts: Counts,
}

/// The series of a process.
#[derive(Debug, Default)]
pub struct Labels {
    /// By the kernel's place in snapshots, which it keeps.
    kernels: Vec<Labelled>,
    labelled: usize,
}

#[derive(Debug, Default)]
struct Labelled {
    label: Option<String>,
    /// What stays in the sum of others.
    in_others: Counts,
}

impl Labels {
    /// The series of a snapshot, which is no older than those before it. Kernels among the first `top` by time get series of their own,
    /// twice as many at most; kernels with the same name on the same device are one in a snapshot already.
    pub fn series(&mut self, snapshot: &Snapshot, top: usize) -> Vec<Series> {
        self.kernels.resize_with(self.kernels.len().max(snapshot.kernels.len()), Labelled::default);
        let mut by_time: Vec<usize> = (0..snapshot.kernels.len()).collect();
        by_time.sort_by_key(|place| {
            let kernel = &snapshot.kernels[*place];
            std::cmp::Reverse((kernel.execution_ns, kernel.launch_ns, kernel.launches))
        });
        for place in by_time.into_iter().take(top) {
            let kernel = &mut self.kernels[place];
            if kernel.label.is_none() && self.labelled < top * 2 {
                kernel.label = Some(own_label(&snapshot.kernels[place].name));
                self.labelled += 1;
            }
        }
        let others = &snapshot.others;
        let mut sum = Counts {
            launches: others.launches,
            launch_ns: others.launch_ns,
            by_graphs: others.by_graphs,
            executions: others.executions,
            execution_ns: others.execution_ns,
        };
        let mut series: Vec<Series> = Vec::new();
        let mut places = HashMap::new();
        for (labelled, kernel) in self.kernels.iter_mut().zip(&snapshot.kernels) {
            let counts = Counts::of(kernel);
            match &labelled.label {
                Some(label) => {
                    let counts = counts.minus(labelled.in_others);
                    // Names in different files may be one once they are demangled.
                    let place = *places.entry((label, kernel.device)).or_insert(series.len());
                    match series.get_mut(place) {
                        Some(same) => same.counts = same.counts.plus(counts),
                        None => series.push(Series { label: label.clone(), device: kernel.device, counts }),
                    }
                }
                None => labelled.in_others = counts,
            }
            sum = sum.plus(labelled.in_others);
        }
        series.push(Series { label: OTHER.to_owned(), device: 0, counts: sum });
        series
    }
}

/// The label of a kernel: a kernel may be called `other`.
fn own_label(name: &str) -> String {
    let label = names::kernel_label(name);
    if label == OTHER { format!("{label}()") } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot(kernels: &[(u64, u64)]) -> Snapshot {
        let kernel = |(place, (launches, launch_ns)): (usize, &(u64, u64))| Kernel {
            name: format!("k{place}"),
            device: 1,
            launches: *launches,
            launch_ns: *launch_ns,
            ..Kernel::default()
        };
        Snapshot { kernels: kernels.iter().enumerate().map(kernel).collect(), ..Snapshot::default() }
    }

    fn launches_of(series: &[Series]) -> Vec<(&str, u64)> {
        series.iter().map(|series| (series.label.as_str(), series.counts.launches)).collect()
    }

    #[test]
    fn few_kernels_are_counted_from_their_beginning() {
        let mut labels = Labels::default();
        let series = labels.series(&snapshot(&[(5, 50), (3, 90)]), 10);
        assert_eq!(launches_of(&series), [("k0", 5), ("k1", 3), (OTHER, 0)]);
        let series = labels.series(&snapshot(&[(5, 50), (3, 90), (7, 10)]), 10);
        assert_eq!(launches_of(&series), [("k0", 5), ("k1", 3), ("k2", 7), (OTHER, 0)]);
    }

    #[test]
    fn what_was_summed_stays_in_the_sum() {
        let mut labels = Labels::default();
        let series = labels.series(&snapshot(&[(5, 50), (3, 90)]), 1);
        assert_eq!(launches_of(&series), [("k1", 3), (OTHER, 5)]);
        let series = labels.series(&snapshot(&[(9, 500), (4, 91)]), 1);
        assert_eq!(launches_of(&series), [("k0", 4), ("k1", 4), (OTHER, 5)]);
        let series = labels.series(&snapshot(&[(10, 500), (4, 91), (1, 9000)]), 1);
        assert_eq!(launches_of(&series), [("k0", 5), ("k1", 4), (OTHER, 6)], "there are labels for two");
    }

    #[test]
    fn a_kernel_named_like_the_sum_is_told_apart() {
        let mut named = snapshot(&[(1, 1)]);
        named.kernels[0].name = OTHER.to_owned();
        assert_eq!(launches_of(&Labels::default().series(&named, 5)), [("other()", 1), (OTHER, 0)]);
    }

    #[test]
    fn kernels_with_one_name_are_one_series() {
        let mut twice = snapshot(&[(5, 1), (7, 2), (1, 3)]);
        twice.kernels[0].name = "_Z3fooPf".to_owned();
        twice.kernels[1].name = "_ZL3fooPf".to_owned();
        let mut labels = Labels::default();
        assert_eq!(launches_of(&labels.series(&twice, 5)), [("foo(float*)", 12), ("k2", 1), (OTHER, 0)]);
        twice.kernels[1].device = 2;
        assert_eq!(launches_of(&labels.series(&twice, 5)).len(), 4);
    }

    proptest! {
        /// Whatever kernels do: no series shrinks, none goes, their sum is that of the kernels, and there are not too many.
        #[test]
        fn series_only_grow(
            top in 1_usize..4,
            turns in proptest::collection::vec(proptest::collection::vec((0_u64..9, 0_u64..99), 0..12), 1..20),
        ) {
            let mut kernels: Vec<(u64, u64)> = Vec::new();
            let (mut labels, mut before) = (Labels::default(), HashMap::new());
            for turn in turns {
                kernels.resize(kernels.len().max(turn.len()), (0, 0));
                for (kernel, more) in kernels.iter_mut().zip(turn) {
                    *kernel = (kernel.0 + more.0, kernel.1 + more.1);
                }
                let series = labels.series(&snapshot(&kernels), top);
                prop_assert!(series.len() <= 2 * top + 1);
                let sum: u64 = series.iter().map(|series| series.counts.launches).sum();
                prop_assert_eq!(sum, kernels.iter().map(|kernel| kernel.0).sum::<u64>());
                let now: HashMap<String, Counts> =
                    series.into_iter().map(|series| (series.label, series.counts)).collect();
                for (label, counts) in &before {
                    let later: &Counts = now.get(label).expect("a series is gone");
                    let counts: &Counts = counts;
                    prop_assert!(later.launches >= counts.launches && later.launch_ns >= counts.launch_ns);
                }
                before = now;
            }
        }
    }
}
