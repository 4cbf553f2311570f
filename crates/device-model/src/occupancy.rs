//! Theoretical occupancy: how many blocks of a kernel a multiprocessor holds at a time.
//!
//! A block is resident when each resource has room for it: warps, slots for blocks, registers and shared memory. The rules
//! are those of the CUDA C++ Best Practices Guide ("Occupancy") and of the occupancy calculator of Nsight Compute; a test
//! compares the results with NVIDIA's `cuda_occupancy.h`. Local memory limits nothing: it lies in device memory.

mod block_size;
mod cluster;
mod resource;

use crate::Limits;
pub use block_size::BlockSizeSuggestion;
pub use cluster::ClusterShape;
pub use resource::{BlockLimits, LimitingResources};

/// What a kernel needs and may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelResources {
    /// Registers of a thread, of 32 bits each; 0 limits nothing.
    pub registers_per_thread: u32,
    /// Shared memory that the kernel declares, in bytes.
    pub static_shared_bytes: u32,
    /// Most threads of a block that the kernel was compiled for (`CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK`).
    /// Bounds suggested block sizes; [`Limits::occupancy`] does not look at it, as NVIDIA's calculator does not.
    pub threads_per_block_max: u32,
    /// Whether the kernel may have more than 48 KiB of shared memory a block, up to the opt-in limit of the device, as it
    /// may once `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES` was raised. How far it was raised is for the launch to
    /// check.
    pub shared_opt_in: bool,
    /// Share of the combined cache that is to be shared memory.
    pub carveout: Carveout,
    /// Barriers of a block (`bar.sync` names), at most 16.
    pub barriers: u32,
}

impl Default for KernelResources {
    /// A kernel that nothing limits but the number of warps and blocks.
    fn default() -> Self {
        Self {
            registers_per_thread: 0,
            static_shared_bytes: 0,
            threads_per_block_max: 1024,
            shared_opt_in: true,
            carveout: Carveout::Default,
            barriers: 1,
        }
    }
}

/// What part of the combined cache a kernel prefers as shared memory
/// (`CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT`). The device takes the smallest capacity that is no less.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Carveout {
    /// No preference: as much as there is, so that occupancy is highest.
    #[default]
    Default,
    /// Per cent of the shared memory of a multiprocessor; more than 100 counts as 100.
    Percent(u32),
}

impl Carveout {
    /// The value of the function attribute: -1 is no preference, 0 to 100 are per cent, anything else is no value.
    pub fn from_attribute(value: i32) -> Option<Carveout> {
        match value {
            -1 => Some(Carveout::Default),
            percent => u32::try_from(percent).ok().filter(|&percent| percent <= 100).map(Carveout::Percent),
        }
    }
}

/// How many blocks of a kernel a multiprocessor holds, and why not more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occupancy {
    /// Blocks that are resident at a time; 0 when the block cannot run at all.
    pub active_blocks: u32,
    /// Warps of a block.
    pub warps_per_block: u32,
    /// Most resident warps of the multiprocessor.
    pub warps_max: u32,
    /// How many blocks each resource has room for.
    pub block_limits: BlockLimits,
    /// The resources that have room for no more than `active_blocks`.
    pub limited_by: LimitingResources,
    /// Registers that a block takes, rounded up to what is allocated.
    pub registers_per_block: u32,
    /// Shared memory that a block takes in bytes, the reserved part too, rounded up to what is allocated.
    pub shared_bytes_per_block: u64,
}

impl Occupancy {
    /// Warps that are resident at a time.
    pub fn active_warps(&self) -> u32 {
        self.active_blocks * self.warps_per_block
    }

    /// Resident warps as a part of the most there can be, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        f64::from(self.active_warps()) / f64::from(self.warps_max)
    }
}

impl Limits {
    /// Occupancy of a multiprocessor by blocks of `block_threads` threads with `dynamic_shared_bytes` of shared memory
    /// beside what the kernel declares (`cuOccupancyMaxActiveBlocksPerMultiprocessor`).
    ///
    /// A block that cannot run, of 0 or too many threads for one, has 0 active blocks; the limit that is 0 says why.
    pub fn occupancy(&self, kernel: &KernelResources, block_threads: u32, dynamic_shared_bytes: u64) -> Occupancy {
        let shared_bytes_per_block = self.shared_allocation(kernel, dynamic_shared_bytes);
        let block_limits = BlockLimits {
            warps: self.blocks_by_warps(block_threads),
            blocks: self.blocks_per_multiprocessor,
            registers: self.blocks_by_registers(kernel, block_threads),
            shared_memory: self.blocks_by_shared_memory(kernel, shared_bytes_per_block),
            barriers: self.blocks_by_barriers(kernel),
        };
        let active_blocks = block_limits.least();
        Occupancy {
            active_blocks,
            warps_per_block: self.warps_of(block_threads),
            warps_max: self.warps_per_multiprocessor,
            limited_by: block_limits.reached_by(active_blocks),
            block_limits,
            registers_per_block: self.register_allocation(kernel, block_threads),
            shared_bytes_per_block,
        }
    }

    /// The barriers of a kernel whose blocks of one thread, without dynamic shared memory, are resident `blocks` at a time. A driver tells that
    /// number of blocks and not the barriers. It is 1, and limits nothing, where the other resources explain that there are no more blocks.
    pub fn barriers_of(&self, kernel: &KernelResources, blocks: u32) -> u32 {
        let explained = self.occupancy(&KernelResources { barriers: 1, ..*kernel }, 1, 0).active_blocks;
        match self.barriers_per_multiprocessor {
            Some(barriers) if (1..explained).contains(&blocks) => barriers / blocks,
            _ => 1,
        }
    }

    /// The most dynamic shared memory a block can have, in bytes, if `blocks` blocks are to be resident at a time
    /// (`cuOccupancyAvailableDynamicSMemPerBlock`). None when that many cannot be resident even without any.
    pub fn available_dynamic_shared(&self, kernel: &KernelResources, blocks: u32, block_threads: u32) -> Option<u64> {
        if blocks == 0 || self.occupancy(kernel, block_threads, 0).active_blocks < blocks {
            return None;
        }
        let of_block = u64::from(self.shared_limit(kernel)).saturating_sub(u64::from(kernel.static_shared_bytes));
        if blocks == 1 {
            // The preferred capacity gives way to the need of a single block.
            return Some(of_block);
        }
        // Without any shared memory there is nothing to ask for: the capacity is one that is not 0.
        let least = self.shared_allocation(kernel, 0).max(1);
        let share = u64::from(self.shared_capacity(kernel.carveout, least) / blocks);
        let allocated = share / u64::from(self.shared_granule) * u64::from(self.shared_granule);
        let taken = u64::from(kernel.static_shared_bytes) + u64::from(self.shared_reserved_per_block);
        let of_multiprocessor = allocated.saturating_sub(taken);
        Some(of_multiprocessor.min(of_block))
    }
}
