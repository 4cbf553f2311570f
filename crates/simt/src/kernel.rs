//! Kernels and launches, as the engine takes them.

use crate::nested::DeviceRuntime;
use crate::observe::KernelObserver;
use crate::queue::{LaunchRecord, Padded};
use crate::variants::{Choice, Tuner, Variants};
use simt_ir::abi::KernelCode;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Most threads of a block, on every device CUDA has had.
pub const BLOCK_THREADS_MAX: u32 = 1024;
/// Most blocks of a cluster.
pub const CLUSTER_BLOCKS_MAX: u32 = 16;
/// Most bytes of parameters of a launch (sm_70 and later, CUDA 12.1).
pub const PARAMETER_BYTES_MAX: usize = 32_764;

/// A kernel that can be launched: machine code, and what it refers to.
pub struct Kernel {
    name: String,
    variants: Variants,
    symbols: Box<[u64]>,
    /// Who hears of what instrumented code does.
    observer: Option<Arc<dyn KernelObserver>>,
    /// Who answers what the kernel asks of the system.
    device_runtime: Option<Arc<dyn DeviceRuntime>>,
    /// Moving average of the time of a block in units of 1/16 ns; 0 as long as none has run. Apart from what launches read.
    block_cost: Padded<AtomicU64>,
    /// Whether a block has waited for something outside of it, or run for so long that it may have.
    has_waited: AtomicBool,
}

/// Who serves a kernel beside the engine.
#[derive(Default)]
pub struct Services {
    /// Answers what the kernel asks of the system, to launch other kernels for example.
    pub device_runtime: Option<Arc<dyn DeviceRuntime>>,
    /// Hears of what instrumented code does.
    pub observer: Option<Arc<dyn KernelObserver>>,
    /// Decides what other code the kernel is to have. Without one its launches are not timed.
    pub tuner: Option<Arc<dyn Tuner>>,
}

impl Kernel {
    /// A kernel of machine code that lives as long as `owner`. `symbols` are the addresses of the program's symbols, in
    /// its order.
    ///
    /// # Safety
    /// `code` describes a function that keeps to the contract in [`simt_ir::abi`] and stays in memory until `owner` is dropped.
    pub unsafe fn new(
        name: impl Into<String>,
        code: KernelCode,
        symbols: impl Into<Box<[u64]>>,
        owner: Arc<dyn Any + Send + Sync>,
    ) -> Arc<Kernel> {
        // SAFETY: passed on.
        unsafe { Self::with_services(name, code, symbols, owner, Services::default()) }
    }

    /// The same for a kernel that asks or tells others something.
    ///
    /// # Safety
    /// As for [`new`](Kernel::new), and the tallies of an observer hold the words that the code counts in.
    pub unsafe fn with_services(
        name: impl Into<String>,
        code: KernelCode,
        symbols: impl Into<Box<[u64]>>,
        owner: Arc<dyn Any + Send + Sync>,
        services: Services,
    ) -> Arc<Kernel> {
        let (name, symbols) = (name.into(), symbols.into());
        let Services { device_runtime, observer, tuner } = services;
        let (variants, block_cost) = (Variants::new(code, owner, tuner), Padded::default());
        Arc::new(Kernel {
            name,
            variants,
            symbols,
            observer,
            device_runtime,
            block_cost,
            has_waited: AtomicBool::new(false),
        })
    }

    /// Puts other code in place of the present one, for launches that have not started, and those that run provisional code. False if there are
    /// [`VARIANTS_MAX`](crate::VARIANTS_MAX) already.
    ///
    /// # Safety
    /// As for [`new`](Kernel::new); and the code is of the same program: it means the same, with the same symbols and the same shared memory.
    pub unsafe fn replace(&self, code: KernelCode, owner: Arc<dyn Any + Send + Sync>) -> bool {
        self.variants.replace(code, owner)
    }

    /// Has other code compete with the present one: launches of about the same size run one or the other and are timed; then the faster one is
    /// kept, and the tuner told. False if a trial is under way, or there are [`VARIANTS_MAX`](crate::VARIANTS_MAX) already.
    ///
    /// # Safety
    /// As for [`replace`](Kernel::replace).
    pub unsafe fn compete(&self, code: KernelCode, owner: Arc<dyn Any + Send + Sync>) -> bool {
        self.variants.compete(code, owner)
    }

    /// Takes the present code for provisional: launches that run it go on with what [`replace`](Kernel::replace) puts in its place, from their next
    /// block on.
    pub fn make_provisional(&self) {
        self.variants.make_provisional();
    }

    /// Has the tuner called once when launches have taken `ns` from now on, all together.
    pub fn notify_after(&self, ns: u64) {
        self.variants.notify_after(ns);
    }

    /// Time that launches have taken, about, while the tuner waited for a time or a trial was under way.
    pub fn spent_ns(&self) -> u64 {
        self.variants.spent_ns()
    }

    /// What a launch of `blocks` blocks runs.
    pub(crate) fn choose(&self, blocks: u64, dynamic_shared_bytes: u32, number: u64) -> Choice {
        self.variants.choose(blocks, dynamic_shared_bytes, number)
    }

    /// Has the tuner called if a launch with this choice, which is under way, has taken long enough.
    pub(crate) fn look_at_clock(&self, choice: &Choice) {
        self.variants.look_at_clock(choice);
    }

    /// Notes that a launch with this choice has ended well.
    pub(crate) fn note(&self, choice: &Choice, blocks: u64) {
        self.variants.note(choice, blocks);
    }

