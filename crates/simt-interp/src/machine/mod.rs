//! The machine: a grid of blocks of warps of lanes.

mod access;
mod barrier;
mod block;
mod calls;
mod collective;
mod grid;
mod lane;
mod registers;
mod step;
mod tensor;
mod texture;
mod warp;

pub(crate) use grid::Grid;

use std::collections::BTreeMap;

use simt_ir::Program;
use simt_ir::analysis::Layout;
use simt_ir::instrument::Mark;

use crate::{Fault, FaultKind, Launch, Memory, Runtime};
use barrier::Barriers;
use lane::Lane;

/// What all threads of a launch share.
struct Machine<'a> {
    program: &'a Program,
    launch: &'a Launch,
    /// Address of each global and const symbol, by symbol.
    symbols: Vec<u64>,
    /// Block order of each function.
    layouts: Vec<Layout>,
    memory: &'a mut dyn Memory,
    runtime: &'a mut dyn Runtime,
    /// Instructions executed so far, counted for each lane.
    steps: u64,
    /// Marks that lanes came by.
    marks: BTreeMap<Mark, u64>,
}

/// Who a block is.
#[derive(Clone, Copy, Debug)]
struct BlockId {
    /// `%ctaid`.
    index: [u32; 3],
    /// Index in the grid, x fastest.
    linear: u64,
}

/// What an instruction of a warp can reach beside the warp itself.
struct Context<'c, 'a> {
    machine: &'c mut Machine<'a>,
    block: BlockId,
    /// Shared memory of the blocks of the cluster, by rank.
    cluster_shared: &'c mut [Vec<u8>],
    /// The block's rank.
    rank: usize,
    barriers: &'c mut Barriers,
}

impl Context<'_, '_> {
    /// A fault of a lane at a line.
    fn fault(&self, lane: &Lane, line: u32, kind: FaultKind) -> Box<Fault> {
        let function = lane.frames.last().map_or(0, |frame| frame.function.0 as usize);
        Box::new(Fault {
            kind,
            function: self.machine.program.functions[function].name.clone(),
            line,
            block: self.block.index,
            thread: lane.index,
        })
    }

    /// Index in the grid of the block with this rank in the cluster.
    fn block_of_rank(&self, rank: usize) -> u64 {
        let launch = self.machine.launch;
        let within = coordinates(rank as u64, launch.cluster);
        let index = [0, 1, 2].map(|axis| {
            let own = self.block.index[axis];
            u64::from(own - own % launch.cluster[axis] + within[axis])
        });
        let [width, height, _] = launch.grid.map(u64::from);
        index[0] + width * (index[1] + height * index[2])
    }

    /// The number of the thread in the whole grid, which owns its local memory.
    fn thread_number(&self, lane: &Lane) -> u64 {
        let block_threads: u64 = self.machine.launch.block.iter().map(|side| u64::from(*side)).product();
        self.block.linear * block_threads + u64::from(lane.thread)
    }
}

/// The coordinates of a linear index, x fastest.
fn coordinates(linear: u64, size: [u32; 3]) -> [u32; 3] {
    let [x, y, _] = size.map(u64::from);
    [(linear % x) as u32, (linear / x % y) as u32, (linear / x / y) as u32]
}
