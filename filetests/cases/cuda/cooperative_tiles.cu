// Cooperative groups: thread-block tiles of 4 to 32 lanes with shuffles, votes and nested partitions, and block groups.
#include <cooperative_groups.h>

#include "case.h"

namespace cg = cooperative_groups;

template <int size>
__global__ void tiles(const int* input, int* output) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<size>(block);
    int value = input[blockIdx.x * blockDim.x + threadIdx.x];
    int sum = value;
    for (int offset = tile.size() / 2; offset > 0; offset /= 2) sum += tile.shfl_down(sum, offset);
    sum = tile.shfl(sum, 0);
    int rotated = tile.shfl(value, (tile.thread_rank() + 1) % tile.size());
    int exchanged = tile.shfl_xor(value, tile.size() - 1);
    unsigned odd = tile.ballot(value & 1);
    int any = tile.any(value == 5), all = tile.all(value >= 0);
    output[blockIdx.x * blockDim.x + threadIdx.x] = sum * 7 + rotated * 5 + exchanged * 3 + odd + any * 11 + all * 13 +
                                                    tile.meta_group_rank() * 17 + tile.meta_group_size();
}

template <int size>
int expected_at(const std::vector<int>& input, int block_size, int i) {
    int first = i / size * size, rank = i % size, sum = 0, any = 0, all = 1;
    unsigned odd = 0;
    for (int k = 0; k < size; k++) {
        int value = input[first + k];
        sum += value;
        odd |= (value & 1u) << k;
        any |= value == 5;
        all &= value >= 0;
    }
    return static_cast<int>(sum * 7 + input[first + (rank + 1) % size] * 5 + input[first + (size - 1 - rank)] * 3 +
                            odd + any * 11 + all * 13 + i % block_size / size * 17 + block_size / size);
}

template <int size>
void run(const std::vector<int>& input, int block_size) {
    int count = static_cast<int>(input.size());
    int* input_device = to_device(input);
    int* output_device = device_zeros<int>(count);
    tiles<size><<<count / block_size, block_size>>>(input_device, output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, count);
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += output[i] != expected_at<size>(input, block_size, i);
    printf("tiles of %2d: checksum %016llx, mismatches %d\n", size, (unsigned long long)checksum(output), wrong);
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
}

__global__ void nested(int* output) {
    auto block = cg::this_thread_block();
    auto warp = cg::tiled_partition<32>(block);
    auto quad = cg::tiled_partition<4>(warp);
    __shared__ int of_quad[64];
    if (quad.thread_rank() == 0) of_quad[warp.meta_group_rank() * 8 + quad.meta_group_rank()] = block.thread_rank();
    block.sync();
    int i = block.thread_rank();
    output[i] = of_quad[(i * 7 + 3) % (block.size() / 4)] + block.group_index().x + block.thread_index().y;
    // Only the tiles with an even rank work together here; the others skip it.
    if (quad.meta_group_rank() % 2 == 0) {
        quad.sync();
        output[i] += 1000 * quad.shfl(static_cast<int>(i), 3);
    }
}

int main() {
    std::vector<int> input(4096);
    for (int i = 0; i < 4096; i++) input[i] = static_cast<int>(mix(i) % 1000) - (i % 64 == 0);
    run<32>(input, 256);
    run<16>(input, 128);
    run<8>(input, 64);
    run<4>(input, 1024);

    int* output_device = device_zeros<int>(128);
    nested<<<1, dim3(32, 4)>>>(output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 128);
    int wrong = 0;
    for (int i = 0; i < 128; i++) {
        int expected = (i * 7 + 3) % 32 * 4 + i / 32;
        if (i % 32 / 4 % 2 == 0) expected += 1000 * (i / 4 * 4 + 3);
        wrong += output[i] != expected;
    }
    printf("nested: mismatches %d\n", wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: tiles of 32: checksum 627fa6afac9df994, mismatches 0
// EXPECT: tiles of 16: checksum 8d6d94430600865d, mismatches 0
// EXPECT: tiles of  8: checksum 83e7b9726a9f6d02, mismatches 0
// EXPECT: tiles of  4: checksum 724bdce54fc7a79d, mismatches 0
// EXPECT: nested: mismatches 0
