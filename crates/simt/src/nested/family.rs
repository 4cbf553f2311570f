//! A family at work: children get streams, and the stream of the first grid waits for them.

use super::tree::Tree;
use super::{Child, DeviceRuntime, Job, Order};
use crate::domain::Domain;
use crate::engine::Shared;
use crate::execute::Grid;
use crate::fault::FaultKind;
use crate::lock_order::{EngineRank, Lock};
use crate::queue::{State as StreamState, Stream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Children that run at the same time, at most: as many as devices run grids.
const LANES_MAX: usize = 128;
/// Children that run at the same time for each core: more do not make it faster.
const LANES_PER_CORE: usize = 2;
/// A caller that finds too many children waiting looks again after this time.
const ROOM_PAUSE: Duration = Duration::from_micros(50);
/// It gives up when none has begun for so long.
const ROOM_STALL_MAX: Duration = Duration::from_secs(1);

/// The grids that a stream's grids launch, and theirs.
pub(crate) struct Family {
    engine: Arc<Shared>,
    domain: Arc<Domain>,
    priority: i32,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    tree: Tree,
    /// Streams of the family without a child.
    idle_lanes: Vec<Arc<Stream>>,
    lane_count: usize,
    /// The stream of the grid that the host launched, once this has ended, and the grid's number.
    parked: Option<(u64, Arc<Stream>)>,
    /// Children that have ever begun.
    begun: u64,
    /// The value of `begun` at which a caller gave up waiting.
    stalled_at: Option<u64>,
    /// Who is to hear of grids that are complete.
    runtime: Option<Arc<dyn DeviceRuntime>>,
}

impl Family {
    pub(crate) fn new(engine: Arc<Shared>, domain: Arc<Domain>, priority: i32) -> Arc<Family> {
        Arc::new(Family { engine, domain, priority, state: Lock::new(EngineRank::Family, State::default()) })
    }

    /// The number of a running grid; that of one which the host launched is made when it first asks.
    pub(super) fn node_of(&self, grid: &Grid, runtime: &Arc<dyn DeviceRuntime>) -> u64 {
        match grid.node() {
            0 => {
                let mut state = self.state.lock();
                if grid.node() == 0 {
                    grid.set_node(state.tree.add_root());
                    state.runtime = Some(runtime.clone());
                }
                grid.node()
            }
            node => node,
        }
    }

    /// Takes what a running grid hands over.
    pub(super) fn add(self: &Arc<Self>, node: u64, order: Order, child: Child) {
        self.state.lock().tree.add(node, order, child);
        self.dispatch();
    }

    /// Waits until fewer than `limit` children have yet to begin. False if they do not get fewer.
    pub(super) fn wait_for_room(&self, limit: usize) -> bool {
        let mut seen = (0, Instant::now());
        loop {
            let (waiting, begun, stalled_at) = {
                let state = self.state.lock();
                (state.tree.waiting(), state.begun, state.stalled_at)
            };
            if waiting < limit || self.domain.has_failed() {
                return true;
            }
            // With one core nobody else can begin any.
            if self.engine.core_count() == 1 || stalled_at == Some(begun) {
                return false;
            }
            if begun != seen.0 {
                seen = (begun, Instant::now());
            } else if seen.1.elapsed() > ROOM_STALL_MAX {
                self.state.lock().stalled_at = Some(begun);
                return false;
            }
            std::thread::sleep(ROOM_PAUSE);
        }
    }

    /// Notes that the grid which the host launched has ended. True if it is complete; if not, its stream, which the caller has, is
    /// made ready when it is.
    pub(crate) fn root_ended(self: &Arc<Self>, node: u64, stream: &Arc<Stream>) -> bool {
        let complete = {
            let mut state = self.state.lock();
            state.parked = Some((node, stream.clone()));
            state.tree.end(node);
            let complete = state.tree.take_complete();
            if complete.contains(&node) {
                state.parked = None;
            }
            complete
        };
        self.tell(&complete);
        self.dispatch();
        complete.contains(&node)
    }

    /// Lets go of kernels that no child uses.
    pub(crate) fn trim(&self) {
        let lanes = self.state.lock().idle_lanes.clone();
        lanes.iter().for_each(|lane| lane.trim());
    }

    /// Begins children, as far as there are streams for them.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let (lane, number, job) = {
                let mut state = self.state.lock();
                if !state.tree.has_ready() {
                    return;
                }
                let Some(lane) = self.take_lane(&mut state) else { return };
                let Some((number, job)) = state.tree.take_ready() else { return };
                state.begun += 1;
                (lane, number, job)
            };
            let (family, same) = (self.clone(), lane.clone());
            lane.operation(move || family.begin(same, number, job));
        }
    }

    /// A stream for a child.
    fn take_lane(self: &Arc<Self>, state: &mut State) -> Option<Arc<Stream>> {
        if let Some(lane) = state.idle_lanes.pop() {
            return Some(lane);
        }
        let most = (self.engine.core_count() * LANES_PER_CORE).clamp(2, LANES_MAX);
        if state.lane_count >= most {
            return None;
        }
        match Stream::lane(self.engine.clone(), self.domain.clone(), self.priority, self) {
            Ok(lane) => {
                state.lane_count += 1;
                Some(lane)
            }
            Err(error) => {
                if state.lane_count == 0 {
                    let text = format!("no memory for the grids that a kernel launches: {error}");
                    self.domain.fail(FaultKind::OutOfResources, "", text);
                }
                None
            }
        }
    }

    /// Runs the job of a child, and then its grid, if it has one.
    fn begin(self: &Arc<Self>, lane: Arc<Stream>, number: u64, job: Job) {
        let launch = if self.domain.has_failed() { None } else { job() };
        let Some(child) = launch else { return self.end(lane, number) };
        lane.grid().set_node(number);
        if let Err(error) = lane.launch_prepared(&child.launch, child.stack_bytes, &child.parameters, 0) {
            self.domain.fail(FaultKind::OutOfResources, child.launch.kernel().name(), error.to_string());
        }
        let (family, same) = (self.clone(), lane.clone());
        lane.operation(move || family.end(same, number));
    }

    /// Notes that a child's grid has ended.
    fn end(self: &Arc<Self>, lane: Arc<Stream>, number: u64) {
        lane.grid().set_node(0);
        let (complete, resumed) = {
            let mut state = self.state.lock();
            state.idle_lanes.push(lane);
            state.tree.end(number);
            let complete = state.tree.take_complete();
            let resumed = state.parked.take_if(|(root, _)| complete.contains(root));
            (complete, resumed)
        };
        self.tell(&complete);
        self.dispatch();
        if let Some((_, stream)) = resumed {
            stream.set_state(StreamState::Ready);
            self.engine.enqueue(stream);
        }
    }

    fn tell(&self, complete: &[u64]) {
        let runtime = if complete.is_empty() { None } else { self.state.lock().runtime.clone() };
        if let Some(runtime) = runtime {
            complete.iter().for_each(|node| runtime.grid_is_complete(*node));
        }
    }
}
