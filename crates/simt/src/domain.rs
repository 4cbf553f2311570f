//! Domains: kernels that fail together and share a heap and an output.

use crate::arena::Arena;
use crate::fault::{Fault, FaultKind};
use crate::lock_order::{EngineRank, Lock};
use crate::queue::Padded;
use crate::runtime::{Heap, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes for the parameters of grids that kernels launch. They are taken when the first one does.
const PARAMETER_BUFFERS_BYTES: u64 = 64 << 20;

/// What a domain is made with.
#[derive(Clone, Copy, Debug)]
pub struct DomainConfig {
    /// Multiprocessors that kernels are told of (`%nsmid`).
    pub sm_count: u32,
    /// Blocks that are resident on the device at the same time while they wait for each other, at most. (Cooperative
    /// launches are resident as a whole.)
    pub resident_blocks_max: u32,
    /// Bytes for `malloc` in kernels.
    pub heap_bytes: u64,
    /// Bytes of formatted output that are kept until they are flushed.
    pub output_bytes: u64,
}

impl Default for DomainConfig {
    fn default() -> Self {
        Self { sm_count: 1, resident_blocks_max: 1024, heap_bytes: 8 << 20, output_bytes: 1 << 20 }
    }
}

/// Streams of a domain stop together when one of its kernels faults: commands that follow complete without effect, except
/// for host functions, operations, waits and notes of the time.
#[derive(Debug)]
pub struct Domain {
    config: DomainConfig,
    failed: AtomicBool,
    fault: Lock<Option<Arc<Fault>>>,
    heap: Heap,
    parameter_buffers: Heap,
    output: Output,
    /// Apart from `failed`, which every launch reads: this is written by whoever starts a grid.
    grids: Padded<AtomicU64>,
}

impl Domain {
    /// A domain in which nothing has failed.
    pub fn new(arena: &Arc<Arena>, config: DomainConfig) -> Arc<Domain> {
        Arc::new(Domain {
            failed: AtomicBool::new(false),
            fault: Lock::new(EngineRank::Fault, None),
            heap: Heap::new(arena.clone(), config.heap_bytes),
            parameter_buffers: Heap::new(arena.clone(), PARAMETER_BUFFERS_BYTES),
            output: Output::new(config.output_bytes),
            grids: Padded::default(),
            config,
        })
    }

    /// What it was made with.
    pub fn config(&self) -> &DomainConfig {
        &self.config
    }

    /// Whether a kernel has faulted.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// The first fault.
    pub fn fault(&self) -> Option<Arc<Fault>> {
        if self.has_failed() { self.fault.lock().clone() } else { None }
    }

    /// The heap of `malloc` in kernels.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// What kernels print.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Records a fault, the first one for good, and says so on stderr.
    pub(crate) fn record(&self, fault: Fault) {
        let mut first = self.fault.lock();
        if first.is_none() {
            eprintln!("apex: {fault}");
            *first = Some(Arc::new(fault));
            self.failed.store(true, Ordering::Release);
        }
    }

    /// Fails the domain for a reason that lies outside of machine code. `kernel` is what was to run.
    pub fn fail(&self, kind: FaultKind, kernel: &str, detail: String) {
        let kernel = kernel.to_string();
        self.record(Fault {
            kind,
            kernel,
            line: None,
            block: [0; 3],
            thread: None,
            access: None,
            detail: Some(detail),
        });
    }

    /// Memory for the parameters of grids that kernels launch.
    pub fn parameter_buffers(&self) -> &Heap {
        &self.parameter_buffers
    }

    /// A number for a grid (`%gridid`).
    pub(crate) fn next_grid_id(&self) -> u64 {
        self.grids.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}
