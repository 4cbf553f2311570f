//! A block: its warps, its shared memory, its barriers.

use simt_ir::{FunctionId, WARP_SIZE};

use super::barrier::{Barriers, release_barriers};
use super::lane::{Frame, Lane};
use super::warp::Warp;
use super::{BlockId, Context, Machine, coordinates};
use crate::Fault;

/// A block that runs.
pub(super) struct Block {
    pub id: BlockId,
    pub warps: Vec<Warp>,
    barriers: Barriers,
}

impl Block {
    /// All threads at the kernel's start.
    pub fn new(machine: &Machine, index: [u32; 3]) -> Self {
        let [width, height, _] = machine.launch.grid.map(u64::from);
        let [x, y, z] = index.map(u64::from);
        let id = BlockId { index, linear: x + width * (y + height * z) };
        let threads: u32 = machine.launch.block.iter().product();
        let lanes: Vec<u32> = (0..threads).collect();
        let warp = |(index, threads): (usize, &[u32])| {
            Warp::new(index as u32, threads.iter().map(|thread| start(machine, *thread)).collect())
        };
        let warps = lanes.chunks(WARP_SIZE as usize).enumerate().map(warp).collect();
        Self { id, warps, barriers: Barriers::default() }
    }

    /// Gives each warp a slice. `cluster_shared` is the shared memory of the cluster's blocks, of which this is number `rank`.
    pub fn run_slices(
        &mut self,
        machine: &mut Machine,
        cluster_shared: &mut [Vec<u8>],
        rank: usize,
    ) -> Result<(), Box<Fault>> {
        for index in 0..self.warps.len() {
            let Block { id, warps, barriers } = self;
            let mut context = Context { machine, block: *id, cluster_shared, rank, barriers };
            warps[index].run_slice(&mut context)?;
            release_barriers(barriers, warps);
        }
        Ok(())
    }

    pub fn has_exited(&self) -> bool {
        self.warps.iter().all(Warp::has_exited)
    }
}

/// A thread at the kernel's start.
fn start(machine: &Machine, thread: u32) -> Lane {
    let kernel = machine.program.kernel();
    let mut lane = Lane::new(thread, coordinates(u64::from(thread), machine.launch.block));
    lane.frames.push(Frame::new(FunctionId(0), kernel, 0, kernel.local_bytes));
    lane
}
