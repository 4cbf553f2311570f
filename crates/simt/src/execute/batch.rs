//! Warps of a block run one after the other in one call, barriers of the whole block included: entering machine code (its own stack, its
//! own floating-point mode) costs more than what many warps do between two barriers.

use super::unit::set_bits;
use simt_ir::abi::{LaunchContext, Round, RunWarp, Status, WarpContext};

/// A block's warps, as one call finds and leaves them.
#[derive(Debug)]
pub(super) struct Batch {
    /// The kernel's code, a [`RunWarp`].
    pub(super) entry: usize,
    /// For each warp the lanes that live, as far as the unit knows.
    pub(super) lanes: *const u32,
    /// Warps that can run.
    pub(super) ready: u32,
    /// Warps that have not ended.
    pub(super) live: u32,
    /// Warps that wait at a barrier that all threads of the block have to reach.
    pub(super) arrived: u32,
    /// Warps that ended.
    pub(super) ended: u32,
    /// The warps of the last call; its current one is what the batch's status speaks of.
    pub(super) round: Round,
    /// Calls of `entry` that may still be made.
    pub(super) calls_left: u32,
    /// Barriers that were passed.
    pub(super) passed: u32,
}

/// Runs ready warps until there are none, one needs more than a barrier of the whole block, or the calls are used up. Returns
/// [`Status::Done`] or, in the second case, what the warp returned. It can be left at any time by a fault.
///
/// # Safety
/// `batch` is the address of a [`Batch`] that nobody else uses, whose warps have their contexts at `contexts`, one behind the other; the
/// contexts are as the contract of `entry` wants them.
pub(super) unsafe extern "C" fn run(
    launch: *const LaunchContext,
    contexts: *mut WarpContext,
    batch: u64,
    _unused: u64,
) -> u32 {
    let batch: *mut Batch = std::ptr::with_exposed_provenance_mut(batch as usize);
    // SAFETY: the caller's promise.
    let batch = unsafe { &mut *batch };
    // SAFETY: a kernel's code for one warp has this type.
    let entry: RunWarp = unsafe { std::mem::transmute::<usize, RunWarp>(batch.entry) };
    let (mut threads, mut predicate, mut barrier) = (0u32, 0u32, 0u32);
    // In registers, not in the batch: a fault leaves without them, and needs to know only which warp ran.
    let (mut ready, mut calls_left) = (batch.ready, batch.calls_left);
    let status = 'run: loop {
        while ready != 0 {
            if calls_left == 0 {
                break 'run Status::Done as u32;
            }
            let first = ready.trailing_zeros();
            let calls = calls_left;
            batch.begin_round(contexts, first, ready, calls_left);
            let allowed = batch.round.barriers_left;
            // SAFETY: there is a context for each warp, and each warp that is ready may be run.
            let status = unsafe { entry(launch, contexts.add(first as usize), &mut batch.round) };
            let (left, warp) = (batch.number(contexts, batch.round.first), batch.current(contexts));
            let passed = allowed - batch.round.barriers_left;
            calls_left = calls.saturating_sub(passed * batch.live.count_ones() + warp - first + 1);
            batch.passed += passed;
            ready &= !bits_through(warp);
            batch.end(bits_below(left) & !bits_below(first));
            for before in left..warp {
                // SAFETY: the warp of that number waits; there is a context and an entry for it.
                let live =
                    unsafe { wait_in_round(&mut *contexts.add(before as usize), *batch.lanes.add(before as usize)) };
                batch.arrived |= 1 << before;
                barrier = 0;
                threads += count(live);
            }
            if status == Status::Done as u32 {
                batch.end(1 << warp);
                continue;
            }
            // SAFETY: there is a context and an entry for each warp.
            let (context, lanes) = unsafe { (&*contexts.add(warp as usize), *batch.lanes.add(warp as usize)) };
            let live = lanes & !context.exited;
            let of_all = status == Status::Barrier as u32
                && context.barrier_threads == 0
                && context.barrier_lanes & live == live
                && (batch.arrived == 0 || context.barrier_id == barrier);
            if !of_all {
                break 'run status;
            }
            barrier = context.barrier_id;
            batch.arrived |= 1 << warp;
            threads += count(live);
            predicate += count(context.barrier_predicate & live);
        }
        if batch.arrived == 0 || batch.arrived != batch.live {
            break Status::Done as u32;
        }
        for warp in set_bits(batch.arrived) {
            // SAFETY: the warp is suspended, and its context is the caller's.
            unsafe {
                let context = contexts.add(warp as usize);
                (*context).barrier_count = predicate;
                (*context).barrier_total = threads;
            }
        }
        ready = std::mem::take(&mut batch.arrived);
        (threads, predicate) = (0, 0);
        batch.passed += 1;
    };
    (batch.ready, batch.calls_left) = (ready, calls_left);
    status
}

impl Batch {
    /// Makes a round of all warps of the block, if they are ready and lie together, or of one.
    fn begin_round(&mut self, contexts: *mut WarpContext, first: u32, ready: u32, calls_left: u32) {
        let context = |warp: u32| contexts.wrapping_add(warp as usize);
        let last = u32::BITS - 1 - ready.leading_zeros();
        let lie_together = ready == bits_through(last) & !bits_below(first);
        let is_whole = ready == self.live && lie_together && first < last;
        let last = if is_whole { last } else { first };
        let barriers_left = if is_whole { calls_left / (last - first + 1) } else { 0 };
        self.round = Round { current: context(first), first: context(first), last: context(last), barriers_left };
    }

    /// The number of the warp that ran last.
    pub(super) fn current(&self, contexts: *mut WarpContext) -> u32 {
        self.number(contexts, self.round.current)
    }

    /// The number of the warp whose context `warp` is.
    fn number(&self, contexts: *mut WarpContext, warp: *mut WarpContext) -> u32 {
        ((warp.addr() - contexts.addr()) / size_of::<WarpContext>()) as u32
    }

    /// Notes that warps have ended.
    fn end(&mut self, warps: u32) {
        self.ended |= warps;
        self.live &= !warps;
    }
}

/// Describes in a warp's context the barrier that it waits at in a round. Returns which of its `lanes` live.
fn wait_in_round(context: &mut WarpContext, lanes: u32) -> u32 {
    (context.barrier_id, context.barrier_threads) = (0, 0);
    (context.barrier_lanes, context.barrier_predicate) = (u32::MAX, 0);
    lanes & !context.exited
}

fn bits_below(bit: u32) -> u32 {
    (1 << bit) - 1
}

fn bits_through(bit: u32) -> u32 {
    u32::MAX >> (u32::BITS - 1 - bit)
}

/// How many lanes a mask has. All and none are what it mostly has, and not every processor counts by itself.
fn count(lanes: u32) -> u32 {
    match lanes {
        0 => 0,
        u32::MAX => 32,
        some => some.count_ones(),
    }
}
