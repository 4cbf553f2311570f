//! A unit: a block whose warps can be suspended, or the blocks of a cluster, which may wait for each other.

use super::barrier::{Arrival, Barriers, Release};
use super::batch::Batch;
use super::core::CoreState;
use super::grid::Plan;
use super::workspace::{Workspace, WorkspacePool};
use crate::arena::OutOfMemory;
use crate::queue::Stream;
use simt_ir::WARP_SIZE;
use simt_ir::abi::{BARRIER_ARRIVE_ONLY, LaunchContext, Round, Status, WarpContext};
use std::mem::take;
use std::sync::Arc;

/// Calls of machine code in a turn, after which the core looks after other work.
const TURN_CALLS_MAX: u32 = 16_384;

/// What came of a turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// All warps have ended.
    Done,
    /// Every warp waits for something outside of the unit.
    Stalled,
    /// There is more to do.
    Running,
    /// The launch has failed; a runtime function or the hardware has found why. The context is that of the warp.
    Faulted(*mut WarpContext),
    /// The launch has failed: warps wait for each other in a way that cannot end, as the text says.
    BarrierFault(*mut WarpContext, String),
}

/// A block.
#[derive(Debug, Default)]
struct Block {
    barriers: Barriers,
    /// Warps that have not ended.
    live: u32,
    /// Warps that can run.
    ready: u32,
    /// Warps that could go on, but wait for others.
    spinning: u32,
    /// Warps that wait at the cluster's barrier.
    at_cluster: u32,
    /// Threads that have not exited.
    live_threads: u32,
    /// For each warp the lanes that live.
    lanes: Vec<u32>,
}

/// A unit that is being run.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The stream whose grid this is part of; none while the unit is kept for its memory.
    stream: Option<Arc<Stream>>,
    plan: Plan,
    workspace: Workspace,
    blocks: Vec<Block>,
    /// The core whose number and words the warps' contexts hold.
    core: Option<usize>,
}

// SAFETY: the plan's pointers are to what the stream keeps alive while the unit holds a share of its grid.
unsafe impl Send for Unit {}

