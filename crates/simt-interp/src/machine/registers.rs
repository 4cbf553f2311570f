//! Special registers (PTX ISA 10).

use simt_ir::{SpecialRegister, WARP_SIZE};

use super::Context;
use super::lane::Lane;

impl Context<'_, '_> {
    /// The value of a register for a lane.
    pub fn special_register(&mut self, lane: &Lane, register: SpecialRegister) -> u128 {
        use SpecialRegister::*;
        let launch = self.machine.launch;
        let lane_id = lane.thread % WARP_SIZE;
        let cluster = launch.cluster;
        let in_cluster = |axis: usize| self.block.index[axis] % cluster[axis];
        let word = match register {
            TidX => lane.index[0],
            TidY => lane.index[1],
            TidZ => lane.index[2],
            NtidX => launch.block[0],
            NtidY => launch.block[1],
            NtidZ => launch.block[2],
            CtaidX => self.block.index[0],
            CtaidY => self.block.index[1],
            CtaidZ => self.block.index[2],
            NctaidX => launch.grid[0],
            NctaidY => launch.grid[1],
            NctaidZ => launch.grid[2],
            LaneId => lane_id,
            WarpId => lane.thread / WARP_SIZE,
            NwarpId => launch.block.iter().product::<u32>().div_ceil(WARP_SIZE),
            SmId => (self.block.linear % u64::from(launch.sm_count.max(1))) as u32,
            NsmId => launch.sm_count,
            GridId => return u128::from(launch.grid_id),
            LanemaskEq => 1 << lane_id,
            LanemaskLt => (1 << lane_id) - 1,
            LanemaskLe => (2u32.wrapping_shl(lane_id)).wrapping_sub(1),
            LanemaskGe => u32::MAX << lane_id,
            LanemaskGt => (u32::MAX << lane_id) ^ (1 << lane_id),
            Clock => self.machine.runtime.clock() as u32,
            ClockHi => (self.machine.runtime.clock() >> 32) as u32,
            Clock64 => return u128::from(self.machine.runtime.clock()),
            GlobalTimer => return u128::from(self.machine.runtime.global_timer()),
            ClusterIdX => self.block.index[0] / cluster[0],
            ClusterIdY => self.block.index[1] / cluster[1],
            ClusterIdZ => self.block.index[2] / cluster[2],
            NclusterIdX => launch.grid[0] / cluster[0],
            NclusterIdY => launch.grid[1] / cluster[1],
            NclusterIdZ => launch.grid[2] / cluster[2],
            ClusterCtaidX => in_cluster(0),
            ClusterCtaidY => in_cluster(1),
            ClusterCtaidZ => in_cluster(2),
            ClusterNctaidX => cluster[0],
            ClusterNctaidY => cluster[1],
            ClusterNctaidZ => cluster[2],
            ClusterCtarank => in_cluster(0) + cluster[0] * (in_cluster(1) + cluster[1] * in_cluster(2)),
            ClusterNctarank => cluster.iter().product(),
            DynamicSharedSize => launch.dynamic_shared_bytes,
            TotalSharedSize => self.cluster_shared[self.rank].len() as u32,
            Environment0 => launch.environment[0],
            Environment1 => launch.environment[1],
            Environment2 => launch.environment[2],
            Environment3 => launch.environment[3],
            Zero32 | Zero64 => 0,
        };
        u128::from(word)
    }
}
