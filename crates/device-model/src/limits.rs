//! What follows from the compute capability alone.

use crate::ComputeCapability;

/// Limits of a multiprocessor and of a block (CUDA C++ Programming Guide, "Technical Specifications per Compute
/// Capability"). Sizes of memory are in bytes, registers are of 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The capability these limits are of.
    pub capability: ComputeCapability,
    /// Threads of a warp.
    pub warp_threads: u32,
    /// Most threads of a block.
    pub threads_per_block: u32,
    /// Most resident warps of a multiprocessor.
    pub warps_per_multiprocessor: u32,
    /// Most resident blocks of a multiprocessor.
    pub blocks_per_multiprocessor: u32,
    /// Registers of a multiprocessor.
    pub registers_per_multiprocessor: u32,
    /// Most registers of a block.
    pub registers_per_block: u32,
    /// Most registers of a thread.
    pub registers_per_thread: u32,
    /// Registers are given to a warp in units of this many.
    pub register_granule: u32,
    /// A multiprocessor has this many schedulers, each with its share of the registers and warps.
    pub subpartitions: u32,
    /// Shared memory of a multiprocessor.
    pub shared_per_multiprocessor: u32,
    /// Most shared memory of a block that does not ask for more.
    pub shared_per_block: u32,
    /// Most shared memory of a block that asks for it.
    pub shared_per_block_optin: u32,
    /// Shared memory that the system takes for itself in each block, beside what the kernel asks for.
    pub shared_reserved_per_block: u32,
    /// Shared memory is given to a block in units of this many bytes.
    pub shared_granule: u32,
    /// The sizes in KiB that the shared part of the combined cache can be set to, ascending.
    pub shared_capacities_kib: &'static [u32],
    /// Barriers of all resident blocks together, where that limits how many there are.
    pub barriers_per_multiprocessor: Option<u32>,
    /// Whether blocks can be launched in clusters.
    pub has_clusters: bool,
}

impl Limits {
    /// The limits of a capability, or of the nearest known one below it; of 7.0 when there is none below.
    pub fn of(capability: ComputeCapability) -> Limits {
        let (warps, blocks, capacities) = resources(capability);
        let shared = capacities[capacities.len() - 1] << 10;
        let reserved = if capability.major >= 8 { 1 << 10 } else { 0 };
        Limits {
            capability,
            warp_threads: 32,
            threads_per_block: 1024,
            warps_per_multiprocessor: warps,
            blocks_per_multiprocessor: blocks,
            registers_per_multiprocessor: 64 << 10,
            registers_per_block: 64 << 10,
            registers_per_thread: 255,
            register_granule: 256,
            subpartitions: 4,
            shared_per_multiprocessor: shared,
            shared_per_block: 48 << 10,
            shared_per_block_optin: shared - reserved,
            shared_reserved_per_block: reserved,
            shared_granule: if capability.major >= 8 { 128 } else { 256 },
            shared_capacities_kib: capacities,
            barriers_per_multiprocessor: barriers(capability),
            has_clusters: capability.major >= 9,
        }
    }

    /// Most resident threads of a multiprocessor.
    pub fn threads_per_multiprocessor(&self) -> u32 {
        self.warps_per_multiprocessor * self.warp_threads
    }
}

/// Warps and blocks of a multiprocessor, and the capacities of its shared memory in KiB.
fn resources(capability: ComputeCapability) -> (u32, u32, &'static [u32]) {
    match (capability.major, capability.minor) {
        (..=6, _) | (7, ..=4) => (64, 32, &[0, 8, 16, 32, 64, 96]),
        (7, _) => (32, 16, &[32, 64]),
        (8, ..=5) => (64, 32, &[0, 8, 16, 32, 64, 100, 132, 164]),
        (8, 7) => (48, 16, &[0, 8, 16, 32, 64, 100, 132, 164]),
        (8, 6 | 8) => (48, 16, &[0, 8, 16, 32, 64, 100]),
        (8, _) => (48, 24, &[0, 8, 16, 32, 64, 100]),
        (9 | 10, _) => (64, 32, &[0, 8, 16, 32, 64, 100, 132, 164, 196, 228]),
        (11, _) => (48, 24, &[0, 8, 16, 32, 64, 100, 132, 164, 196, 228]),
        (12.., _) => (48, 24, &[0, 8, 16, 32, 64, 100]),
    }
}

/// Barriers of a multiprocessor; before compute capability 9.0 there are enough for every block.
fn barriers(capability: ComputeCapability) -> Option<u32> {
    match (capability.major, capability.minor) {
        (..=8, _) => None,
        (9, _) | (10, ..=2) => Some(64),
        (10, _) => Some(32),
        (11.., _) => Some(24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns as in the programming guide: warps, blocks, shared memory and opt-in in KiB, reserved and granule in bytes.
    #[test]
    fn limits_of_the_programming_guide() {
        let table = [
            ((7, 0), [64, 32, 96, 96, 0, 256]),
            ((7, 5), [32, 16, 64, 64, 0, 256]),
            ((8, 0), [64, 32, 164, 163, 1024, 128]),
            ((8, 6), [48, 16, 100, 99, 1024, 128]),
            ((8, 7), [48, 16, 164, 163, 1024, 128]),
            ((8, 9), [48, 24, 100, 99, 1024, 128]),
            ((9, 0), [64, 32, 228, 227, 1024, 128]),
            ((10, 0), [64, 32, 228, 227, 1024, 128]),
            ((12, 0), [48, 24, 100, 99, 1024, 128]),
        ];
        for ((major, minor), expected) in table {
            let limits = Limits::of(ComputeCapability::new(major, minor));
            let row = [
                limits.warps_per_multiprocessor,
                limits.blocks_per_multiprocessor,
                limits.shared_per_multiprocessor >> 10,
                limits.shared_per_block_optin >> 10,
                limits.shared_reserved_per_block,
                limits.shared_granule,
            ];
            assert_eq!(row, expected, "{major}.{minor}");
        }
    }

    #[test]
    fn an_unknown_capability_has_the_limits_of_one_below() {
        let of = |major, minor| Limits {
            capability: ComputeCapability::new(0, 0),
            ..Limits::of(ComputeCapability::new(major, minor))
        };
        assert_eq!(of(8, 8), of(8, 6));
        assert_eq!(of(13, 0), of(12, 0));
        assert_eq!(of(3, 5), of(7, 0));
    }
}
