// Grid-stride sum, minimum and maximum with cooperative_groups::reduce over tiles of several sizes.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include "case.h"

namespace cg = cooperative_groups;

template <int tile_size>
__global__ void reduce(const int* values, int count, long long* sum, int* smallest, int* largest) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<tile_size>(block);
    long long my_sum = 0;
    int my_smallest = INT32_MAX, my_largest = INT32_MIN;
    for (int i = blockIdx.x * block.size() + block.thread_rank(); i < count; i += gridDim.x * block.size()) {
        my_sum += values[i];
        my_smallest = min(my_smallest, values[i]);
        my_largest = max(my_largest, values[i]);
    }
    my_sum = cg::reduce(tile, my_sum, cg::plus<long long>());
    my_smallest = cg::reduce(tile, my_smallest, cg::less<int>());
    my_largest = cg::reduce(tile, my_largest, cg::greater<int>());
    if (tile.thread_rank() == 0) {
        atomicAdd(reinterpret_cast<unsigned long long*>(sum), static_cast<unsigned long long>(my_sum));
        atomicMin(smallest, my_smallest);
        atomicMax(largest, my_largest);
    }
}

template <int tile_size>
void run(const int* values, int count) {
    std::vector<int> extremes = {INT32_MAX, INT32_MIN};
    int* extremes_device = to_device(extremes);
    long long* sum_device = device_zeros<long long>(1);
    reduce<tile_size><<<16, 256>>>(values, count, sum_device, &extremes_device[0], &extremes_device[1]);
    CHECK_KERNEL();
    extremes = to_host(extremes_device, 2);
    printf("tile of %2d: sum %lld smallest %d largest %d\n", tile_size, to_host(sum_device, 1)[0], extremes[0],
           extremes[1]);
    CHECK(cudaFree(extremes_device));
    CHECK(cudaFree(sum_device));
}

int main() {
    const int count = 600000;
    std::vector<int> values(count);
    long long sum = 0;
    int smallest = INT32_MAX, largest = INT32_MIN;
    for (int i = 0; i < count; i++) {
        values[i] = static_cast<int>(mix(i ^ 0x5555)) / 3;
        sum += values[i];
        if (values[i] < smallest) smallest = values[i];
        if (values[i] > largest) largest = values[i];
    }
    printf("host      : sum %lld smallest %d largest %d\n", sum, smallest, largest);
    int* values_device = to_device(values);
    run<32>(values_device, count);
    run<16>(values_device, count);
    run<4>(values_device, count);
    CHECK(cudaFree(values_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: host      : sum 485778010525 smallest -715822722 largest 715827561
// EXPECT: tile of 32: sum 485778010525 smallest -715822722 largest 715827561
// EXPECT: tile of 16: sum 485778010525 smallest -715822722 largest 715827561
// EXPECT: tile of  4: sum 485778010525 smallest -715822722 largest 715827561
