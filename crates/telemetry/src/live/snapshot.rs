//! What is known of a process at a moment.

use super::ReadError;
use super::records::{Block, Copy, Device, Failure, Kernel, Load, Memory, Others, Process, Set, Sync, Totals};
use crate::file::{Ending, Reader, encode_block};
use crate::records::Record;

/// Most rows of one kind. No process publishes as many.
const ROWS_MAX: usize = 4096;

/// The records of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The process.
    pub process: Process,
    /// Devices that something was done on.
    pub devices: Vec<Device>,
    /// What is counted once for the process.
    pub totals: Totals,
    /// Kernels that are told apart, in the order in which they were loaded.
    pub kernels: Vec<Kernel>,
    /// The others.
    pub others: Others,
    /// Copies by kind and device.
    pub copies: Vec<Copy>,
    /// Sets by device.
    pub sets: Vec<Set>,
    /// Memory by kind and device.
    pub memories: Vec<Memory>,
    /// Synchronisations by kind and device.
    pub syncs: Vec<Sync>,
    /// Loads by kind.
    pub loads: Vec<Load>,
    /// Failures by call and result.
    pub failures: Vec<Failure>,
}

impl Snapshot {
    /// Appends the snapshot as blocks.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        encode_block(std::slice::from_ref(&self.process), out);
        encode_block(&self.devices, out);
        encode_block(std::slice::from_ref(&self.totals), out);
        encode_block(&self.kernels, out);
        encode_block(std::slice::from_ref(&self.others), out);
        encode_block(&self.copies, out);
        encode_block(&self.sets, out);
        encode_block(&self.memories, out);
        encode_block(&self.syncs, out);
        encode_block(&self.loads, out);
        encode_block(&self.failures, out);
    }

    /// Reads the blocks of a snapshot. Control characters in texts are replaced: they end up on terminals.
    ///
    /// # Errors
    /// When they are not those of a snapshot.
    pub(super) fn decode(blocks: &[u8]) -> Result<Snapshot, ReadError> {
        let mut reader = Reader::blocks(blocks);
        let mut snapshot = Snapshot::default();
        let (mut processes, mut totals, mut others) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(block) = reader.next_of::<Block>()? {
            let fits = match block {
                Block::Process(rows) => take(rows, &mut processes),
                Block::Device(rows) => take(rows, &mut snapshot.devices),
                Block::Totals(rows) => take(rows, &mut totals),
                Block::Kernel(rows) => take(rows, &mut snapshot.kernels),
                Block::Others(rows) => take(rows, &mut others),
                Block::Copy(rows) => take(rows, &mut snapshot.copies),
                Block::Set(rows) => take(rows, &mut snapshot.sets),
                Block::Memory(rows) => take(rows, &mut snapshot.memories),
                Block::Sync(rows) => take(rows, &mut snapshot.syncs),
                Block::Load(rows) => take(rows, &mut snapshot.loads),
                Block::Failure(rows) => take(rows, &mut snapshot.failures),
            };
            if !fits {
                return Err(ReadError::Damaged("it has too many rows"));
            }
        }
        if reader.ending() != Some(Ending::Whole) {
            return Err(ReadError::Damaged("it has something else than blocks"));
        }
        let (Some(process), Some(totals), Some(others)) = (processes.pop(), totals.pop(), others.pop()) else {
            return Err(ReadError::Damaged("something is missing"));
        };
        (snapshot.process, snapshot.totals, snapshot.others) = (process, totals, others);
        let Process { program, host, version, .. } = &mut snapshot.process;
        let names = snapshot.devices.iter_mut().map(|device| &mut device.name);
        let kernels = snapshot.kernels.iter_mut().map(|kernel| &mut kernel.name);
        [program, host, version].into_iter().chain(names).chain(kernels).for_each(make_printable);
        Ok(snapshot)
    }
}

/// Adds rows to others of their kind; false if these are too many.
fn take<R: Record>(rows: Vec<R>, all: &mut Vec<R>) -> bool {
    all.extend(rows);
    all.len() <= ROWS_MAX
}

fn make_printable(text: &mut String) {
    if text.chars().any(char::is_control) {
        *text = text.replace(char::is_control, "\u{fffd}");
    }
}
