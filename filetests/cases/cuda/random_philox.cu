// Philox4x32-10, the counter-based generator, against the known answers of its authors (Random123) and the host.
#include "case.h"

struct Four {
    uint32_t x[4];
};

__host__ __device__ inline uint32_t multiply_high(uint32_t a, uint32_t b) {
#ifdef __CUDA_ARCH__
    return __umulhi(a, b);
#else
    return static_cast<uint32_t>(static_cast<uint64_t>(a) * b >> 32);
#endif
}

__host__ __device__ Four philox(Four counter, uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; round++) {
        uint32_t high0 = multiply_high(0xd2511f53u, counter.x[0]), low0 = 0xd2511f53u * counter.x[0];
        uint32_t high1 = multiply_high(0xcd9e8d57u, counter.x[2]), low1 = 0xcd9e8d57u * counter.x[2];
        counter = {{high1 ^ counter.x[1] ^ key0, low1, high0 ^ counter.x[3] ^ key1, low0}};
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return counter;
}

__global__ void known_answers(Four* results) {
    const Four counters[3] = {
        {{0, 0, 0, 0}}, {{~0u, ~0u, ~0u, ~0u}}, {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}};
    const uint32_t keys[3][2] = {{0, 0}, {~0u, ~0u}, {0xa4093822, 0x299f31d0}};
    int i = threadIdx.x;
    results[i] = philox(counters[i], keys[i][0], keys[i][1]);
}

__global__ void uniform(uint4* results, uint32_t seed, int count) {
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    Four four = philox({{i, 0, 1, 2}}, seed, ~seed);
    results[i] = make_uint4(four.x[0], four.x[1], four.x[2], four.x[3]);
}

int main() {
    Four* answers = device_alloc<Four>(3);
    known_answers<<<1, 3>>>(answers);
    CHECK_KERNEL();
    for (const Four& four : to_host(answers, 3))
        printf("%08x %08x %08x %08x\n", four.x[0], four.x[1], four.x[2], four.x[3]);

    const int count = 200000;
    uint4* results_device = device_alloc<uint4>(count);
    uniform<<<(count + 255) / 256, 256>>>(results_device, 12345, count);
    CHECK_KERNEL();
    std::vector<uint4> results = to_host(results_device, count);
    int wrong = 0;
    unsigned long long sum = 0;
    for (int i = 0; i < count; i++) {
        Four four = philox({{static_cast<uint32_t>(i), 0, 1, 2}}, 12345, ~12345u);
        wrong += results[i].x != four.x[0] || results[i].y != four.x[1] || results[i].z != four.x[2] ||
                 results[i].w != four.x[3];
        sum += results[i].x >> 8;
    }
    printf("mean of 24 bits %llu, mismatches %d\n", sum / count, wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 6627e8d5 e169c58d bc57ac4c 9b00dbd8
// EXPECT: 408f276d 41c83b0e a20bc7c6 6d5451fd
// EXPECT: d16cfe09 94fdcceb 5001e420 24126ea1
// EXPECT: mean of 24 bits 8391889, mismatches 0