impl Unit {
    /// A unit of a grid, or `spare` made into one. [`restart`](Unit::restart) comes next.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn new(
        stream: &Arc<Stream>,
        plan: &Plan,
        spare: Option<Box<Unit>>,
        pool: &WorkspacePool,
    ) -> Result<Box<Unit>, OutOfMemory> {
        if let Some(mut unit) = spare {
            if unit.plan.layout == plan.layout {
                unit.stream = Some(stream.clone());
                unit.plan = *plan;
                unit.core = None;
                return Ok(unit);
            }
            unit.recycle(pool);
        }
        let layout = plan.layout;
        let unit = Unit {
            stream: Some(stream.clone()),
            plan: *plan,
            workspace: pool.take(&layout)?,
            blocks: Vec::new(),
            core: None,
        };
        for block in 0..layout.blocks {
            for warp in 0..layout.warps {
                // SAFETY: the workspace is this unit's own.
                unsafe { unit.workspace.prepare(&layout, block, warp) };
            }
        }
        Ok(Box::new(unit))
    }

    /// Whether the unit is one of the grid that the plan is of, so that it may begin another of its blocks.
    pub(crate) fn runs(&self, plan: &Plan) -> bool {
        self.stream.is_some() && self.plan.entry == plan.entry && self.plan.layout == plan.layout
    }

    /// Ends the unit, whose memory may do for another one.
    pub(crate) fn retire(&mut self) -> Option<Arc<Stream>> {
        self.stream.take()
    }

    /// The stream whose grid this is part of, unless it is retired.
    pub(crate) fn stream(&self) -> Option<&Arc<Stream>> {
        self.stream.as_ref()
    }

    /// Gives the memory back.
    pub(crate) fn recycle(self, pool: &WorkspacePool) {
        pool.give(self.workspace);
    }

    /// Begins unit `number` of the grid, whose size is `grid` blocks.
    pub(crate) fn restart(&mut self, number: u64, grid: [u32; 3]) {
        let cluster = self.plan.cluster;
        let across = [u64::from(grid[0] / cluster[0]), u64::from(grid[1] / cluster[1])];
        let origin = [
            (number % across[0]) as u32 * cluster[0],
            (number / across[0] % across[1]) as u32 * cluster[1],
            (number / across[0] / across[1]) as u32 * cluster[2],
        ];
        let warps = self.plan.layout.warps;
        let all = if warps == WARP_SIZE { u32::MAX } else { (1 << warps) - 1 };
        self.blocks.resize_with(self.plan.layout.blocks as usize, Block::default);
        for (rank, block) in self.blocks.iter_mut().enumerate() {
            let rank = rank as u32;
            let place = [rank % cluster[0], rank / cluster[0] % cluster[1], rank / cluster[0] / cluster[1]];
            let index = [origin[0] + place[0], origin[1] + place[1], origin[2] + place[2]];
            block.barriers = Barriers::default();
            (block.live, block.ready, block.spinning, block.at_cluster) = (all, all, 0, 0);
            block.live_threads = self.plan.threads;
            block.lanes.clear();
            for warp in 0..warps {
                block.lanes.push(lanes_of(self.plan.threads, warp));
                let context = self.workspace.context(&self.plan.layout, rank * warps + warp);
                // SAFETY: the workspace is this unit's own, and nothing of it runs.
                unsafe {
                    (*context).resume_point = 0;
                    (*context).block_index = index;
                    (*context).exited = 0;
                    (*context).access = 0;
                }
            }
        }
    }

    /// Runs warps until all have ended or none can go on.
    ///
    /// # Safety
    /// `launch` is that of the unit's grid, of which the unit holds a share.
    pub(crate) unsafe fn turn(&mut self, core: &CoreState, launch: *const LaunchContext) -> Turn {
        self.move_to(core);
        let mut calls = 0;
        loop {
            let before = calls;
            let mut progress = false;
            for block in 0..self.blocks.len() {
                // SAFETY: passed on.
                match unsafe { self.run_block(block, core, launch, &mut calls) } {
                    Ok(advanced) => progress |= advanced,
                    Err(turn) => return turn,
                }
            }
            if self.blocks.iter().all(|block| block.live == 0) {
                return Turn::Done;
            }
            progress |= self.release_cluster();
            let mut spinning = 0;
            for block in &mut self.blocks {
                spinning |= block.spinning;
                block.ready |= take(&mut block.spinning);
            }
            match (progress, spinning != 0) {
                (false, true) => return Turn::Stalled,
                (false, false) if calls == before => return self.deadlock(),
                _ if calls >= TURN_CALLS_MAX => return Turn::Running,
                _ => {}
            }
        }
    }

    /// Tells the warps which core runs them.
    fn move_to(&mut self, core: &CoreState) {
        if self.core.replace(core.index) == Some(core.index) {
            return;
        }
        let layout = &self.plan.layout;
        for warp in 0..layout.blocks * layout.warps {
            let context = self.workspace.context(layout, warp);
            // SAFETY: the workspace is this unit's own, and nothing of it runs.
            unsafe {
                (*context).sm_id = self.plan.sm_id(core.index);
                (*context).engine = core.engine_word();
                (*context).tally = self.plan.tally(core.index);
            }
        }
    }

    /// Runs the ready warps of a block until there are none. True if one of them did more than ask for others to go first.
    ///
    /// # Safety
    /// As for [`turn`](Unit::turn).
    unsafe fn run_block(
        &mut self,
        block: usize,
        core: &CoreState,
        launch: *const LaunchContext,
        calls: &mut u32,
    ) -> Result<bool, Turn> {
        let contexts = self.workspace.context(&self.plan.layout, block as u32 * self.plan.layout.warps);
        let mut progress = false;
        while self.blocks[block].ready != 0 && *calls < TURN_CALLS_MAX {
            let state = &mut self.blocks[block];
            let mut batch = Batch {
                entry: self.plan.entry,
                lanes: state.lanes.as_ptr(),
                ready: take(&mut state.ready),
                live: state.live,
                arrived: 0,
                ended: 0,
                round: Round { current: contexts, first: contexts, last: contexts, barriers_left: 0 },
                calls_left: TURN_CALLS_MAX - *calls,
                passed: 0,
            };
            // SAFETY: the warps are ready: they have not begun, or what they waited for has come.
            let status = unsafe { core.run_batch(launch, contexts, &mut batch) };
            *calls = TURN_CALLS_MAX - batch.calls_left;
            progress |= batch.ended | batch.arrived | batch.passed != 0;
            self.blocks[block].ready |= batch.ready;
            let context_of = |warp: u32| contexts.wrapping_add(warp as usize);
            let fault = |warp, text| Turn::BarrierFault(context_of(warp), text);
            for warp in set_bits(batch.arrived) {
                self.arrive(block, warp, context_of(warp)).map_err(|text| fault(warp, text))?;
            }
            self.blocks[block].live &= !batch.ended;
            if self.blocks[block].live != 0 {
                set_bits(batch.ended).for_each(|warp| self.set_live_lanes(block, warp, 0));
            }
            let warp = batch.current(contexts);
            match status {
                status if status == Status::Done as u32 => {}
                status if status == Status::Yield as u32 => self.blocks[block].spinning |= 1 << warp,
                status if status == Status::Barrier as u32 => {
                    progress = true;
                    self.arrive(block, warp, context_of(warp)).map_err(|text| fault(warp, text))?;
                }
                status if status == Status::ClusterBarrier as u32 => {
                    progress = true;
                    self.blocks[block].at_cluster |= 1 << warp;
                }
                _ => return Err(Turn::Faulted(context_of(warp))),
            }
        }
        Ok(progress)
    }

    /// Notes a warp's arrival at the barrier that its context describes.
    fn arrive(&mut self, block: usize, warp: u32, context: *mut WarpContext) -> Result<(), String> {
        // SAFETY: the warp is suspended; its context is this unit's.
        let (id, expected, lanes, predicate, exited) = unsafe {
            let context = &*context;
            let lanes = context.barrier_lanes;
            (context.barrier_id, context.barrier_threads, lanes, context.barrier_predicate, context.exited)
        };
        let live = lanes_of(self.plan.threads, warp) & !exited;
        self.set_live_lanes(block, warp, live);
        let arriving = lanes & live;
        let rounded = if arriving == live { WARP_SIZE } else { arriving.count_ones() };
        let waits = expected & BARRIER_ARRIVE_ONLY == 0;
        let arrival = Arrival {
            id,
            expected: expected & !BARRIER_ARRIVE_ONLY,
            threads: arriving.count_ones(),
            rounded,
            predicate: (predicate & arriving).count_ones(),
            waiting_warp: waits.then_some(warp),
        };
        let state = &mut self.blocks[block];
        if !waits {
            state.ready |= 1 << warp;
        }
        let release = state.barriers.arrive(&arrival, state.live_threads)?;
        if let Some(release) = release {
            self.release(block, release);
        }
        Ok(())
    }

    /// Notes which lanes of a warp live; a barrier may have waited for the others.
    fn set_live_lanes(&mut self, block: usize, warp: u32, live: u32) {
        let state = &mut self.blocks[block];
        let before = std::mem::replace(&mut state.lanes[warp as usize], live);
        let exited = (before & !live).count_ones();
        if exited > 0 {
            state.live_threads -= exited;
            let live_threads = state.live_threads;
            while let Some(release) = self.blocks[block].barriers.after_exit(live_threads) {
                self.release(block, release);
            }
        }
    }

    fn release(&mut self, block: usize, release: Release) {
        let layout = &self.plan.layout;
        for warp in set_bits(release.warps) {
            let context = self.workspace.context(layout, block as u32 * layout.warps + warp);
            // SAFETY: the warp is suspended; its context is this unit's.
            unsafe {
                (*context).barrier_count = release.predicate;
                (*context).barrier_total = release.threads;
            }
        }
        self.blocks[block].ready |= release.warps;
    }

    /// Lets the cluster go on once every warp that lives has come to its barrier. True if so.
    fn release_cluster(&mut self) -> bool {
        let waiting = self.blocks.iter().any(|block| block.at_cluster != 0);
        let complete = waiting && self.blocks.iter().all(|block| block.at_cluster == block.live);
        if complete {
            for block in &mut self.blocks {
                block.ready |= take(&mut block.at_cluster);
            }
        }
        complete
    }

    /// No warp can ever go on.
    fn deadlock(&self) -> Turn {
        let layout = &self.plan.layout;
        let stuck = self.blocks.iter().position(|block| block.live != 0).unwrap_or(0);
        let block = &self.blocks[stuck];
        let context = self.workspace.context(layout, stuck as u32 * layout.warps + block.live.trailing_zeros());
        let mut text = block.barriers.describe(block.live_threads);
        if text.is_empty() {
            text = "the barrier of the cluster".to_string();
        }
        Turn::BarrierFault(context, format!("all warps of the block wait for ever: {text}"))
    }
}

/// The lanes of a warp that are threads of the block.
fn lanes_of(threads: u32, warp: u32) -> u32 {
    match threads.saturating_sub(warp * WARP_SIZE) {
        count if count >= WARP_SIZE => u32::MAX,
        count => (1 << count) - 1,
    }
}

/// The numbers of the bits that are set, lowest first.
pub(super) fn set_bits(mut bits: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros())?;
        bits &= bits - 1;
        Some(lowest)
    })
}
