//! A grid in progress: what its threads share, and how its blocks are handed out.

use super::layout::Layout;
use crate::domain::Domain;
use crate::execute::handout::Handout;
use crate::kernel::Kernel;
use crate::observe::{LaunchInfo, Tallies};
use crate::queue::{LaunchRecord, Padded};
use crate::runtime;
use crate::times;
use crate::variants::Choice;
use crate::{arena::Arena, fault::FaultKind};
use simt_ir::WARP_SIZE;
use simt_ir::abi::{ExecutionMode, KernelCode, LaunchContext, OFFSET_REACH};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// A launch, worked out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kernel: *const Kernel,
    /// Which of the kernel's code is run.
    pub(crate) choice: Choice,
    pub(crate) entry: usize,
    pub(crate) mode: ExecutionMode,
    /// Memory of a unit.
    pub(crate) layout: Layout,
    /// What is handed out: blocks, or clusters of blocks that wait for each other.
    pub(crate) units: u64,
    /// Threads of a block.
    pub(crate) threads: u32,
    /// Blocks of a unit, by dimension.
    pub(crate) cluster: [u32; 3],
    pub(crate) cooperative: bool,
    pub(crate) sm_count: u32,
    /// Where instrumented code counts; null for other code.
    pub(crate) tallies: *const Tallies,
    /// What the launch's times are told under, and when it began; 0 for nobody.
    pub(crate) tag: u64,
    pub(crate) began: u64,
}

impl Plan {
    /// Where a core counts.
    pub(crate) fn tally(&self, core: usize) -> *mut u64 {
        // SAFETY: the grid keeps them until the launch is over.
        unsafe { self.tallies.as_ref() }.map_or(ptr::null_mut(), |tallies| tallies.of_core(core))
    }

    /// Between two units: takes up what has replaced provisional code in the meantime, if it needs the same of the launch.
    pub(crate) fn renew(&mut self) {
        if !self.choice.is_provisional {
            return;
        }
        // SAFETY: the grid's stream keeps the kernel, and that its code.
        let (kernel, old) = unsafe { (&*self.kernel, &*self.choice.code) };
        let new = kernel.code();
        if ptr::eq(new, old) {
            return kernel.look_at_clock(&self.choice);
        }
        let needs = |code: &KernelCode| {
            let KernelCode { mode, lanes, local_bytes, needs_stack, shared_bytes, .. } = *code;
            (mode, lanes, local_bytes, needs_stack, shared_bytes)
        };
        self.choice.is_provisional = false;
        if needs(new) == needs(old)
            && let Some(layout) = self.layout.with_frames(new)
        {
            (self.entry, self.layout) = (new.entry, layout);
        }
    }

    /// `%smid` for a core.
    pub(crate) fn sm_id(&self, core: usize) -> u32 {
        core as u32 % self.sm_count.max(1)
    }
}

/// Set in [`Grid::holders`] when all blocks are handed out and nobody can join any more.
const CLOSED: u64 = 1 << 63;

/// The grid of a stream's launch in progress. It is used again for the stream's next launch.
///
/// Who works on a grid, or has a block of it that waits, holds a *share*. The last one to give up its share after the grid
/// was closed has finished the grid, and goes on with the stream.
pub(crate) struct Grid {
    plan: UnsafeCell<Plan>,
    launch: UnsafeCell<LaunchContext>,
    /// What the plan points to.
    tallies: UnsafeCell<Option<Box<Tallies>>>,
    /// The units that are not taken.
    handout: Handout,
    /// Shares and [`CLOSED`].
    holders: Padded<AtomicU64>,
    /// Whether the scheduler's list holds the grid. Changed under its lock.
    listed: AtomicBool,
    /// Whether it did at any time since the grid started.
    was_listed: AtomicBool,
    /// Address of the workspace of cooperative launches; 0 before the first.
    barrier: AtomicU64,
    /// Number of the grid in its family; 0 as long as it has none.
    node: AtomicU64,
}

// SAFETY: `plan`, `launch` and `tallies` are only written by `start`, when nobody else holds a share; the way to a share is through the
// thread that started the grid or through the scheduler's lock.
unsafe impl Sync for Grid {}
// SAFETY: the pointers are to what the stream keeps alive.
unsafe impl Send for Grid {}

impl Default for Grid {
    fn default() -> Self {
        Grid {
            plan: UnsafeCell::new(Plan {
                kernel: ptr::null(),
                choice: Choice { code: ptr::null(), started_ns: None, entry: None, is_provisional: false },
                entry: 0,
                mode: ExecutionMode::RunToCompletion,
                layout: Layout::default(),
                units: 0,
                threads: 0,
                cluster: [1; 3],
                cooperative: false,
                sm_count: 1,
                tallies: ptr::null(),
                tag: 0,
                began: 0,
            }),
            tallies: UnsafeCell::new(None),
            launch: UnsafeCell::new(LaunchContext {
                params: ptr::null(),
                symbols: ptr::null(),
                runtime: &raw const runtime::TABLE,
                arena_base: 0,
                arena_size: 0,
                bases_start: 0,
                bases_last: 0,
                grid_id: 0,
                grid: [0; 3],
                block: [0; 3],
                cluster: [1; 3],
                dynamic_shared_bytes: 0,
                shared_bytes: 0,
                local_stride: 0,
                sm_count: 0,
                environment: [0; 4],
                abort: AtomicU32::new(0),
                engine: ptr::null_mut(),
            }),
            handout: Handout::default(),
            holders: Padded::default(),
            listed: AtomicBool::new(false),
            was_listed: AtomicBool::new(false),
            barrier: AtomicU64::new(0),
            node: AtomicU64::new(0),
        }
    }
}

