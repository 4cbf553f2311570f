// Stream compaction that keeps the order: ballots give the place in the warp, warp totals the place in the block, a
// scan over blocks the rest; then run-length encoding built from it.
#include "case.h"

constexpr int threads = 256;

__device__ int place_in_block(bool keep, int* kept_in_block) {
    __shared__ int of_warp[threads / 32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned votes = __ballot_sync(0xffffffffu, keep);
    if (lane == 0) of_warp[warp] = __popc(votes);
    __syncthreads();
    int before = __popc(votes & ((1u << lane) - 1)), total = 0;
    for (int w = 0; w < threads / 32; w++) {
        if (w < warp) before += of_warp[w];
        total += of_warp[w];
    }
    *kept_in_block = total;
    return before;
}

__device__ bool wanted(const int* values, int i, int mode) {
    return mode == 0 ? values[i] % 3 == 0 : i == 0 || values[i] != values[i - 1];
}

__global__ void count(const int* values, int length, int mode, int* block_totals) {
    int i = blockIdx.x * threads + threadIdx.x, total;
    place_in_block(i < length && wanted(values, i, mode), &total);
    if (threadIdx.x == 0) block_totals[blockIdx.x] = total;
}

__global__ void scan_totals(int* totals, int blocks) {
    int sum = 0;
    for (int b = 0; b <= blocks; b++) {
        int t = b < blocks ? totals[b] : 0;
        totals[b] = sum;
        sum += t;
    }
}

__global__ void move(const int* values, int length, int mode, const int* offsets, int* kept, int* positions) {
    int i = blockIdx.x * threads + threadIdx.x, total;
    bool keep = i < length && wanted(values, i, mode);
    int place = place_in_block(keep, &total) + offsets[blockIdx.x];
    if (!keep) return;
    kept[place] = values[i];
    positions[place] = i;
}

int main() {
    const int length = 100000, blocks = (length + threads - 1) / threads;
    std::vector<int> values(length);
    for (int i = 0; i < length; i++) values[i] = static_cast<int>(mix(i / (1 + mix(i / 50) % 9)) % 50);
    int* values_device = to_device(values);
    int* totals = device_zeros<int>(blocks + 1);
    int *kept_device = device_zeros<int>(length), *positions_device = device_zeros<int>(length);
    for (int mode = 0; mode < 2; mode++) {
        count<<<blocks, threads>>>(values_device, length, mode, totals);
        scan_totals<<<1, 1>>>(totals, blocks);
        move<<<blocks, threads>>>(values_device, length, mode, totals, kept_device, positions_device);
        CHECK_KERNEL();
        int number = to_host(totals + blocks, 1)[0];
        std::vector<int> kept = to_host(kept_device, number), positions = to_host(positions_device, number);
        std::vector<int> expected, expected_positions;
        for (int i = 0; i < length; i++)
            if (mode == 0 ? values[i] % 3 == 0 : i == 0 || values[i] != values[i - 1])
                expected.push_back(values[i]), expected_positions.push_back(i);
        printf("%s: %d, checksum %016llx, mismatches %d %d\n", mode ? "runs" : "multiples of three", number,
               (unsigned long long)checksum(kept), mismatches(kept, expected),
               mismatches(positions, expected_positions));
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: multiples of three: 34339, checksum e81bb4b4936e67bf, mismatches 0 0
// EXPECT: runs: 31025, checksum 91999bcaa77b78c7, mismatches 0 0
