//! Clusters of blocks: how large they can be, and how many run at a time.

use super::KernelResources;
use crate::Device;

/// A cluster launch, as far as it matters for residency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClusterShape {
    /// Blocks of a cluster, the product of its three dimensions.
    pub cluster_blocks: u32,
    /// Threads of a block.
    pub block_threads: u32,
    /// Shared memory of a block beside what the kernel declares, in bytes.
    pub dynamic_shared_bytes: u64,
    /// Whether the kernel gave up portability (`CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED`).
    pub is_non_portable: bool,
}

impl Device {
    /// How many clusters are resident at a time on the device (`cuOccupancyMaxActiveClusters`); 0 when none can be.
    ///
    /// All blocks of a cluster are resident together on one GPC. A GPC holds as many as its multiprocessors hold blocks;
    /// multiprocessors are spread over the GPCs as evenly as they can be, on a real card some GPCs may have fewer.
    pub fn max_active_clusters(&self, kernel: &KernelResources, shape: &ClusterShape) -> u32 {
        if shape.cluster_blocks == 0 || shape.cluster_blocks > self.cluster_blocks_max(shape.is_non_portable) {
            return 0;
        }
        let occupancy = self.limits().occupancy(kernel, shape.block_threads, shape.dynamic_shared_bytes);
        let (gpcs, multiprocessors) = (self.profile().gpcs, self.profile().multiprocessors);
        let clusters_of_gpc = |multiprocessors: u32| multiprocessors * occupancy.active_blocks / shape.cluster_blocks;
        let (smaller, larger_gpcs) = (multiprocessors / gpcs, multiprocessors % gpcs);
        (gpcs - larger_gpcs) * clusters_of_gpc(smaller) + larger_gpcs * clusters_of_gpc(smaller + 1)
    }

    /// The most blocks a cluster of such blocks can have (`cuOccupancyMaxPotentialClusterSize`); 0 when not even one runs.
    /// `shape.cluster_blocks` is not looked at.
    pub fn max_potential_cluster_blocks(&self, kernel: &KernelResources, shape: &ClusterShape) -> u32 {
        let largest = self.cluster_blocks_max(shape.is_non_portable);
        let mut sizes = (0..=largest.checked_ilog2().unwrap_or(0)).rev().map(|power| 1 << power);
        let runs =
            |&blocks: &u32| self.max_active_clusters(kernel, &ClusterShape { cluster_blocks: blocks, ..*shape }) > 0;
        sizes.find(runs).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, Profile};

    const SHAPE: ClusterShape =
        ClusterShape { cluster_blocks: 8, block_threads: 256, dynamic_shared_bytes: 0, is_non_portable: false };

    fn device(name: &str) -> Device {
        Device::new(Profile::find(name).unwrap(), 0, Features::default())
    }

    #[test]
    fn clusters_of_the_default_device() {
        let kernel = KernelResources { registers_per_thread: 32, ..KernelResources::default() };
        let device = device("software");
        // 8 multiprocessors a GPC with 6 blocks each.
        assert_eq!(device.max_active_clusters(&kernel, &SHAPE), 2 * 8 * 6 / 8);
        assert_eq!(device.max_active_clusters(&kernel, &ClusterShape { cluster_blocks: 5, ..SHAPE }), 2 * (8 * 6 / 5));
        assert_eq!(device.max_active_clusters(&kernel, &ClusterShape { cluster_blocks: 16, ..SHAPE }), 0);
        assert_eq!(device.max_potential_cluster_blocks(&kernel, &SHAPE), 8);
    }

    #[test]
    fn a_cluster_lies_within_one_gpc() {
        // 132 multiprocessors in 8 GPCs: four of 17 and four of 16, with one block each.
        let kernel = KernelResources { static_shared_bytes: 200 << 10, ..KernelResources::default() };
        let active = device("h200").max_active_clusters(&kernel, &SHAPE);
        assert_eq!(active, 16);
        let large = ClusterShape { cluster_blocks: 16, is_non_portable: true, ..SHAPE };
        assert_eq!(device("h200").max_active_clusters(&kernel, &large), 8);
        assert_eq!(device("h200").max_potential_cluster_blocks(&kernel, &large), 16);
    }

    #[test]
    fn no_clusters_before_capability_9() {
        assert_eq!(device("a100").max_active_clusters(&KernelResources::default(), &SHAPE), 0);
        assert_eq!(device("a100").max_potential_cluster_blocks(&KernelResources::default(), &SHAPE), 0);
    }

    #[test]
    fn a_block_that_does_not_fit_makes_no_cluster() {
        let shape = ClusterShape { dynamic_shared_bytes: 100 << 10, ..SHAPE };
        assert_eq!(device("software").max_potential_cluster_blocks(&KernelResources::default(), &shape), 0);
    }
}
