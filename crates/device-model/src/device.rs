//! A profile in its place.

use crate::{ComputeCapability, Limits, Luid, PciAddress, Profile, Uuid, attributes};

/// Most devices of a process: bounds ordinals, so that PCI addresses stay unique.
const DEVICES_MAX: u32 = 65_535;

/// What the driver behind the device really does. The attributes say no more than this, whatever card is presented.
///
/// The default is the least that a software GPU has by its construction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// `cuMemAllocManaged`; host and device may use such memory at the same time.
    pub managed_memory: bool,
    /// Kernels may use any pointer of the host's, such as one from `malloc`.
    pub pageable_memory_access: bool,
    /// `cuMemHostRegister`, read-only pages too.
    pub host_register: bool,
    /// `cuMemAllocAsync` and `cuMemPool*` for memory of the device.
    pub memory_pools: bool,
    /// `cuLaunchCooperativeKernel`.
    pub cooperative_launch: bool,
    /// Clusters of blocks; presented from compute capability 9.0 on.
    pub clusters: bool,
    /// Stream priorities.
    pub stream_priorities: bool,
    /// `cuStreamWaitValue`, `cuStreamWriteValue` and `cuStreamBatchMemOp`.
    pub stream_memory_operations: bool,
    /// `cuMemAddressReserve`, `cuMemCreate`, `cuMemMap`.
    pub virtual_memory: bool,
    /// Events and memory shared with other processes.
    pub interprocess: bool,
    /// Part of the L2 cache set aside by access policies.
    pub l2_persistence: bool,
    /// `cuTensorMapEncode*` and the instructions that use tensor maps; presented from compute capability 9.0 on.
    pub tensor_maps: bool,
    /// Function pointers that are the same on every device.
    pub unified_function_pointers: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            managed_memory: true,
            pageable_memory_access: false,
            host_register: true,
            memory_pools: true,
            cooperative_launch: true,
            clusters: true,
            stream_priorities: true,
            stream_memory_operations: false,
            virtual_memory: false,
            interprocess: false,
            l2_persistence: false,
            tensor_maps: true,
            unified_function_pointers: false,
        }
    }
}

/// A device as programs see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// The card.
    profile: Profile,
    /// Its place among the devices, from 0.
    ordinal: u32,
    /// What it can do.
    features: Features,
    /// What its capability says, looked up once.
    limits: Limits,
}

impl Device {
    /// The card of a profile at a place among the devices, from 0. Ordinals above 65 535 count as 65 535.
    pub fn new(profile: Profile, ordinal: u32, features: Features) -> Device {
        let limits = Limits::of(profile.capability);
        Device { profile, ordinal: ordinal.min(DEVICES_MAX), features, limits }
    }

    /// The card.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The place among the devices, from 0.
    pub fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// What the driver behind the device does.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Its compute capability.
    pub fn capability(&self) -> ComputeCapability {
        self.profile.capability
    }

    /// What its compute capability says.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The value of `CUdevice_attribute` number `number`; none when there is no such attribute.
    pub fn attribute(&self, number: u32) -> Option<i32> {
        attributes::find(number).map(|attribute| attribute.of(self))
    }

    /// Its identity, the same in every process.
    pub fn uuid(&self) -> Uuid {
        Uuid::of(&self.profile.name, self.ordinal)
    }

    /// Where it sits on the PCI bus.
    pub fn pci_address(&self) -> PciAddress {
        PciAddress::of(self.ordinal)
    }

    /// Its locally unique identifier.
    pub fn luid(&self) -> Luid {
        Luid::of(&self.profile.name, self.ordinal)
    }

    /// Most blocks of a cluster (CUDA C++ Programming Guide, "Thread Block Clusters"): 8 on every device that has
    /// clusters, 16 where the kernel gives up portability; 0 without clusters. A cluster lies within one GPC.
    pub fn cluster_blocks_max(&self, is_non_portable: bool) -> u32 {
        if !self.has_clusters() {
            return 0;
        }
        // Only the large chips of 9.0 and 10.x are known to hold 16.
        let of_capability = if is_non_portable && self.capability().major < 11 { 16 } else { 8 };
        of_capability.min(self.multiprocessors_per_gpc() * self.limits.blocks_per_multiprocessor)
    }

    /// Whether clusters of blocks can be launched.
    pub fn has_clusters(&self) -> bool {
        self.features.clusters && self.limits.has_clusters
    }

    /// Multiprocessors of the largest GPC.
    pub fn multiprocessors_per_gpc(&self) -> u32 {
        self.profile.multiprocessors.div_ceil(self.profile.gpcs)
    }
}
