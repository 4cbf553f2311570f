//! What follows from a recording: made block by block, in memory that depends on the number of kernels and not of launches.

mod busy;
mod histogram;
mod kernels;
mod memory;

pub use busy::Busy;
pub use histogram::Histogram;
pub use kernels::{KernelSummary, Kernels, OCCUPANCY_BINS};
pub use memory::{MemorySummary, Traffic};

use crate::records::{self, Block, Fact, Progress, flags};
use std::collections::BTreeMap;

/// Most threads whose launches are told apart for gaps.
const THREADS_MAX: usize = 1 << 16;

/// Copies, or sets, of which the times on the device are known.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Transfers {
    /// How many.
    pub count: u64,
    /// Their time on the device, in ns.
    pub device_ns: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The summary of a recording.
#[derive(Debug, Default)]
pub struct Summary {
    /// About the process.
    pub facts: Vec<Fact>,
    /// Devices by number.
    pub devices: BTreeMap<u64, records::Device>,
    /// Devices of contexts, by number.
    contexts: BTreeMap<u64, u64>,
    /// Kernels and their launches.
    pub kernels: Kernels,
    /// Memory, copies and sets.
    pub memory: MemorySummary,
    /// Synchronisations by kind.
    pub syncs: BTreeMap<u64, Traffic>,
    /// Loads by kind.
    pub loads: BTreeMap<u64, Traffic>,
    /// Host time from the end of a launch to the start of the same thread's next, in ns.
    pub gaps: Histogram,
    /// End of the last launch, by thread.
    last_launch: Vec<u64>,
    /// Copies and sets of devices, by the `kind` of [`records::Transfer`].
    pub transfers: BTreeMap<u64, Transfers>,
    /// When devices did something, by number of the device: executed kernels, copied, set. Empty where their times are not known.
    pub busy: BTreeMap<u64, Busy>,
    /// From the first call to the end of the last, in ns of the host's clock.
    span: Option<(u64, u64)>,
    /// Calls that did not answer with success.
    pub failures: u64,
    /// What the recording says about itself.
    pub progress: Progress,
    /// Whether the program ended by exiting.
    pub has_end: bool,
}

impl Summary {
    /// Takes the next block.
    pub fn add(&mut self, block: Block) {
        match block {
            Block::Fact(rows) => self.facts.extend(rows),
            Block::Device(rows) => self.devices.extend(rows.into_iter().map(|device| (device.id, device))),
            Block::Context(rows) => self.contexts.extend(rows.into_iter().map(|context| (context.id, context.device))),
            Block::Kernel(rows) => rows.into_iter().for_each(|kernel| self.kernels.add_kernel(kernel)),
            Block::Shape(rows) => rows.iter().for_each(|shape| self.kernels.add_shape(shape)),
            Block::Node(rows) => rows.iter().for_each(|node| self.kernels.add_node(node)),
            Block::Launch(rows) => rows.iter().for_each(|launch| self.add_launch(launch)),
            Block::GraphLaunch(rows) => {
                for row in &rows {
                    self.note_call(row.start, row.duration, row.result);
                    self.kernels.add_graph_launch(row);
                }
            }
            Block::Execution(rows) => rows.iter().for_each(|row| self.add_execution(row)),
            Block::Transfer(rows) => rows.iter().for_each(|row| self.add_transfer(row)),
            Block::Copy(rows) => {
                for row in &rows {
                    self.note_call(row.start, row.duration, row.result);
                    self.memory.add_copy(row);
                }
            }
            Block::Set(rows) => {
                for row in &rows {
                    self.note_call(row.start, row.duration, row.result);
                    self.memory.sets.add(row.duration, row.bytes);
                }
            }
            Block::Memory(rows) => {
                for row in &rows {
                    self.note_call(row.start, row.duration, row.result);
                    self.memory.add(row);
                }
            }
            Block::Sync(rows) => {
                for row in &rows {
                    self.note_call(row.start, row.duration, row.result);
                    self.syncs.entry(row.kind).or_default().add(row.duration, 0);
                }
            }
            Block::Load(rows) => {
                for row in &rows {
                    self.note_call(row.start, row.duration, row.result);
                    if row.flags & flags::RELEASE == 0 {
                        self.loads.entry(row.kind).or_default().add(row.duration, row.bytes);
                    }
                }
            }
            Block::Progress(rows) => self.progress = rows.last().cloned().unwrap_or_default(),
            Block::End(_) => self.has_end = true,
        }
    }

    fn add_launch(&mut self, launch: &records::Launch) {
        self.note_call(launch.start, launch.duration, launch.result);
        self.kernels.add_launch(launch);
        let thread = launch.thread as usize;
        if thread < THREADS_MAX {
            if self.last_launch.len() <= thread {
                self.last_launch.resize(thread + 1, 0);
            }
            let last = std::mem::replace(&mut self.last_launch[thread], launch.start.saturating_add(launch.duration));
            if last != 0 {
                self.gaps.add(launch.start.saturating_sub(last));
            }
        }
    }

    fn add_execution(&mut self, execution: &records::Execution) {
        self.kernels.add_execution(execution);
        self.add_busy(execution.context, execution.start, execution.duration);
    }

    fn add_transfer(&mut self, transfer: &records::Transfer) {
        let sum = self.transfers.entry(transfer.kind).or_default();
        sum.count += 1;
        sum.device_ns = sum.device_ns.saturating_add(transfer.duration);
        sum.bytes = sum.bytes.saturating_add(transfer.bytes);
        self.add_busy(transfer.context, transfer.start, transfer.duration);
    }

    fn add_busy(&mut self, context: u64, start: u64, duration: u64) {
        let device = self.contexts.get(&context).copied().unwrap_or(0);
        self.busy.entry(device).or_default().add(start, start.saturating_add(duration));
    }

    fn note_call(&mut self, start: u64, duration: u64, result: u64) {
        self.failures += u64::from(result != 0);
        let (first, last) = self.span.unwrap_or((start, start));
        self.span = Some((first.min(start), last.max(start.saturating_add(duration))));
    }

    /// From the first call to the end of the last, in ns.
    pub fn span_ns(&self) -> u64 {
        self.span.map_or(0, |(first, last)| last - first)
    }

    /// A fact's value, the last one that was told; empty if it is not there.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.iter().rev().find(|fact| fact.name == name).map_or("", |fact| &fact.value)
    }
}

#[cfg(test)]
mod tests;
