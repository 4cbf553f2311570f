// Least-significant-digit radix sort, 4 bits a pass: counts a block, scan over the counts, stable scatter by ballots.
#include <algorithm>

#include "case.h"

constexpr int threads = 256;
constexpr int warps = threads / 32;
constexpr int digits = 16;

__global__ void count_digits(const unsigned* keys, int count, int shift, unsigned* counts) {
    __shared__ unsigned local[digits];
    if (threadIdx.x < digits) local[threadIdx.x] = 0;
    __syncthreads();
    int i = blockIdx.x * threads + threadIdx.x;
    if (i < count) atomicAdd(&local[keys[i] >> shift & (digits - 1)], 1);
    __syncthreads();
    // Digit-major, so that one scan over everything gives each block its place within each digit.
    if (threadIdx.x < digits) counts[threadIdx.x * gridDim.x + blockIdx.x] = local[threadIdx.x];
}

__global__ void scan_counts(unsigned* counts, int length) {
    __shared__ unsigned of_warp[32];
    __shared__ unsigned carry;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (threadIdx.x == 0) carry = 0;
    __syncthreads();
    for (int first = 0; first < length; first += blockDim.x) {
        int i = first + threadIdx.x;
        unsigned value = i < length ? counts[i] : 0, sum = value;
        for (int d = 1; d < 32; d *= 2) {
            unsigned below = __shfl_up_sync(0xffffffffu, sum, d);
            if (lane >= d) sum += below;
        }
        if (lane == 31) of_warp[warp] = sum;
        __syncthreads();
        unsigned before = carry;
        for (int w = 0; w < warp; w++) before += of_warp[w];
        if (i < length) counts[i] = before + sum - value;
        __syncthreads();
        if (threadIdx.x == blockDim.x - 1) carry = before + sum;
        __syncthreads();
    }
}

__global__ void scatter(const unsigned* keys, unsigned* sorted, int count, int shift, const unsigned* offsets) {
    __shared__ unsigned of_warp[warps][digits];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int i = blockIdx.x * threads + threadIdx.x;
    unsigned key = i < count ? keys[i] : 0;
    unsigned digit = i < count ? key >> shift & (digits - 1) : digits;
    unsigned rank = 0;
    for (unsigned d = 0; d < digits; d++) {
        unsigned same = __ballot_sync(0xffffffffu, digit == d);
        if (lane == 0) of_warp[warp][d] = __popc(same);
        if (digit == d) rank = __popc(same & ((1u << lane) - 1));
    }
    __syncthreads();
    if (i >= count) return;
    for (int w = 0; w < warp; w++) rank += of_warp[w][digit];
    sorted[offsets[digit * gridDim.x + blockIdx.x] + rank] = key;
}

int main() {
    const int count = 100003, blocks = (count + threads - 1) / threads;
    std::vector<unsigned> keys(count);
    for (int i = 0; i < count; i++) keys[i] = mix(i);
    unsigned* buffers[2] = {to_device(keys), device_alloc<unsigned>(count)};
    unsigned* counts = device_alloc<unsigned>(blocks * digits);
    int current = 0;
    for (int shift = 0; shift < 32; shift += 4, current = 1 - current) {
        count_digits<<<blocks, threads>>>(buffers[current], count, shift, counts);
        scan_counts<<<1, 512>>>(counts, blocks * digits);
        scatter<<<blocks, threads>>>(buffers[current], buffers[1 - current], count, shift, counts);
    }
    CHECK_KERNEL();
    std::vector<unsigned> sorted = to_host(buffers[current], count);
    std::sort(keys.begin(), keys.end());
    printf("smallest %u, median %u, largest %u\n", sorted[0], sorted[count / 2], sorted[count - 1]);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(sorted), mismatches(sorted, keys));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: smallest 0, median 2135227673, largest 4294866011
// EXPECT: checksum 96daaa530c3b40e3, mismatches 0
