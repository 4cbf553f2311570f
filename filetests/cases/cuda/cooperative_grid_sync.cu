// Cooperative launch: the whole grid synchronises many times inside one kernel; each phase reads what other blocks
// wrote in the phase before.
#include <cooperative_groups.h>

#include "case.h"

namespace cg = cooperative_groups;

__global__ void rounds(unsigned* a, unsigned* b, int count, int repeats) {
    cg::grid_group grid = cg::this_grid();
    for (int round = 0; round < repeats; round++) {
        for (int i = grid.thread_rank(); i < count; i += grid.size()) {
            // Neighbours across block borders, half the array away.
            unsigned other = a[(i + count / 2 + round) % count];
            b[i] = mix(a[i] + other + round);
        }
        grid.sync();
        unsigned* t = a;
        a = b;
        b = t;
    }
}

__global__ void total_of_blocks(int* block_values, int* total) {
    cg::grid_group grid = cg::this_grid();
    if (threadIdx.x == 0) block_values[blockIdx.x] = (blockIdx.x + 1) * (blockIdx.x + 1);
    grid.sync();
    if (grid.thread_rank() == 0) {
        int sum = 0;
        for (unsigned block = 0; block < gridDim.x; block++) sum += block_values[block];
        *total = sum;
    }
    grid.sync();
    if (threadIdx.x == 0) block_values[blockIdx.x] = *total - block_values[blockIdx.x];
}

int main() {
    int supported = 0;
    CHECK(cudaDeviceGetAttribute(&supported, cudaDevAttrCooperativeLaunch, 0));
    printf("cooperative launch: %s\n", supported ? "yes" : "no");

    int count = 10000, repeats = 25;
    std::vector<unsigned> values(count), next(count);
    for (int i = 0; i < count; i++) values[i] = i;
    unsigned* a = to_device(values);
    unsigned* b = device_zeros<unsigned>(count);
    void* arguments[] = {&a, &b, &count, &repeats};
    CHECK(cudaLaunchCooperativeKernel(rounds, dim3(8), dim3(128), arguments, 0, 0));
    CHECK_KERNEL();
    for (int round = 0; round < repeats; round++) {
        for (int i = 0; i < count; i++) next[i] = mix(values[i] + values[(i + count / 2 + round) % count] + round);
        values.swap(next);
    }
    std::vector<unsigned> result = to_host(repeats % 2 ? b : a, count);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(result), mismatches(result, values));

    int blocks = 16;
    int* block_values = device_zeros<int>(blocks);
    int* total = device_zeros<int>(1);
    void* more[] = {&block_values, &total};
    CHECK(cudaLaunchCooperativeKernel(total_of_blocks, dim3(blocks), dim3(64), more, 0, 0));
    CHECK_KERNEL();
    for (int value : to_host(block_values, blocks)) printf("%d ", value);
    printf("\n");

    // More blocks than can ever be resident at once cannot synchronise, and are refused.
    cudaError_t refused = cudaLaunchCooperativeKernel(total_of_blocks, dim3(1 << 20), dim3(1024), more, 0, 0);
    printf("too many blocks: %s\n", cudaGetErrorName(refused));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: cooperative launch: yes
// EXPECT: checksum dec403360d33dd35, mismatches 0
// EXPECT: 1495 1492 1487 1480 1471 1460 1447 1432 1415 1396 1375 1352 1327 1300 1271 1240
// EXPECT: too many blocks: cudaErrorCooperativeLaunchTooLarge
