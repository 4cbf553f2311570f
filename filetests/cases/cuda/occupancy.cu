// The occupancy functions: their answers differ from card to card, so their consistency is checked: with each other,
// with the limits that the device states, and as shared memory and block size grow.
#include "case.h"

__global__ void small(float* values) { values[threadIdx.x] *= 2; }

__global__ void with_shared(float* values) {
    __shared__ float buffer[4096];  // 16 KiB
    for (int i = threadIdx.x; i < 4096; i += blockDim.x) buffer[i] = values[i % blockDim.x];
    __syncthreads();
    values[threadIdx.x] = buffer[4095 - threadIdx.x];
}

__global__ void __launch_bounds__(256, 2) bounded(float* values) { values[threadIdx.x] += 1; }

int main() {
    int threads_per_sm, blocks_per_sm, shared_per_sm, warp, processors, registers_per_sm;
    CHECK(cudaDeviceGetAttribute(&threads_per_sm, cudaDevAttrMaxThreadsPerMultiProcessor, 0));
    CHECK(cudaDeviceGetAttribute(&blocks_per_sm, cudaDevAttrMaxBlocksPerMultiprocessor, 0));
    CHECK(cudaDeviceGetAttribute(&shared_per_sm, cudaDevAttrMaxSharedMemoryPerMultiprocessor, 0));
    CHECK(cudaDeviceGetAttribute(&warp, cudaDevAttrWarpSize, 0));
    CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
    CHECK(cudaDeviceGetAttribute(&registers_per_sm, cudaDevAttrMaxRegistersPerMultiprocessor, 0));
    printf("warp %d, registers per SM %d, some processors: %s\n", warp, registers_per_sm,
           processors > 0 ? "yes" : "no");

    bool within = true, expected_small = true, falling = true;
    int last = 1 << 30;
    for (int threads = 32; threads <= 1024; threads += 32) {
        int blocks = 0;
        CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, small, threads, 0));
        within = within && blocks >= 1 && blocks <= blocks_per_sm && blocks * threads <= threads_per_sm;
        // So small a kernel is limited by threads and blocks alone.
        int limit = threads_per_sm / threads < blocks_per_sm ? threads_per_sm / threads : blocks_per_sm;
        expected_small = expected_small && blocks == limit;
        falling = falling && blocks <= last;
        last = blocks;
    }
    printf("within the limits: %s, exactly threads and blocks: %s, falling: %s\n", within ? "yes" : "no",
           expected_small ? "yes" : "no", falling ? "yes" : "no");

    bool shared_limits = true;
    last = 1 << 30;
    for (int kilobytes = 0; kilobytes <= 32; kilobytes += 4) {
        int blocks = 0;
        CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, with_shared, 64, kilobytes << 10));
        shared_limits =
            shared_limits && blocks >= 1 && blocks <= last && blocks * ((16 + kilobytes) << 10) <= shared_per_sm;
        last = blocks;
    }
    printf("shared memory limits: %s\n", shared_limits ? "yes" : "no");

    int grid = 0, block = 0, blocks = 0;
    CHECK(cudaOccupancyMaxPotentialBlockSize(&grid, &block, bounded, 0, 0));
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, block, 0));
    printf("suggested block is a multiple of the warp: %s, at most the bound: %s, grid fills the device: %s\n",
           block % warp == 0 ? "yes" : "no", block <= 256 ? "yes" : "no", grid == blocks * processors ? "yes" : "no");
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 512, 0));
    printf("above the bound, as threads allow: %s\n", blocks == threads_per_sm / 512 ? "yes" : "no");

    size_t dynamic = 0;
    CHECK(cudaOccupancyAvailableDynamicSMemPerBlock(&dynamic, small, 2, 128));
    CHECK(
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, small, 128, dynamic < (48 << 10) ? dynamic : 48 << 10));
    printf("two blocks with the memory that is said to be available: %s\n", blocks >= 2 ? "yes" : "no");

    cudaFuncAttributes attributes;
    CHECK(cudaFuncGetAttributes(&attributes, with_shared));
    printf("static shared %zu, registers used: %s\n", attributes.sharedSizeBytes,
           attributes.numRegs > 0 ? "yes" : "no");
    CHECK(cudaFuncGetAttributes(&attributes, bounded));
    printf("threads at most %d\n", attributes.maxThreadsPerBlock);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: warp 32, registers per SM 65536, some processors: yes
// EXPECT: within the limits: yes, exactly threads and blocks: yes, falling: yes
// EXPECT: shared memory limits: yes
// EXPECT: suggested block is a multiple of the warp: yes, at most the bound: yes, grid fills the device: yes
// EXPECT: above the bound, as threads allow: yes
// EXPECT: two blocks with the memory that is said to be available: yes
// EXPECT: static shared 16384, registers used: yes
// EXPECT: threads at most 256
