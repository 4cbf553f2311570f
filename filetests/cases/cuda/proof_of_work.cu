// Search for the smallest nonce whose hash has enough leading zeros: a grid-stride search that stops early through a
// flag that all blocks read, and an atomic minimum in 64 bits.
#include "case.h"

__host__ __device__ inline uint64_t rotate_left(uint64_t x, int n) { return x << n | x >> (64 - n); }

// One SipHash-2-4-like permutation per nonce; enough work to make the search the point.
__host__ __device__ inline uint64_t work(uint64_t header, uint64_t nonce) {
    uint64_t v0 = header ^ 0x736f6d6570736575ull, v1 = nonce ^ 0x646f72616e646f6dull;
    uint64_t v2 = header ^ 0x6c7967656e657261ull, v3 = ~nonce;
    for (int i = 0; i < 8; i++) {
        v0 += v1, v1 = rotate_left(v1, 13) ^ v0, v0 = rotate_left(v0, 32);
        v2 += v3, v3 = rotate_left(v3, 16) ^ v2;
        v0 += v3, v3 = rotate_left(v3, 21) ^ v0;
        v2 += v1, v1 = rotate_left(v1, 17) ^ v2, v2 = rotate_left(v2, 32);
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

__global__ void mine(uint64_t header, uint64_t target, uint64_t limit, unsigned long long* best) {
    uint64_t stride = static_cast<uint64_t>(gridDim.x) * blockDim.x;
    for (uint64_t nonce = blockIdx.x * blockDim.x + threadIdx.x; nonce < limit; nonce += stride) {
        // A nonce above the best one so far can no longer win: its thread is done.
        if (nonce > *static_cast<volatile unsigned long long*>(best)) return;
        if (work(header, nonce) < target) {
            atomicMin(best, nonce);
            return;
        }
    }
}

int main() {
    unsigned long long* best_device = device_alloc<unsigned long long>(1);
    uint64_t header = 0x0123456789abcdefull;
    for (int zeros : {4, 10, 14, 17}) {
        CHECK(cudaMemset(best_device, 0xff, sizeof(unsigned long long)));
        uint64_t target = 1ull << (64 - zeros);
        mine<<<32, 128>>>(header, target, 1 << 22, best_device);
        CHECK_KERNEL();
        uint64_t best = to_host(best_device, 1)[0], expected = 0;
        while (work(header, expected) >= target) expected++;
        uint64_t hash = work(header, best);
        printf("%2d zeros: nonce %llu hash %016llx %s\n", zeros, (unsigned long long)best, (unsigned long long)hash,
               best == expected ? "ok" : "WRONG");
        header = hash;  // the next block builds on this one
    }
    CHECK(cudaFree(best_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT:  4 zeros: nonce 10 hash 0c0f076fe5cc41b9 ok
// EXPECT: 10 zeros: nonce 4141 hash 0024610c9feee1e7 ok
// EXPECT: 14 zeros: nonce 12050 hash 0003defe007146e9 ok
// EXPECT: 17 zeros: nonce 496505 hash 00000d7d78a210a6 ok
