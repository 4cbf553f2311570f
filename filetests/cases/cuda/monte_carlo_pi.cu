// Pi by counting random points in the quarter circle, in integers: the count is exact and independent of the order.
#include "case.h"

__host__ __device__ inline bool inside(uint64_t sample) {
    // Two 16-bit coordinates out of a 64-bit mix (SplitMix64).
    uint64_t z = sample * 0x9e3779b97f4a7c15ull + 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    uint32_t x = static_cast<uint32_t>(z & 0xffff), y = static_cast<uint32_t>(z >> 16 & 0xffff);
    return static_cast<uint64_t>(x) * x + static_cast<uint64_t>(y) * y <= 0xffffull * 0xffffull;
}

__global__ void count_inside(uint64_t samples, unsigned long long* total) {
    uint64_t stride = static_cast<uint64_t>(gridDim.x) * blockDim.x;
    unsigned count = 0;
    for (uint64_t i = blockIdx.x * static_cast<uint64_t>(blockDim.x) + threadIdx.x; i < samples; i += stride)
        count += inside(i);
    count = __reduce_add_sync(0xffffffffu, count);
    if (threadIdx.x % 32 == 0) atomicAdd(total, static_cast<unsigned long long>(count));
}

int main() {
    unsigned long long* total_device = device_alloc<unsigned long long>(1);
    for (uint64_t samples : {1000ull, 100000ull, 4000000ull}) {
        CHECK(cudaMemset(total_device, 0, sizeof(unsigned long long)));
        count_inside<<<64, 256>>>(samples, total_device);
        CHECK_KERNEL();
        unsigned long long total = to_host(total_device, 1)[0], expected = 0;
        if (samples <= 100000)
            for (uint64_t i = 0; i < samples; i++) expected += inside(i);
        else expected = total;  // the largest run is only compared with the recorded output
        printf("%8llu samples: %llu inside, pi ~ %.6f %s\n", (unsigned long long)samples, total, 4.0 * total / samples,
               total == expected ? "ok" : "WRONG");
    }
    CHECK(cudaFree(total_device));
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT:     1000 samples: 810 inside, pi ~ 3.240000 ok
// EXPECT:   100000 samples: 78598 inside, pi ~ 3.143920 ok
// EXPECT:  4000000 samples: 3142406 inside, pi ~ 3.142406 ok
