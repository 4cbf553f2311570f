//! Barriers of a block (PTX ISA 9.7.13.1). Threads arrive one by one, as from compute capability 7.0 on.

use simt_ir::{BarrierKind, Instruction, Op, Value};

use super::Context;
use super::lane::{Lane, LaneState};
use super::warp::{Warp, lanes_of};
use crate::{Fault, FaultKind};

/// Barriers of a block.
const BARRIER_COUNT: usize = 16;

/// A lane's wait.
pub(super) struct BarrierWait {
    pub id: usize,
    pub kind: BarrierKind,
    pub predicate: bool,
    pub result: Option<Value>,
    pub line: u32,
}

impl BarrierWait {
    pub fn describe(&self) -> String {
        format!("waits at barrier {}, to which not enough threads will come", self.id)
    }
}

/// The barriers' states, as far as waiting lanes do not hold them.
#[derive(Default)]
pub(super) struct Barriers {
    slots: [Slot; BARRIER_COUNT],
}

#[derive(Default)]
struct Slot {
    /// For each warp the lanes that arrived without waiting.
    arrived: Vec<u32>,
    /// How many threads the first to arrive asked for; the inner `None` is all of the block.
    expected: Option<Option<u32>>,
}

impl Warp {
    /// Makes lanes arrive, and wait unless the barrier says otherwise.
    pub(super) fn arrive_at_barrier(
        &mut self,
        context: &mut Context,
        group: u32,
        instruction: &Instruction,
    ) -> Result<(), Box<Fault>> {
        let Op::Barrier { kind, id, threads, predicate } = instruction.op else { unreachable!("called for barriers") };
        for lane_id in lanes_of(group) {
            let lane = &mut self.lanes[lane_id];
            let barrier_id = lane.value(id) as u32 as usize;
            let threads = threads.map(|threads| lane.value(threads) as u32);
            let block_threads = context.machine.launch.block.iter().product::<u32>();
            let slot = match check(context.barriers, barrier_id, threads, block_threads) {
                Ok(slot) => slot,
                Err(what) => return Err(context.fault(lane, instruction.line, FaultKind::Barrier(what))),
            };
            if kind == BarrierKind::Arrive {
                slot.arrived.resize(slot.arrived.len().max(self.index as usize + 1), 0);
                let arrived = &mut slot.arrived[self.index as usize];
                if *arrived >> lane_id & 1 == 1 {
                    let what = format!("the thread arrived twice at barrier {barrier_id} before it was complete");
                    return Err(context.fault(lane, instruction.line, FaultKind::Barrier(what)));
                }
                *arrived |= 1 << lane_id;
                lane.complete(&[], &[]);
                continue;
            }
            let predicate = predicate.is_some_and(|predicate| lane.value(predicate) & 1 == 1);
            let result = instruction.results.first().copied();
            lane.state =
                LaneState::Barrier(BarrierWait { id: barrier_id, kind, predicate, result, line: instruction.line });
        }
        Ok(())
    }

    /// The lanes that wait at barrier `id`.
    fn waiting_at(&self, id: usize) -> u32 {
        self.mask(|lane| matches!(&lane.state, LaneState::Barrier(wait) if wait.id == id))
    }
}

/// The barrier's slot, if the arguments are in order.
fn check(barriers: &mut Barriers, id: usize, threads: Option<u32>, block_threads: u32) -> Result<&mut Slot, String> {
    let Some(slot) = barriers.slots.get_mut(id) else {
        return Err(format!("barrier {id} does not exist; there are {BARRIER_COUNT}"));
    };
    let most = block_threads.next_multiple_of(simt_ir::WARP_SIZE);
    if let Some(count) = threads
        && (count == 0 || count % simt_ir::WARP_SIZE != 0 || count > most)
    {
        return Err(format!("{count} threads at barrier {id}: not a multiple of 32 between 32 and {most}"));
    }
    match slot.expected {
        Some(expected) if expected != threads => {
            let say = |count: Option<u32>| count.map_or("all".to_string(), |count| count.to_string());
            Err(format!("barrier {id} is waited at for {} threads and for {}", say(expected), say(threads)))
        }
        _ => {
            slot.expected = Some(threads);
            Ok(slot)
        }
    }
}

/// Lets the lanes go on that wait at barriers to which all have come.
pub(super) fn release_barriers(barriers: &mut Barriers, warps: &mut [Warp]) {
    for (id, slot) in barriers.slots.iter_mut().enumerate() {
        let Some(expected) = slot.expected else { continue };
        if is_complete(id, slot, expected, warps) {
            release(id, warps);
            *slot = Slot::default();
        }
    }
}

fn is_complete(id: usize, slot: &Slot, expected: Option<u32>, warps: &[Warp]) -> bool {
    let mut threads = 0;
    let mut all = true;
    for warp in warps {
        let arrived = slot.arrived.get(warp.index as usize).copied().unwrap_or(0);
        let there = arrived | warp.waiting_at(id);
        let whole = warp.mask(|lane| !lane.has_exited()) & !there == 0;
        all &= whole;
        // A warp that is there with all it has counts in full: lanes that ended or never were are not waited for.
        threads += match there {
            0 => 0,
            _ if whole => simt_ir::WARP_SIZE,
            _ => there.count_ones(),
        };
    }
    match expected {
        None => all,
        Some(count) => threads >= count,
    }
}

fn release(id: usize, warps: &mut [Warp]) {
    let here = |lane: &Lane| match &lane.state {
        LaneState::Barrier(wait) if wait.id == id => Some(wait.predicate),
        _ => None,
    };
    let predicates: Vec<bool> = warps.iter().flat_map(|warp| &warp.lanes).filter_map(here).collect();
    let count = predicates.iter().filter(|predicate| **predicate).count();
    for lane in warps.iter_mut().flat_map(|warp| &mut warp.lanes) {
        if here(lane).is_none() {
            continue;
        }
        let LaneState::Barrier(wait) = std::mem::replace(&mut lane.state, LaneState::Ready) else { continue };
        let bits = match wait.kind {
            BarrierKind::Sync | BarrierKind::Arrive => 0,
            BarrierKind::ReducePopCount => count as u128,
            BarrierKind::ReduceAnd => u128::from(count == predicates.len()),
            BarrierKind::ReduceOr => u128::from(count != 0),
        };
        lane.complete(wait.result.as_slice(), &[bits]);
    }
}
