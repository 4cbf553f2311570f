//! What all kernels of a process counted, until it is shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use simt::LaunchInfo;

use crate::counts::Counts;
use crate::kernel::KernelCounters;

/// Counts of lines of single launches that are kept, all together: about 200 MB. Later launches are in the sums alone.
const KEPT_LINES_MAX: usize = 400_000;

/// A launch.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub kernel: String,
    pub module: u64,
    pub info: LaunchInfo,
}

/// A kernel with the sums over its launches, whatever the size of their blocks.
pub(crate) struct KernelSum {
    pub name: String,
    pub module: u64,
    pub launches: u64,
    pub failed: u64,
    pub lines: BTreeMap<u32, Counts>,
    pub texts: BTreeMap<u32, String>,
}

impl KernelSum {
    /// The sum over all lines.
    pub fn total(&self) -> Counts {
        total(&self.lines)
    }
}

/// The sum over lines.
pub(crate) fn total(lines: &BTreeMap<u32, Counts>) -> Counts {
    let mut sum = Counts::default();
    lines.values().for_each(|counts| sum += counts);
    sum
}

/// Launches that are kept one by one.
#[derive(Default)]
pub(crate) struct Kept {
    pub launches: Vec<(Launch, BTreeMap<u32, Counts>)>,
    lines: usize,
    /// Launches that were too many.
    pub left_out: u64,
}

/// Everything that is counted in a process.
#[derive(Default)]
pub struct Collector {
    kernels: Mutex<Vec<Arc<KernelCounters>>>,
    kept: Mutex<Kept>,
}

impl Collector {
    /// A collector that has nothing yet.
    pub fn new() -> Arc<Collector> {
        Arc::default()
    }

    pub(crate) fn add_kernel(&self, kernel: Arc<KernelCounters>) {
        self.kernels.lock().unwrap_or_else(PoisonError::into_inner).push(kernel);
    }

    pub(crate) fn add_launch(&self, launch: Launch, tally: &[u64], kernel: &KernelCounters) {
        let lines = kernel.lines_of(tally);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.lines + lines.len() > KEPT_LINES_MAX {
            kept.left_out += 1;
            return;
        }
        kept.lines += lines.len();
        kept.launches.push((launch, lines));
    }

    /// The sums of each kernel that was launched, by name.
    pub(crate) fn sums(&self) -> Vec<KernelSum> {
        let kernels = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums: BTreeMap<(String, u64), KernelSum> = BTreeMap::new();
        for kernel in kernels.iter() {
            let (launches, failed, lines) = kernel.totals();
            if launches == 0 {
                continue;
            }
            let key = (kernel.name().to_owned(), kernel.module());
            let sum = sums.entry(key).or_insert_with(|| KernelSum {
                name: kernel.name().to_owned(),
                module: kernel.module(),
                launches: 0,
                failed: 0,
                lines: BTreeMap::new(),
                texts: BTreeMap::new(),
            });
            sum.launches += launches;
            sum.failed += failed;
            for (line, counts) in &lines {
                *sum.lines.entry(*line).or_default() += counts;
                sum.texts.entry(*line).or_insert_with(|| kernel.text(*line).to_owned());
            }
        }
        sums.into_values().collect()
    }

    /// Runs `show` with the launches that are kept, those of one stream in their order, streams in the order in which they were made.
    pub(crate) fn with_launches<T>(&self, show: impl FnOnce(&Kept) -> T) -> T {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.launches.sort_by_key(|(launch, _)| (launch.info.stream, launch.info.sequence));
        show(&kept)
    }

    /// The sums of each kernel as a table; empty if nothing was launched.
    pub fn table(&self) -> String {
        crate::table::table(&self.sums())
    }

    /// Everything, as JSON; `docs/counters.md` describes it.
    pub fn json(&self) -> String {
        crate::json::json(self)
    }
}