    /// Who hears of what instrumented code does.
    pub(crate) fn observer(&self) -> Option<&dyn KernelObserver> {
        self.observer.as_deref()
    }

    /// Name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The machine code that launches run at present, but for those that try other code.
    pub fn code(&self) -> &KernelCode {
        self.variants.code()
    }

    /// Who answers what the kernel asks of the system.
    pub(crate) fn device_runtime(&self) -> Option<&Arc<dyn DeviceRuntime>> {
        self.device_runtime.as_ref()
    }

    /// Addresses of the program's symbols.
    pub(crate) fn symbols(&self) -> &[u64] {
        &self.symbols
    }

    /// Expected time of `blocks` blocks one after another, in nanoseconds; `None` before the first.
    pub(crate) fn expected_ns(&self, blocks: u64) -> Option<u64> {
        match self.block_cost.0.load(Ordering::Relaxed) {
            0 => None,
            cost => Some(cost.saturating_mul(blocks) / 16),
        }
    }

    /// Whether a block may have waited for something outside of it.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited.load(Ordering::Relaxed)
    }

    /// Notes that a block may be waiting for something outside of it.
    pub(crate) fn note_waiting(&self) {
        self.has_waited.store(true, Ordering::Relaxed);
    }

    /// Notes that `blocks` blocks took `elapsed_ns`.
    pub(crate) fn observe(&self, blocks: u64, elapsed_ns: u64) {
        let seen = (elapsed_ns.saturating_mul(16) / blocks.max(1)).max(1);
        let before = self.block_cost.0.load(Ordering::Relaxed);
        let average = if before == 0 { seen } else { (before * 3 + seen) / 4 };
        self.block_cost.0.store(average.max(1), Ordering::Relaxed);
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("name", &self.name).field("code", self.code()).finish_non_exhaustive()
    }
}

/// A launch of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// What to run.
    pub kernel: &'a Arc<Kernel>,
    /// Size of the grid in blocks; a multiple of `cluster`.
    pub grid: [u32; 3],
    /// Size of a block in threads; at most [`BLOCK_THREADS_MAX`] in all.
    pub block: [u32; 3],
    /// Size of a cluster in blocks; (1, 1, 1) without clusters; at most [`CLUSTER_BLOCKS_MAX`] in all.
    pub cluster: [u8; 3],
    /// Bytes of dynamic shared memory.
    pub dynamic_shared_bytes: u32,
    /// Bytes of stack for each thread of a kernel that needs one, on top of its local memory.
    pub stack_bytes: u32,
    /// Whether all blocks must be resident at the same time, so that they can wait for each other; such a launch gets a
    /// workspace for the barrier of the grid.
    pub cooperative: bool,
    /// The parameter buffer, at most [`PARAMETER_BYTES_MAX`].
    pub parameters: &'a [u8],
}

impl<'a> Launch<'a> {
    /// A launch without clusters, dynamic shared memory, stack or cooperation.
    pub fn new(kernel: &'a Arc<Kernel>, grid: [u32; 3], block: [u32; 3], parameters: &'a [u8]) -> Self {
        Launch {
            kernel,
            grid,
            block,
            cluster: [1; 3],
            dynamic_shared_bytes: 0,
            stack_bytes: 0,
            cooperative: false,
            parameters,
        }
    }

    /// The launch as the engine takes it, without its parameters: it can be appended again and again.
    ///
    /// # Errors
    /// When the launch is not one that the engine can run.
    pub fn prepare(&self) -> Result<PreparedLaunch, InvalidLaunch> {
        self.validate()?;
        let record = LaunchRecord {
            kernel: Arc::as_ptr(self.kernel),
            grid: self.grid,
            block: self.block,
            dynamic_shared_bytes: self.dynamic_shared_bytes,
            stack_bytes: self.stack_bytes,
            cluster: self.cluster,
            cooperative: self.cooperative,
            tag: 0,
        };
        Ok(PreparedLaunch { kernel: self.kernel.clone(), record })
    }

    /// Checks what the engine relies on.
    fn validate(&self) -> Result<(), InvalidLaunch> {
        let volume = |size: [u32; 3]| size.iter().try_fold(1u64, |product, &n| product.checked_mul(n.into()));
        let threads = volume(self.block).unwrap_or(u64::MAX);
        let cluster = self.cluster.map(u32::from);
        let cluster_blocks = volume(cluster).unwrap_or(u64::MAX);
        if !(1..=u64::from(BLOCK_THREADS_MAX)).contains(&threads) {
            return Err(InvalidLaunch("a block has 1 to 1024 threads"));
        }
        if !(1..=u64::from(CLUSTER_BLOCKS_MAX)).contains(&cluster_blocks) {
            return Err(InvalidLaunch("a cluster has 1 to 16 blocks"));
        }
        if volume(self.grid).is_none_or(|blocks| blocks == 0) {
            return Err(InvalidLaunch("a grid has at least one block"));
        }
        if self.grid.iter().zip(cluster).any(|(&grid, cluster)| grid % cluster != 0) {
            return Err(InvalidLaunch("the grid is not a multiple of the cluster"));
        }
        Ok(())
    }
}

/// A launch that has been checked, whose parameters may change.
#[derive(Debug)]
pub struct PreparedLaunch {
    kernel: Arc<Kernel>,
    record: LaunchRecord,
}

impl PreparedLaunch {
    /// What is launched.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// What goes into a ring.
    pub(crate) fn record(&self) -> &LaunchRecord {
        &self.record
    }
}

/// A launch that the engine refuses, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidLaunch(pub &'static str);

impl fmt::Display for InvalidLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidLaunch {}
