// Cooperative groups: coalesced groups under divergence, labelled partitions and warp-aggregated atomics.
#include <cooperative_groups.h>

#include "case.h"

namespace cg = cooperative_groups;

// One atomic for all lanes that arrive together: the classical aggregated increment.
__device__ int next_place(int* cursor) {
    auto active = cg::coalesced_threads();
    int first = 0;
    if (active.thread_rank() == 0) first = atomicAdd(cursor, static_cast<int>(active.size()));
    return active.shfl(first, 0) + active.thread_rank();
}

__global__ void filter(const int* input, int count, int* output, int* cursor) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count && input[i] % 3 == 0) output[next_place(cursor)] = input[i];
}

__global__ void within_branch(int* ranks, int* sums) {
    int lane = threadIdx.x;
    if (lane % 4 == 1) {
        auto group = cg::coalesced_threads();
        ranks[lane] = group.thread_rank() * 100 + group.size();
        int sum = 0;
        for (int k = 0; k < static_cast<int>(group.size()); k++) sum += group.shfl(lane, k);
        sums[lane] = sum;
    } else {
        ranks[lane] = -1;
        sums[lane] = 0;
    }
}

__global__ void labelled(const int* labels, int* result) {
    auto tile = cg::tiled_partition<32>(cg::this_thread_block());
    auto group = cg::labeled_partition(tile, labels[threadIdx.x]);
    int leader = group.shfl(static_cast<int>(threadIdx.x), 0);
    result[threadIdx.x] = leader * 10000 + group.thread_rank() * 100 + group.num_threads();
}

int main() {
    const int count = 100000;
    std::vector<int> input(count);
    long long expected_sum = 0;
    int expected_count = 0;
    for (int i = 0; i < count; i++) {
        input[i] = static_cast<int>(mix(i) % 100000);
        if (input[i] % 3 == 0) expected_sum += input[i], expected_count++;
    }
    int* input_device = to_device(input);
    int* output_device = device_zeros<int>(count);
    int* cursor = device_zeros<int>(1);
    filter<<<(count + 255) / 256, 256>>>(input_device, count, output_device, cursor);
    CHECK_KERNEL();
    int kept = to_host(cursor, 1)[0];
    long long sum = 0;
    for (int value : to_host(output_device, kept)) sum += value;
    printf("kept %d (expected %d), sum %lld (expected %lld)\n", kept, expected_count, sum, expected_sum);

    int* ranks = device_zeros<int>(32);
    int* sums = device_zeros<int>(32);
    within_branch<<<1, 32>>>(ranks, sums);
    CHECK_KERNEL();
    std::vector<int> rank = to_host(ranks, 32), group_sum = to_host(sums, 32);
    for (int lane = 1; lane < 32; lane += 4) printf("lane %d: %d sum %d\n", lane, rank[lane], group_sum[lane]);

    std::vector<int> labels(32);
    for (int i = 0; i < 32; i++) labels[i] = mix(i) % 5;
    int* labels_device = to_device(labels);
    int* result_device = device_zeros<int>(32);
    labelled<<<1, 32>>>(labels_device, result_device);
    CHECK_KERNEL();
    std::vector<int> result = to_host(result_device, 32);
    int wrong = 0;
    for (int i = 0; i < 32; i++) {
        int leader = -1, before = 0, size = 0;
        for (int k = 0; k < 32; k++)
            if (labels[k] == labels[i]) {
                if (leader < 0) leader = k;
                before += k < i;
                size++;
            }
        wrong += result[i] != leader * 10000 + before * 100 + size;
    }
    printf("labelled partition: mismatches %d\n", wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: kept 33460 (expected 33460), sum 1659308025 (expected 1659308025)
// EXPECT: lane 1: 8 sum 120
// EXPECT: lane 5: 108 sum 120
// EXPECT: lane 9: 208 sum 120
// EXPECT: lane 13: 308 sum 120
// EXPECT: lane 17: 408 sum 120
// EXPECT: lane 21: 508 sum 120
// EXPECT: lane 25: 608 sum 120
// EXPECT: lane 29: 708 sum 120
// EXPECT: labelled partition: mismatches 0
