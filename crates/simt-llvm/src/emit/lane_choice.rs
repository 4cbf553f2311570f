//! Which loops lanes do one by one, and from how few lanes on: by what a turn costs a warp and a lane.

use simt_ir::analysis::{LoopId, Packs, Shape, Shapes};
use simt_ir::pass::{LaneExit, LaneLoop, lane_loop};
use simt_ir::{BlockId, Function, IntCondition, Op, Program, Terminator, Value};

use super::Target;

/// A warp does not leave its vectors for more than one in so many of its lanes, unless a gather takes as long as loads lane by lane: they wait
/// for memory together, and each lane by itself.
const LANES_TO_ONE: u64 = 4;

/// What things cost, in operations of a scalar.
const SCALAR_ACCESS: u64 = 8;
const LANE_ACCESS: u64 = 6;
const VECTOR_TEST: u64 = 60;
const VECTOR_OPERATION: u64 = 4;

/// A loop that may be done lane by lane.
pub(super) struct Candidate {
    pub id: LoopId,
    pub made: LaneLoop,
    /// From its second turn on, at how many lanes it is.
    pub few: u32,
}

/// The loops of a kernel that are worth it.
pub(super) fn candidates(program: &Program, shapes: &Shapes, target: Target, lanes: u32) -> Vec<Candidate> {
    let function = program.kernel();
    if shapes.schedule.irregular {
        return Vec::new();
    }
    let chooser = Chooser { function, shapes, target, lanes, packs: Packs::new(function, shapes) };
    let count = shapes.schedule.layout.loops.len() as u32;
    (0..count).map(LoopId).filter_map(|id| chooser.candidate(id)).collect()
}

struct Chooser<'a> {
    function: &'a Function,
    shapes: &'a Shapes,
    target: Target,
    lanes: u32,
    packs: Packs,
}

/// What a turn costs.
#[derive(Default)]
struct Cost {
    warp: u64,
    lane: u64,
    /// Whether lanes access memory all over the place.
    scattered: bool,
    /// Whether lanes access what lies in order, which each by itself would fetch for itself.
    in_order: bool,
}

impl Chooser<'_> {
    fn candidate(&self, id: LoopId) -> Option<Candidate> {
        let layout = &self.shapes.schedule.layout;
        let has_inner = layout.loops.iter().any(|other| other.parent == Some(id));
        if has_inner || self.shapes.schedule.spins[id.0 as usize] {
            return None;
        }
        let cost = self.cost(id);
        let few = match self.target.zen4 {
            // Lanes leave one after the other: those that are left have half as many turns to go as the last of them.
            true => (2 * cost.warp / cost.lane).min(self.lanes.into()) as u32,
            // In half of the warp's time: a lane has to be called, too.
            false => (cost.warp / (2 * cost.lane)).min(u64::from(self.lanes) / LANES_TO_ONE) as u32,
        };
        if !cost.scattered || cost.in_order || few == 0 {
            return None;
        }
        let made = lane_loop(self.function, layout, id)?;
        let leaves_apart = made.exits.iter().any(|exit| self.leaves_one_by_one(exit));
        let all_wait = made.exits.iter().all(|exit| self.keeps_lanes(exit));
        (leaves_apart && all_wait).then_some(Candidate { id, made, few })
    }

    /// Whether lanes take an edge in different turns, and not, as where numbers in order reach a bound, all of them in one or two.
    fn leaves_one_by_one(&self, exit: &LaneExit) -> bool {
        let block = self.function.block(exit.from);
        let Terminator::CondBranch { condition, .. } = block.terminator else {
            return self.shapes.is_divergent(self.function, exit.from);
        };
        let all = self.function.blocks.iter().flat_map(|block| &block.instructions);
        let maker = all.into_iter().find(|instruction| instruction.results.contains(&condition));
        let in_order = |value: Value| matches!(self.shapes.shape(value), Shape::Affine { .. });
        let reaches_bound = match maker.map(|instruction| &instruction.op) {
            Some(Op::IntCompare { condition, a, b, .. })
                if !matches!(condition, IntCondition::Eq | IntCondition::Ne) =>
            {
                let uniform = |value: Value| self.shapes.shape(value).is_uniform();
                (in_order(*a) && uniform(*b)) || (uniform(*a) && in_order(*b))
            }
            _ => false,
        };
        !self.shapes.shape(condition).is_uniform() && !reaches_bound
    }

    /// Whether what lanes take along an edge is kept for each of them, until the walk gets there.
    fn keeps_lanes(&self, exit: &LaneExit) -> bool {
        let kept = |value: Value| {
            let fact = self.shapes.fact(value);
            self.packs.place(value).is_none() && (fact.constant.is_some() || fact.shape == Shape::Varying)
        };
        !self.shapes.schedule.is_immediate(exit.from, exit.to)
            && self.shapes.schedule.is_blended(exit.to)
            && self.function.block(exit.to).phis.iter().all(|phi| kept(phi.result))
    }

    fn cost(&self, id: LoopId) -> Cost {
        let layout = &self.shapes.schedule.layout;
        let info = layout.loop_info(id);
        let blocks = layout.order[info.first..=info.last].iter().map(|block| self.block_cost(*block));
        blocks.fold(Cost::default(), |sum, cost| Cost {
            warp: sum.warp + cost.warp,
            lane: sum.lane + cost.lane,
            scattered: sum.scattered || cost.scattered,
            in_order: sum.in_order || cost.in_order,
        })
    }

    fn block_cost(&self, block: BlockId) -> Cost {
        let lanes = u64::from(self.lanes);
        // A branch.
        let mut cost = Cost { warp: VECTOR_OPERATION, lane: 1, ..Cost::default() };
        for instruction in &self.function.block(block).instructions {
            let varies = |value: &Value| self.shapes.shape(*value) == Shape::Varying;
            match &instruction.op {
                Op::Load { address, .. } | Op::Store { address, .. } | Op::Atomic { address, .. } => {
                    cost.lane += SCALAR_ACCESS;
                    cost.warp += if varies(address) { LANE_ACCESS * lanes + VECTOR_TEST } else { SCALAR_ACCESS };
                    cost.scattered |= varies(address);
                    cost.in_order |= !varies(address) && !self.shapes.shape(*address).is_uniform();
                }
                Op::Mark { .. } => {}
                _ => {
                    cost.lane += 1;
                    let vectors = VECTOR_OPERATION * lanes.div_ceil(32);
                    cost.warp += if instruction.results.iter().any(varies) { vectors } else { 1 };
                }
            }
        }
        cost
    }
}
