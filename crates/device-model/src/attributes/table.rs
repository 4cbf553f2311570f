//! Every attribute and where its value comes from: the one list of them.

use super::Attribute;
use crate::Device;

/// Fills the table: number, name, value on `device`.
macro_rules! attributes {
    (|$device:ident| $($number:literal $name:ident => $value:expr,)*) => {
        /// Every attribute up to CUDA 13.5, by number from 1 without gaps. Sizes are in bytes and clocks in kHz; a feature
        /// is 1 or 0.
        pub static ATTRIBUTES: &[Attribute] = &[$(Attribute {
            number: $number,
            name: stringify!($name),
            value: {
                #[allow(unused_variables, reason = "many values are the same on every device")]
                fn value($device: &Device) -> i32 {
                    $value
                }
                value
            },
        },)*];
    };
}

attributes! { |device|
    // Blocks, grids and memory spaces.
    1 MAX_THREADS_PER_BLOCK => int(device.limits().threads_per_block),
    2 MAX_BLOCK_DIM_X => int(device.limits().threads_per_block),
    3 MAX_BLOCK_DIM_Y => int(device.limits().threads_per_block),
    4 MAX_BLOCK_DIM_Z => 64,
    5 MAX_GRID_DIM_X => i32::MAX,
    6 MAX_GRID_DIM_Y => 65_535,
    7 MAX_GRID_DIM_Z => 65_535,
    8 MAX_SHARED_MEMORY_PER_BLOCK => int(device.limits().shared_per_block),
    9 TOTAL_CONSTANT_MEMORY => 64 << 10,
    10 WARP_SIZE => int(device.limits().warp_threads),
    11 MAX_PITCH => i32::MAX,
    12 MAX_REGISTERS_PER_BLOCK => int(device.limits().registers_per_block),
    // The card, and what it does at the same time.
    13 CLOCK_RATE => int(device.profile().clock_khz),
    14 TEXTURE_ALIGNMENT => 512,
    15 GPU_OVERLAP => flag(device.profile().copy_engines > 0),
    16 MULTIPROCESSOR_COUNT => int(device.profile().multiprocessors),
    17 KERNEL_EXEC_TIMEOUT => 0,
    18 INTEGRATED => 0,
    19 CAN_MAP_HOST_MEMORY => 1,
    20 COMPUTE_MODE => 0,
    // Textures: sizes in elements, as on every card from compute capability 7.5 on (CUDA C++ Programming Guide, "Technical
    // Specifications per Compute Capability").
    21 MAXIMUM_TEXTURE1D_WIDTH => 131_072,
    22 MAXIMUM_TEXTURE2D_WIDTH => 131_072,
    23 MAXIMUM_TEXTURE2D_HEIGHT => 65_536,
    24 MAXIMUM_TEXTURE3D_WIDTH => 16_384,
    25 MAXIMUM_TEXTURE3D_HEIGHT => 16_384,
    26 MAXIMUM_TEXTURE3D_DEPTH => 16_384,
    27 MAXIMUM_TEXTURE2D_LAYERED_WIDTH => 32_768,
    28 MAXIMUM_TEXTURE2D_LAYERED_HEIGHT => 32_768,
    29 MAXIMUM_TEXTURE2D_LAYERED_LAYERS => 2_048,
    // What it does at the same time, where it sits. PCI numbers follow from the ordinal. TCC is a mode of Windows.
    30 SURFACE_ALIGNMENT => 512,
    31 CONCURRENT_KERNELS => 1,
    32 ECC_ENABLED => flag(device.profile().ecc),
    33 PCI_BUS_ID => i32::from(device.pci_address().bus),
    34 PCI_DEVICE_ID => i32::from(device.pci_address().device),
    35 TCC_DRIVER => 0,
    36 MEMORY_CLOCK_RATE => int(device.profile().memory_clock_khz),
    37 GLOBAL_MEMORY_BUS_WIDTH => int(device.profile().memory_bus_bits),
    38 L2_CACHE_SIZE => int(device.profile().l2_bytes),
    39 MAX_THREADS_PER_MULTIPROCESSOR => int(device.limits().threads_per_multiprocessor()),
    40 ASYNC_ENGINE_COUNT => int(device.profile().copy_engines),
    41 UNIFIED_ADDRESSING => 1,
    // More sizes of textures, and those of surfaces.
    42 MAXIMUM_TEXTURE1D_LAYERED_WIDTH => 32_768,
    43 MAXIMUM_TEXTURE1D_LAYERED_LAYERS => 2_048,
    44 CAN_TEX2D_GATHER => 1,
    45 MAXIMUM_TEXTURE2D_GATHER_WIDTH => 32_768,
    46 MAXIMUM_TEXTURE2D_GATHER_HEIGHT => 32_768,
    47 MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE => 8_192,
    48 MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE => 8_192,
    49 MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE => 32_768,
    50 PCI_DOMAIN_ID => i32::from(device.pci_address().domain),
    51 TEXTURE_PITCH_ALIGNMENT => 32,
    52 MAXIMUM_TEXTURECUBEMAP_WIDTH => 32_768,
    53 MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH => 32_768,
    54 MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS => 2_046,
    55 MAXIMUM_SURFACE1D_WIDTH => 32_768,
    56 MAXIMUM_SURFACE2D_WIDTH => 131_072,
    57 MAXIMUM_SURFACE2D_HEIGHT => 65_536,
    58 MAXIMUM_SURFACE3D_WIDTH => 16_384,
    59 MAXIMUM_SURFACE3D_HEIGHT => 16_384,
    60 MAXIMUM_SURFACE3D_DEPTH => 16_384,
    61 MAXIMUM_SURFACE1D_LAYERED_WIDTH => 32_768,
    62 MAXIMUM_SURFACE1D_LAYERED_LAYERS => 2_048,
    63 MAXIMUM_SURFACE2D_LAYERED_WIDTH => 32_768,
    64 MAXIMUM_SURFACE2D_LAYERED_HEIGHT => 32_768,
    65 MAXIMUM_SURFACE2D_LAYERED_LAYERS => 2_048,
    66 MAXIMUM_SURFACECUBEMAP_WIDTH => 32_768,
    67 MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH => 32_768,
    68 MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS => 2_046,
    69 MAXIMUM_TEXTURE1D_LINEAR_WIDTH => 1 << 28,
    70 MAXIMUM_TEXTURE2D_LINEAR_WIDTH => 131_072,
    71 MAXIMUM_TEXTURE2D_LINEAR_HEIGHT => 65_000,
    72 MAXIMUM_TEXTURE2D_LINEAR_PITCH => 2_097_120,
    73 MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH => 32_768,
    74 MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT => 32_768,
    // Capability, caches, multiprocessor.
    75 COMPUTE_CAPABILITY_MAJOR => int(device.capability().major),
    76 COMPUTE_CAPABILITY_MINOR => int(device.capability().minor),
    77 MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH => 32_768,
    78 STREAM_PRIORITIES_SUPPORTED => flag(device.features().stream_priorities),
    79 GLOBAL_L1_CACHE_SUPPORTED => 1,
    80 LOCAL_L1_CACHE_SUPPORTED => 1,
    81 MAX_SHARED_MEMORY_PER_MULTIPROCESSOR => int(device.limits().shared_per_multiprocessor),
    82 MAX_REGISTERS_PER_MULTIPROCESSOR => int(device.limits().registers_per_multiprocessor),
    // Memory shared with the host. The device is no part of a board with several, so its group is its own. Atomics to the
    // host are reported as over PCIe.
    83 MANAGED_MEMORY => flag(device.features().managed_memory),
    84 MULTI_GPU_BOARD => 0,
    85 MULTI_GPU_BOARD_GROUP_ID => int(device.ordinal()),
    86 HOST_NATIVE_ATOMIC_SUPPORTED => 0,
    87 SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO => int(device.profile().single_to_double_ratio),
    88 PAGEABLE_MEMORY_ACCESS => flag(device.features().pageable_memory_access),
    89 CONCURRENT_MANAGED_ACCESS => flag(device.features().managed_memory),
    90 COMPUTE_PREEMPTION_SUPPORTED => 1,
    91 CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM => flag(device.features().host_register),
    // The first form of stream memory operations, which drivers for CUDA 12 and newer report as absent.
    92 CAN_USE_STREAM_MEM_OPS_V1 => 0,
    93 CAN_USE_64_BIT_STREAM_MEM_OPS_V1 => 0,
    94 CAN_USE_STREAM_WAIT_VALUE_NOR_V1 => 0,
    // Launches and shared memory. The cooperative launch over several devices, deprecated, is not offered.
    95 COOPERATIVE_LAUNCH => flag(device.features().cooperative_launch),
    96 COOPERATIVE_MULTI_DEVICE_LAUNCH => 0,
    97 MAX_SHARED_MEMORY_PER_BLOCK_OPTIN => int(device.limits().shared_per_block_optin),
    // Memory: what is mapped, exported, compressed, set aside.
    98 CAN_FLUSH_REMOTE_WRITES => 0,
    99 HOST_REGISTER_SUPPORTED => flag(device.features().host_register),
    100 PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES => flag(device.features().pageable_memory_access),
    101 DIRECT_MANAGED_MEM_ACCESS_FROM_HOST => 0,
    102 VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED => flag(device.features().virtual_memory),
    103 HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED => flag(device.features().virtual_memory && device.features().interprocess),
    104 HANDLE_TYPE_WIN32_HANDLE_SUPPORTED => 0,
    105 HANDLE_TYPE_WIN32_KMT_HANDLE_SUPPORTED => 0,
    // Residency, the L2 cache, what the system takes.
    106 MAX_BLOCKS_PER_MULTIPROCESSOR => int(device.limits().blocks_per_multiprocessor),
    107 GENERIC_COMPRESSION_SUPPORTED => 0,
    108 MAX_PERSISTING_L2_CACHE_SIZE => l2_persistence(device, device.profile().l2_bytes / 4 * 3),
    109 MAX_ACCESS_POLICY_WINDOW_SIZE => l2_persistence(device, 128 << 20),
    110 GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED => 0,
    111 RESERVED_SHARED_MEMORY_PER_BLOCK => int(device.limits().shared_reserved_per_block),
    // Arrays with holes, read-only pages, semaphores of other interfaces.
    112 SPARSE_CUDA_ARRAY_SUPPORTED => 0,
    113 READ_ONLY_HOST_REGISTER_SUPPORTED => flag(device.features().host_register),
    114 TIMELINE_SEMAPHORE_INTEROP_SUPPORTED => 0,
    // Pools, and direct access by other devices of the bus, of which there is none. Handle types: bit 0 is a file descriptor.
    115 MEMORY_POOLS_SUPPORTED => flag(device.features().memory_pools),
    116 GPU_DIRECT_RDMA_SUPPORTED => 0,
    117 GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS => 0,
    118 GPU_DIRECT_RDMA_WRITES_ORDERING => 0,
    119 MEMPOOL_SUPPORTED_HANDLE_TYPES => flag(device.features().memory_pools && device.features().interprocess),
    // Clusters, memory operations of streams, other processes. There is one domain of memory ordering.
    120 CLUSTER_LAUNCH => flag(device.has_clusters()),
    121 DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED => 0,
    122 CAN_USE_64_BIT_STREAM_MEM_OPS => flag(device.features().stream_memory_operations),
    123 CAN_USE_STREAM_WAIT_VALUE_NOR => flag(device.features().stream_memory_operations),
    124 DMA_BUF_SUPPORTED => 0,
    125 IPC_EVENT_SUPPORTED => flag(device.features().interprocess),
    126 MEM_SYNC_DOMAIN_COUNT => 1,
    // Tensor maps, fabric, function pointers.
    127 TENSOR_MAP_ACCESS_SUPPORTED => flag(device.features().tensor_maps && device.capability().major >= 9),
    128 HANDLE_TYPE_FABRIC_SUPPORTED => 0,
    129 UNIFIED_FUNCTION_POINTERS => flag(device.features().unified_function_pointers),
    // The memory is no NUMA node of its own, and which node the host runs on is not looked up.
    130 NUMA_CONFIG => 0,
    131 NUMA_ID => -1,
    132 MULTICAST_SUPPORTED => 0,
    133 MPS_ENABLED => 0,
    134 HOST_NUMA_ID => -1,
    // Graphics interfaces and decompression engines.
    135 D3D12_CIG_SUPPORTED => 0,
    136 MEM_DECOMPRESS_ALGORITHM_MASK => 0,
    137 MEM_DECOMPRESS_MAXIMUM_LENGTH => 0,
    138 VULKAN_CIG_SUPPORTED => 0,
    // PCI numbers: device and subsystem in the upper half, vendor in the lower.
    139 GPU_PCI_DEVICE_ID => bits(device.profile().pci_device),
    140 GPU_PCI_SUBSYSTEM_ID => bits(device.profile().pci_subsystem),
    // Memory of the host through the interfaces for memory of the device.
    141 HOST_NUMA_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED => 0,
    142 HOST_NUMA_MEMORY_POOLS_SUPPORTED => 0,
    143 HOST_NUMA_MULTINODE_IPC_SUPPORTED => 0,
    144 HOST_MEMORY_POOLS_SUPPORTED => 0,
    145 HOST_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED => 0,
    146 HOST_ALLOC_DMA_BUF_SUPPORTED => 0,
    147 ONLY_PARTIAL_HOST_NATIVE_ATOMIC_SUPPORTED => 0,
    148 ATOMIC_REDUCTION_SUPPORTED => 0,
    // Since CUDA 13.1 to 13.5: one locality domain with all multiprocessors; no tensor is large enough for a class of its own.
    149 LOCALITY_DOMAIN_COUNT => 1,
    150 MAX_OVERSIZED_SHARED_MEMORY_PER_BLOCK => 0,
    151 D3D12_CIG_STREAMS_SUPPORTED => 0,
    152 DMA_BUF_MMAP_SUPPORTED => 0,
    153 LOGICAL_ENDPOINT_UNICAST_SUPPORTED => 0,
    154 LOGICAL_ENDPOINT_MULTICAST_SUPPORTED => 0,
    155 LOGICAL_ENDPOINT_COUNTED_OPS_SUPPORTED => 0,
    156 LOGICAL_ENDPOINT_UNICAST_ACCESS_ON_OWNER_DEVICE_SUPPORTED => 0,
    157 LOCALITY_DOMAIN_MULTIPROCESSOR_COUNT => int(device.profile().multiprocessors),
    158 LOGICAL_ENDPOINT_SUPPORTED_HANDLE_TYPES => 0,
    159 VULKAN_CIG_STREAMS_SUPPORTED => 0,
    160 TENSOR_MAP_LARGE_TENSOR_MIN_SIZE => i32::MAX,
    161 GPU_DIRECT_RDMA_WITH_LOCALIZED_MEMORY_SUPPORTED => 0,
}

/// A size or a count. What does not fit, such as the cache of a made-up profile, is the largest value there is.
fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Whether there is a feature.
fn flag(value: bool) -> i32 {
    i32::from(value)
}

/// Two numbers of 16 bits in one.
fn bits(value: u32) -> i32 {
    i32::from_ne_bytes(value.to_ne_bytes())
}

/// A size that is 0 where no part of the cache can be set aside: before compute capability 8.0, and where it is not done.
fn l2_persistence(device: &Device, bytes: u32) -> i32 {
    if device.features().l2_persistence && device.capability().major >= 8 { int(bytes) } else { 0 }
}
