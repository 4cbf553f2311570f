// Shared memory of the other blocks of a cluster, through cooperative groups: a histogram whose bins lie in four blocks, a ring in which
// each block reads what its neighbour wrote, and sums over all blocks of clusters of two shapes.
#include <cooperative_groups.h>

#include "case.h"

namespace cg = cooperative_groups;

constexpr int bins = 256, cluster_blocks = 4, threads = 128, bins_of_block = bins / cluster_blocks;

// Each block of a cluster has a part of the bins; threads add to whichever block's part a value belongs to.
__global__ void __cluster_dims__(cluster_blocks) histogram(const uint8_t* data, int count, unsigned* result) {
    __shared__ unsigned part[bins_of_block];
    cg::cluster_group cluster = cg::this_cluster();
    for (int i = threadIdx.x; i < bins_of_block; i += threads) part[i] = 0;
    cluster.sync();
    for (int i = blockIdx.x * threads + threadIdx.x; i < count; i += gridDim.x * threads) {
        unsigned* home = cluster.map_shared_rank(part, data[i] / bins_of_block);
        atomicAdd(home + data[i] % bins_of_block, 1u);
    }
    cluster.sync();
    for (int i = threadIdx.x; i < bins_of_block; i += threads)
        atomicAdd(result + cluster.block_rank() * bins_of_block + i, part[i]);
}

__global__ void ring(int* out) {
    __shared__ int mine[32], from_left;
    cg::cluster_group cluster = cg::this_cluster();
    unsigned rank = cluster.block_rank(), size = cluster.num_blocks();
    mine[threadIdx.x] = static_cast<int>(blockIdx.y * 1000 + rank * 100 + threadIdx.x);
    cluster.sync();
    int* right = cluster.map_shared_rank(&from_left, (rank + 1) % size);
    if (threadIdx.x == 0) *right = mine[31];
    const int* left = cluster.map_shared_rank(mine, (rank + size - 1) % size);
    int value = left[31 - threadIdx.x];
    unsigned home = cluster.query_shared_rank(left);
    cluster.sync();
    int index = (blockIdx.y * gridDim.x + blockIdx.x) * 32 + threadIdx.x;
    out[index] = value * 10 + static_cast<int>(home) + from_left;
    // Nobody ends while others may still read its memory.
    cluster.sync();
}

int main() {
    std::vector<uint8_t> data(100000);
    std::vector<unsigned> expected(bins, 0);
    for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<uint8_t>(mix(i + 5) % 7 * (mix(i) % 37)), expected[data[i]]++;
    unsigned* counts = device_zeros<unsigned>(bins);
    histogram<<<8, threads>>>(to_device(data), static_cast<int>(data.size()), counts);
    CHECK_KERNEL();
    printf("histogram %s\n", to_host(counts, bins) == expected ? "ok" : "wrong");

    for (int shape = 0; shape < 2; shape++) {
        dim3 cluster = shape == 0 ? dim3(4, 1, 1) : dim3(2, 2, 1);
        cudaLaunchConfig_t config = {};
        config.gridDim = dim3(8, 4);
        config.blockDim = dim3(32);
        cudaLaunchAttribute attribute = {};
        attribute.id = cudaLaunchAttributeClusterDimension;
        attribute.val.clusterDim.x = cluster.x, attribute.val.clusterDim.y = cluster.y, attribute.val.clusterDim.z = 1;
        config.attrs = &attribute;
        config.numAttrs = 1;
        int* out = device_zeros<int>(8 * 4 * 32);
        cudaLaunchKernelEx(&config, ring, out);
        CHECK_KERNEL();
        std::vector<int> got = to_host(out, 8 * 4 * 32);
        long long sum = 0;
        for (size_t i = 0; i < got.size(); i++) sum += static_cast<long long>(got[i]) * (i % 97 + 1);
        printf("ring in clusters of %ux%u: %lld\n", cluster.x, cluster.y, sum);
    }
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: histogram ok
// EXPECT: ring in clusters of 4x1: 901963037
// EXPECT: ring in clusters of 2x2: 882725849
