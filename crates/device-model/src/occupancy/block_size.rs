//! The block size with the highest occupancy.

use super::KernelResources;
use crate::Limits;

/// A block size, and the grid that fills the device with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockSizeSuggestion {
    /// Threads of a block; 0 when no block size can run.
    pub block_threads: u32,
    /// The least number of blocks that occupies every multiprocessor of the device to that degree.
    pub grid_blocks_min: u32,
}

impl Limits {
    /// The block size with the most resident threads on a device of `multiprocessors`, the largest of several
    /// (`cuOccupancyMaxPotentialBlockSize`).
    ///
    /// `dynamic_shared_bytes` says what a block of so many threads needs; `block_threads_max` bounds the search, 0 does not.
    pub fn max_potential_block_size(
        &self,
        kernel: &KernelResources,
        multiprocessors: u32,
        block_threads_max: u32,
        mut dynamic_shared_bytes: impl FnMut(u32) -> u64,
    ) -> BlockSizeSuggestion {
        let of_kernel = self.threads_per_block.min(kernel.threads_per_block_max);
        let largest = if block_threads_max == 0 { of_kernel } else { of_kernel.min(block_threads_max) };
        let mut best = BlockSizeSuggestion { block_threads: 0, grid_blocks_min: 0 };
        let mut threads_most = 0;
        for granules in (1..=largest.div_ceil(self.warp_threads)).rev() {
            let block_threads = largest.min(granules * self.warp_threads);
            let occupancy = self.occupancy(kernel, block_threads, dynamic_shared_bytes(block_threads));
            let threads = occupancy.active_blocks * block_threads;
            if threads > threads_most {
                threads_most = threads;
                best = BlockSizeSuggestion {
                    block_threads,
                    grid_blocks_min: occupancy.active_blocks.saturating_mul(multiprocessors),
                };
            }
            if threads_most == self.threads_per_multiprocessor() {
                break;
            }
        }
        best
    }
}