impl Grid {
    /// Begins a launch. The caller has the first share.
    ///
    /// # Safety
    /// No grid is in progress here; `record.kernel` and `parameters` stay valid until this one is finished. `stream` is the
    /// stream that the grid belongs to.
    ///
    /// # Errors
    /// When there is no memory for what the launch needs.
    pub(crate) unsafe fn start(
        &self,
        record: &LaunchRecord,
        parameters: *const u8,
        domain: &Domain,
        arena: &Arena,
        stream: *const crate::queue::Stream,
        cores: usize,
    ) -> Result<(), FaultKind> {
        // SAFETY: the caller keeps the kernel alive.
        let kernel = unsafe { &*record.kernel };
        let threads: u32 = record.block.iter().product();
        let blocks: u64 = record.grid.iter().map(|&n| u64::from(n)).product();
        let grid_id = domain.next_grid_id();
        let choice = kernel.choose(blocks, record.dynamic_shared_bytes, grid_id);
        // SAFETY: the code is the kernel's, as long as that lives.
        let code = unsafe { &*choice.code };
        let cluster = record.cluster.map(u32::from);
        let suspendable = code.mode == ExecutionMode::Suspendable;
        let (unit, warps) = if suspendable { (cluster, threads.div_ceil(code.lanes)) } else { ([1; 3], 1) };
        let unit_blocks: u32 = unit.iter().product();
        let stack_bytes = if code.needs_stack { record.stack_bytes } else { 0 };
        let sizes = (
            code.local_bytes.checked_add(stack_bytes).and_then(|bytes| bytes.checked_next_multiple_of(16)),
            code.shared_bytes.checked_add(record.dynamic_shared_bytes),
        );
        let (Some(local_stride), Some(shared_bytes)) = sizes else { return Err(FaultKind::OutOfResources) };
        let layout =
            Layout::new(code, unit_blocks, warps, shared_bytes, local_stride).ok_or(FaultKind::OutOfResources)?;
        let environment = if record.cooperative { self.barrier_words(arena)? } else { [0; 4] };
        let sm_count = domain.config().sm_count;
        // SAFETY: no grid is in progress, so nobody else looks.
        unsafe {
            *self.tallies.get() = Tallies::of(kernel, cores);
            let tallies = (*self.tallies.get()).as_deref().map_or(ptr::null(), ptr::from_ref);
            *self.plan.get() = Plan {
                kernel,
                choice,
                entry: code.entry,
                mode: code.mode,
                layout,
                units: blocks / u64::from(unit_blocks),
                threads: threads / (code.lanes / WARP_SIZE),
                cluster: unit,
                cooperative: record.cooperative,
                sm_count,
                tallies,
                tag: record.tag,
                began: times::begin(record.tag),
            };
            let launch = &mut *self.launch.get();
            launch.params = parameters;
            launch.symbols = kernel.symbols().as_ptr();
            launch.arena_base = arena.base() - OFFSET_REACH;
            launch.arena_size = arena.bytes() + 2 * OFFSET_REACH;
            (launch.bases_start, launch.bases_last) = match arena.has_wide_margins() {
                true => (launch.arena_base, launch.arena_size - 1),
                // No processor has memory there.
                false => (1 << 63, 0),
            };
            launch.grid_id = grid_id;
            launch.grid = record.grid;
            launch.block = record.block;
            launch.cluster = cluster;
            launch.dynamic_shared_bytes = record.dynamic_shared_bytes;
            launch.shared_bytes = shared_bytes;
            launch.local_stride = local_stride;
            launch.sm_count = sm_count;
            launch.environment = environment;
            *launch.abort.get_mut() = 0;
            launch.engine = stream.cast_mut().cast();
        }
        self.handout.restart(cores, blocks / u64::from(unit_blocks));
        self.was_listed.store(false, Ordering::Relaxed);
        self.holders.0.store(1, Ordering::Release);
        Ok(())
    }

    /// `%envreg0` … `%envreg3` of a cooperative launch. The headers of cooperative groups read the address of a workspace
    /// from 1 (high half) and 2 (low half), and find its size there and, behind it, the word of the grid's barrier.
    fn barrier_words(&self, arena: &Arena) -> Result<[u32; 4], FaultKind> {
        const BYTES: u64 = 64;
        let mut address = self.barrier.load(Ordering::Relaxed);
        if address == 0 {
            let purpose = crate::arena::Purpose::Internal;
            address = arena.allocate(BYTES, purpose, None).map_err(|_| FaultKind::OutOfResources)?;
            self.barrier.store(address, Ordering::Relaxed);
        }
        // SAFETY: allocated above or for an earlier launch of this stream, which is over.
        unsafe {
            ptr::write_bytes(address as *mut u8, 0, BYTES as usize);
            *(address as *mut u32) = BYTES as u32;
        }
        Ok([0, (address >> 32) as u32, address as u32, 0])
    }

