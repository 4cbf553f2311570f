//! The grid: blocks start in order, run in turns, and end.

use std::collections::BTreeMap;

use simt_ir::Program;
use simt_ir::analysis::Layout;
use simt_ir::instrument::Mark;

use super::block::Block;
use super::lane::{Lane, LaneState};
use super::{Machine, coordinates};
use crate::{Fault, FaultKind, Launch, Memory, Runtime};

/// All blocks of a launch.
pub(crate) struct Grid<'a> {
    machine: Machine<'a>,
    running: Vec<Cluster>,
    /// Linear index of the next cluster to start.
    next: u64,
}

/// Blocks that start together.
struct Cluster {
    blocks: Vec<Block>,
    /// The blocks' shared memory, zero at the start.
    shared: Vec<Vec<u8>>,
}

impl<'a> Grid<'a> {
    pub fn new(
        program: &'a Program,
        launch: &'a Launch,
        symbols: Vec<u64>,
        memory: &'a mut dyn Memory,
        runtime: &'a mut dyn Runtime,
    ) -> Self {
        let layouts = program.functions.iter().map(Layout::new).collect();
        let machine = Machine { program, launch, symbols, layouts, memory, runtime, steps: 0, marks: BTreeMap::new() };
        Self { machine, running: Vec::new(), next: 0 }
    }

    /// Instructions executed, counted for each lane.
    pub fn steps(&self) -> u64 {
        self.machine.steps
    }

    /// How often lanes came by each mark.
    pub fn take_marks(&mut self) -> BTreeMap<Mark, u64> {
        std::mem::take(&mut self.machine.marks)
    }

    /// Runs until all blocks have ended.
    pub fn run(&mut self) -> Result<(), Box<Fault>> {
        loop {
            self.start_clusters();
            if self.running.is_empty() {
                return Ok(());
            }
            let steps_before = self.machine.steps;
            for cluster in &mut self.running {
                for (rank, block) in cluster.blocks.iter_mut().enumerate() {
                    block.run_slices(&mut self.machine, &mut cluster.shared, rank)?;
                }
                cluster.release();
            }
            let count = self.running.len();
            self.running.retain(|cluster| !cluster.has_exited());
            let released = self.running.iter().any(Cluster::has_ready_lane);
            if self.machine.steps == steps_before && self.running.len() == count && !released {
                return Err(self.deadlock());
            }
        }
    }

    fn start_clusters(&mut self) {
        let launch = self.machine.launch;
        let [x, y, z] = [0, 1, 2].map(|axis| launch.grid[axis] / launch.cluster[axis]);
        let count = u64::from(x) * u64::from(y) * u64::from(z);
        let cluster_size: u32 = launch.cluster.iter().product();
        let most = (launch.limits.resident_blocks / cluster_size).max(1) as usize;
        while self.next < count && self.running.len() < most {
            let first = coordinates(self.next, [x, y, z]);
            let block = |rank: u32| {
                let within = coordinates(u64::from(rank), launch.cluster);
                Block::new(&self.machine, [0, 1, 2].map(|axis| first[axis] * launch.cluster[axis] + within[axis]))
            };
            let blocks: Vec<Block> = (0..cluster_size).map(block).collect();
            let shared_bytes = self.machine.program.shared_bytes + launch.dynamic_shared_bytes;
            let shared = vec![vec![0; shared_bytes as usize]; blocks.len()];
            self.running.push(Cluster { blocks, shared });
            self.next += 1;
        }
    }

    /// The fault of the first thread that waits, when nobody can go on.
    fn deadlock(&self) -> Box<Fault> {
        let blocks = || self.running.iter().flat_map(|cluster| &cluster.blocks);
        let waiting = blocks().flat_map(|block| block.warps.iter().map(move |warp| (block, warp)));
        let found = waiting.filter_map(|(block, warp)| warp.describe_wait().map(|wait| (block, wait))).next();
        let (block, (lane, line, what)) =
            found.expect("blocks that have not ended and cannot go on wait for something");
        let function = self.machine.program.function(lane.frame().function).name.clone();
        Box::new(Fault { kind: FaultKind::Deadlock(what), function, line, block: block.id.index, thread: lane.index })
    }
}

impl Cluster {
    fn has_exited(&self) -> bool {
        self.blocks.iter().all(Block::has_exited)
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.blocks.iter().flat_map(|block| &block.warps).flat_map(|warp| &warp.lanes)
    }

    fn has_ready_lane(&self) -> bool {
        self.lanes().any(Lane::is_ready)
    }

    /// Lets lanes through the cluster's barrier to which every lane that has not ended has arrived as often as they.
    fn release(&mut self) {
        let arrived = self.lanes().filter(|lane| !lane.has_exited()).map(|lane| lane.cluster_arrivals).min();
        let arrived = arrived.unwrap_or(0);
        let warps = self.blocks.iter_mut().flat_map(|block| &mut block.warps);
        for lane in warps.flat_map(|warp| &mut warp.lanes) {
            if matches!(lane.state, LaneState::ClusterBarrier { .. }) && lane.cluster_arrivals <= arrived {
                lane.cluster_waits = lane.cluster_arrivals;
                lane.state = LaneState::Ready;
                lane.complete(&[], &[]);
            }
        }
    }
}
