//! A warp: which of its lanes run next.

use std::cmp::Ordering;

use simt_ir::analysis::Layout;

use super::lane::{Lane, LaneState};
use super::{Context, Machine};
use crate::Fault;

/// Retreating edges that lanes may take while others of their warp wait, before those get a turn. Large, so that
/// lanes that leave a long loop early still meet the others behind it.
const PATIENCE: u32 = 1024;

/// Turns of a warp before other warps get theirs.
const SLICE_TURNS: u32 = 64;

/// Up to 32 lanes that run together where they can.
pub(super) struct Warp {
    /// Index in the block.
    pub index: u32,
    /// By lane id; fewer than 32 in the last warp of a block.
    pub lanes: Vec<Lane>,
    /// Turns taken so far.
    turn: u64,
    /// Lanes that are preferred to the earliest ones, so that they make progress.
    favoured: u32,
    /// Retreating edges taken since `favoured` was chosen while other lanes were ready.
    retreats: u32,
}

/// How a turn ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// The lanes stand at different places now, perhaps, or wait.
    Moved,
    /// As above, and an edge led back in the layout.
    Retreated,
    /// The lanes sleep: other warps first.
    Yielded,
}

impl Warp {
    pub fn new(index: u32, lanes: Vec<Lane>) -> Self {
        Self { index, lanes, turn: 0, favoured: 0, retreats: 0 }
    }

    /// Mask of the lanes for which `test` holds.
    pub fn mask(&self, test: impl Fn(&Lane) -> bool) -> u32 {
        self.lanes.iter().enumerate().filter(|(_, lane)| test(lane)).map(|(id, _)| 1 << id).sum()
    }

    pub fn has_exited(&self) -> bool {
        self.lanes.iter().all(Lane::has_exited)
    }

    /// Runs until no lane is ready, a lane sleeps, or other warps should have their turn.
    pub fn run_slice(&mut self, context: &mut Context) -> Result<(), Box<Fault>> {
        for _ in 0..SLICE_TURNS {
            let group = self.choose(context.machine);
            if group == 0 {
                break;
            }
            self.turn += 1;
            for id in lanes_of(group) {
                self.lanes[id].last_turn = self.turn;
            }
            let waiting = self.mask(Lane::is_ready) & !group;
            let flow = self.run_group(context, group)?;
            self.release_collectives();
            match flow {
                Flow::Retreated if waiting != 0 => self.retreats += 1,
                Flow::Yielded => break,
                Flow::Moved | Flow::Retreated => {}
            }
        }
        Ok(())
    }

    /// The lanes to run: those that stand where the earliest ready lane stands, unless others have waited too long.
    fn choose(&mut self, machine: &Machine) -> u32 {
        let ready = self.mask(Lane::is_ready);
        if ready.count_ones() <= 1 {
            return ready;
        }
        if self.retreats >= PATIENCE {
            self.retreats = 0;
            let longest = lanes_of(ready).min_by_key(|id| self.lanes[*id].last_turn).expect("a lane is ready");
            self.favoured = self.standing_with(machine, ready, longest);
        }
        let candidates = if self.favoured & ready != 0 { self.favoured & ready } else { ready };
        if candidates == ready {
            self.favoured = 0;
        }
        let earlier = |a: &usize, b: &usize| position_order(&machine.layouts, &self.lanes[*a], &self.lanes[*b]);
        let earliest = lanes_of(candidates).min_by(earlier).expect("a lane is ready");
        self.standing_with(machine, ready, earliest)
    }

    /// The lanes of `ready` that stand at the same instruction as lane `id`.
    fn standing_with(&self, machine: &Machine, ready: u32, id: usize) -> u32 {
        let same =
            |other: &usize| position_order(&machine.layouts, &self.lanes[id], &self.lanes[*other]) == Ordering::Equal;
        lanes_of(ready).filter(same).map(|other| 1 << other).sum()
    }

    /// What the first lane that cannot go on waits for, if any lane waits.
    pub fn describe_wait(&self) -> Option<(&Lane, u32, String)> {
        self.lanes.iter().find_map(|lane| match &lane.state {
            LaneState::Collective(request) => Some((lane, request.line, request.describe())),
            LaneState::Barrier(wait) => Some((lane, wait.line, wait.describe())),
            LaneState::ClusterBarrier { line } => Some((lane, *line, "waits at the barrier of the cluster".into())),
            LaneState::Ready | LaneState::Exited => None,
        })
    }
}

/// Lane ids in a mask, in order.
pub(super) fn lanes_of(mask: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |id| mask >> id & 1 == 1)
}

/// Order of the places where two lanes stand: by their call stacks from the kernel inwards, each frame by its place in the
/// layout; a lane at a call comes before those inside it.
fn position_order(layouts: &[Layout], a: &Lane, b: &Lane) -> Ordering {
    for (x, y) in a.frames.iter().zip(&b.frames) {
        let layout = &layouts[x.function.0 as usize];
        let order = x.function.cmp(&y.function).then_with(|| {
            let (x_block, y_block) = (layout.position[x.block.0 as usize], layout.position[y.block.0 as usize]);
            x_block.cmp(&y_block).then(x.next.cmp(&y.next))
        });
        if order != Ordering::Equal {
            return order;
        }
    }
    a.frames.len().cmp(&b.frames.len())
}