    /// Number of the grid in its family; 0 as long as it has none.
    pub(crate) fn node(&self) -> u64 {
        self.node.load(Ordering::Acquire)
    }

    /// Gives the grid a number in its family, or takes it away.
    pub(crate) fn set_node(&self, node: u64) {
        self.node.store(node, Ordering::Release);
    }

    /// Tells the kernel's observer, if it has one, that the launch is over.
    ///
    /// # Safety
    /// The caller gave up the last share, and has not yet completed the command.
    pub(crate) unsafe fn finish_observation(&self, stream: u64, sequence: u64) {
        // SAFETY: nobody has a share, and who had one gave it up with release; the stream keeps the kernel.
        unsafe {
            let Some(tallies) = (*self.tallies.get()).take() else { return };
            let Some(observer) = (*self.plan().kernel).observer() else { return };
            let launch = &*self.launch.get();
            let info = LaunchInfo {
                grid_id: launch.grid_id,
                stream,
                sequence,
                grid: launch.grid,
                block: launch.block,
                failed: self.is_aborted(),
            };
            observer.finish(&info, &tallies.sums());
        }
    }

    /// Tells how long the launch took: whoever asked for it, and the kernel, if that was to be measured.
    ///
    /// # Safety
    /// As for [`finish_observation`](Grid::finish_observation).
    pub(crate) unsafe fn finish_timing(&self) {
        // SAFETY: as there.
        unsafe {
            let plan = self.plan();
            times::end(plan.tag, plan.began);
            if plan.choice.started_ns.is_some() && !self.is_aborted() {
                let blocks = plan.units * u64::from(plan.cluster.iter().product::<u32>());
                (*plan.kernel).note(&plan.choice, blocks);
            }
        }
    }

    /// Frees what the grid keeps between launches.
    pub(crate) fn release(&self, arena: &Arena) {
        let address = self.barrier.swap(0, Ordering::Relaxed);
        if address != 0 {
            arena.free(address, &[crate::arena::Purpose::Internal]);
        }
    }

    /// The launch, worked out.
    ///
    /// # Safety
    /// The caller holds a share, and lets go of the reference with it.
    pub(crate) unsafe fn plan(&self) -> &Plan {
        // SAFETY: while there are shares nobody writes.
        unsafe { &*self.plan.get() }
    }

    /// What machine code gets.
    pub(crate) fn launch(&self) -> *const LaunchContext {
        self.launch.get()
    }

    /// Stops the grid: no more blocks are handed out, and waiting ones are given up.
    ///
    /// # Safety
    /// The caller holds a share.
    pub(crate) unsafe fn abort(&self) {
        // SAFETY: a share keeps the launch from being written; the field is atomic.
        unsafe { (*self.launch.get()).abort.store(1, Ordering::Release) };
        self.handout.stop();
    }

    /// Whether the grid was stopped.
    ///
    /// # Safety
    /// The caller holds a share.
    pub(crate) unsafe fn is_aborted(&self) -> bool {
        // SAFETY: as above.
        unsafe { (*self.launch.get()).abort.load(Ordering::Acquire) != 0 }
    }

    /// The units that are not taken.
    pub(crate) fn handout(&self) -> &Handout {
        &self.handout
    }

    /// Whether others may find the grid and join.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Relaxed)
    }

    /// Whether others could find the grid at any time since it started.
    pub(crate) fn was_listed(&self) -> bool {
        self.was_listed.load(Ordering::Relaxed)
    }

    /// Notes whether the scheduler's list holds the grid. Called under its lock.
    pub(crate) fn set_listed(&self, listed: bool) {
        self.listed.store(listed, Ordering::Relaxed);
        if listed {
            self.was_listed.store(true, Ordering::Relaxed);
        }
    }

    /// Adds a share. Only who holds one may, or who holds the scheduler's lock while the grid is listed.
    pub(crate) fn join(&self) {
        self.holders.0.fetch_add(1, Ordering::Acquire);
    }

    /// Whether all units are taken and nobody can join any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.holders.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Notes that all units are taken and that the grid is not listed any more; see
    /// [`Scheduler::close_grid`](crate::scheduler::Scheduler::close_grid).
    pub(crate) fn close(&self) {
        self.holders.0.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Gives up a share.
    pub(crate) fn leave(&self) -> Share {
        if self.holders.0.fetch_sub(1, Ordering::AcqRel) == (CLOSED | 1) { Share::Last } else { Share::Others }
    }
}

/// What giving up a share means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Share {
    /// The grid is finished, and the stream is the caller's to continue.
    Last,
    /// Somebody else goes on with it.
    Others,
}
