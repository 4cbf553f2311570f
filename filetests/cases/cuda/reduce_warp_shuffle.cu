// Sum by shuffles within warps, then across the warps of a block, then one atomic a block.
#include "case.h"

__device__ unsigned long long warp_sum(unsigned long long value) {
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    return value;
}

__global__ void reduce(const unsigned* values, int count, unsigned long long* total) {
    __shared__ unsigned long long of_warp[32];
    unsigned long long sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) sum += values[i];

    sum = warp_sum(sum);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) of_warp[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        sum = lane < blockDim.x / 32 ? of_warp[lane] : 0;
        sum = warp_sum(sum);
        if (lane == 0) atomicAdd(total, sum);
    }
}

int main() {
    const int count = 3000000;
    std::vector<unsigned> values(count);
    unsigned long long expected = 0;
    for (int i = 0; i < count; i++) {
        values[i] = mix(i * 3 + 1);
        expected += values[i];
    }
    unsigned* values_device = to_device(values);
    unsigned long long* total_device = device_zeros<unsigned long long>(1);

    // Several block shapes, among them one with a single warp and one of full size.
    for (int threads : {32, 96, 256, 1024}) {
        CHECK(cudaMemset(total_device, 0, sizeof(unsigned long long)));
        reduce<<<24, threads>>>(values_device, count, total_device);
        CHECK_KERNEL();
        unsigned long long total = to_host(total_device, 1)[0];
        printf("%4d threads: sum %llu %s\n", threads, total, total == expected ? "ok" : "WRONG");
    }
    CHECK(cudaFree(values_device));
    CHECK(cudaFree(total_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT:   32 threads: sum 6441353803561351 ok
// EXPECT:   96 threads: sum 6441353803561351 ok
// EXPECT:  256 threads: sum 6441353803561351 ok
// EXPECT: 1024 threads: sum 6441353803561351 ok
