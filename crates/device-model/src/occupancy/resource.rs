//! What each resource of a multiprocessor has room for.

use super::{Carveout, KernelResources};
use crate::Limits;
use std::fmt;

/// Most registers that can be allocated to a thread: one more than a program can name.
const REGISTERS_PER_THREAD_ALLOCATED_MAX: u32 = 256;

/// How many blocks each resource of a multiprocessor has room for; `None` where the kernel uses none of it. 0 means that not
/// even one block fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockLimits {
    /// By resident warps.
    pub warps: u32,
    /// By slots for blocks.
    pub blocks: u32,
    /// By registers.
    pub registers: Option<u32>,
    /// By shared memory.
    pub shared_memory: Option<u32>,
    /// By barriers.
    pub barriers: Option<u32>,
}

impl BlockLimits {
    /// The least of the limits: the blocks that are resident.
    pub(super) fn least(&self) -> u32 {
        let others = [self.registers, self.shared_memory, self.barriers];
        others.into_iter().flatten().fold(self.warps.min(self.blocks), u32::min)
    }

    /// The resources whose limit is `blocks`.
    pub(super) fn reached_by(&self, blocks: u32) -> LimitingResources {
        LimitingResources {
            warps: self.warps == blocks,
            blocks: self.blocks == blocks,
            registers: self.registers == Some(blocks),
            shared_memory: self.shared_memory == Some(blocks),
            barriers: self.barriers == Some(blocks),
        }
    }
}

/// The resources that have room for no more blocks; there can be several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitingResources {
    /// Resident warps.
    pub warps: bool,
    /// Slots for blocks.
    pub blocks: bool,
    /// Registers.
    pub registers: bool,
    /// Shared memory.
    pub shared_memory: bool,
    /// Barriers.
    pub barriers: bool,
}

impl fmt::Display for LimitingResources {
    /// The names with commas between: "warps, registers".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            ("warps", self.warps),
            ("blocks", self.blocks),
            ("registers", self.registers),
            ("shared memory", self.shared_memory),
            ("barriers", self.barriers),
        ];
        let names: Vec<_> = all.into_iter().filter(|&(_, is_limiting)| is_limiting).map(|(name, _)| name).collect();
        f.write_str(&names.join(", "))
    }
}

impl Limits {
    /// Warps of a block.
    pub(super) fn warps_of(&self, block_threads: u32) -> u32 {
        block_threads.div_ceil(self.warp_threads)
    }

    /// Blocks by warps: 0 when the block has no thread, or more than the device allows.
    pub(super) fn blocks_by_warps(&self, block_threads: u32) -> u32 {
        if block_threads == 0 || block_threads > self.threads_per_block {
            return 0;
        }
        self.warps_per_multiprocessor / self.warps_of(block_threads)
    }

    /// Registers of a warp: a multiple of the granule.
    fn registers_of_warp(&self, kernel: &KernelResources) -> u32 {
        let registers = kernel.registers_per_thread.saturating_mul(self.warp_threads);
        registers.div_ceil(self.register_granule).saturating_mul(self.register_granule)
    }

    /// Registers of a block: those of its warps.
    pub(super) fn register_allocation(&self, kernel: &KernelResources, block_threads: u32) -> u32 {
        self.registers_of_warp(kernel).saturating_mul(self.warps_of(block_threads))
    }

    /// Blocks by registers. A warp lives on one scheduler, so what is left of a scheduler's share is lost.
    pub(super) fn blocks_by_registers(&self, kernel: &KernelResources, block_threads: u32) -> Option<u32> {
        if kernel.registers_per_thread == 0 {
            return None;
        }
        let is_too_much = kernel.registers_per_thread > REGISTERS_PER_THREAD_ALLOCATED_MAX
            || self.register_allocation(kernel, block_threads) > self.registers_per_block;
        if is_too_much || block_threads == 0 {
            return Some(0);
        }
        let share = self.registers_per_multiprocessor / self.subpartitions;
        let warps = share / self.registers_of_warp(kernel) * self.subpartitions;
        Some(warps / self.warps_of(block_threads))
    }

    /// Most shared memory that a block of the kernel can ask for, in bytes, without the reserved part.
    pub(super) fn shared_limit(&self, kernel: &KernelResources) -> u32 {
        if kernel.shared_opt_in { self.shared_per_block_optin } else { self.shared_per_block }
    }

    /// Shared memory that a block takes, in bytes: what the kernel declares, what the launch adds and what the system
    /// reserves, rounded up.
    pub(super) fn shared_allocation(&self, kernel: &KernelResources, dynamic_bytes: u64) -> u64 {
        let asked = dynamic_bytes.saturating_add(u64::from(kernel.static_shared_bytes));
        let granule = u64::from(self.shared_granule);
        let granules = asked.saturating_add(u64::from(self.shared_reserved_per_block)).div_ceil(granule);
        granules.saturating_mul(granule)
    }

    /// Shared memory of the multiprocessor in bytes, as the kernel prefers it, but never too little for one block that takes
    /// `allocated`.
    pub(super) fn shared_capacity(&self, carveout: Carveout, allocated: u64) -> u32 {
        let wanted = match carveout {
            Carveout::Default => self.shared_per_multiprocessor,
            Carveout::Percent(percent) => self.shared_per_multiprocessor * percent.min(100) / 100,
        };
        self.capacity_of_at_least(allocated.max(u64::from(wanted)))
    }

    /// The smallest capacity in bytes that holds `bytes`, or the largest there is.
    fn capacity_of_at_least(&self, bytes: u64) -> u32 {
        let mut capacities = self.shared_capacities_kib.iter().map(|capacity| capacity << 10);
        capacities.find(|&capacity| u64::from(capacity) >= bytes).unwrap_or(self.shared_per_multiprocessor)
    }

    /// Blocks by shared memory.
    pub(super) fn blocks_by_shared_memory(&self, kernel: &KernelResources, allocated: u64) -> Option<u32> {
        if allocated == 0 {
            return None;
        }
        let limit = u64::from(self.shared_limit(kernel)) + u64::from(self.shared_reserved_per_block);
        if allocated > limit {
            return Some(0);
        }
        Some((u64::from(self.shared_capacity(kernel.carveout, allocated)) / allocated) as u32)
    }

    /// Blocks by barriers.
    pub(super) fn blocks_by_barriers(&self, kernel: &KernelResources) -> Option<u32> {
        self.barriers_per_multiprocessor?.checked_div(kernel.barriers)
    }
}
