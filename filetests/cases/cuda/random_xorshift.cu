// Generators whose state lives in global memory between launches: xorshift128, xorshift64*, a linear congruential
// generator with jump-ahead; their streams must continue where they stopped.
#include "case.h"

struct State {
    uint32_t xorshift[4];
    uint64_t star;
    uint32_t congruential;
};

__host__ __device__ uint32_t draw(State& s, int kind) {
    if (kind == 0) {
        uint32_t t = s.xorshift[3];
        t ^= t << 11;
        t ^= t >> 8;
        s.xorshift[3] = s.xorshift[2], s.xorshift[2] = s.xorshift[1], s.xorshift[1] = s.xorshift[0];
        t ^= s.xorshift[0] ^ s.xorshift[0] >> 19;
        return s.xorshift[0] = t;
    }
    if (kind == 1) {
        s.star ^= s.star >> 12;
        s.star ^= s.star << 25;
        s.star ^= s.star >> 27;
        return static_cast<uint32_t>(s.star * 0x2545f4914f6cdd1dull >> 32);
    }
    return s.congruential = s.congruential * 1664525u + 1013904223u;
}

// Skips `steps` of the congruential generator by squaring its affine map.
__host__ __device__ uint32_t jump(uint32_t state, uint32_t steps) {
    uint32_t m = 1664525u, c = 1013904223u;
    for (; steps > 0; steps >>= 1) {
        if (steps & 1) state = state * m + c;
        c = c * (m + 1);
        m = m * m;
    }
    return state;
}

__host__ __device__ State seeded(int thread) {
    State s;
    for (int k = 0; k < 4; k++) s.xorshift[k] = mix(4 * thread + k) | 1;
    s.star = static_cast<uint64_t>(mix(thread)) << 32 | mix(~thread) | 1;
    s.congruential = jump(42, thread * 1000);
    return s;
}

__global__ void seed(State* states) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    states[thread] = seeded(thread);
}

__global__ void generate(State* states, uint32_t* sums, int draws) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    State s = states[thread];
    for (int i = 0; i < draws; i++)
        for (int kind = 0; kind < 3; kind++) sums[3 * thread + kind] = sums[3 * thread + kind] * 31 + draw(s, kind);
    states[thread] = s;
}

int main() {
    const int threads = 2048;
    State* states = device_alloc<State>(threads);
    uint32_t* sums_device = device_zeros<uint32_t>(3 * threads);
    seed<<<threads / 128, 128>>>(states);
    generate<<<threads / 64, 64>>>(states, sums_device, 300);
    generate<<<threads / 256, 256>>>(states, sums_device, 700);
    CHECK_KERNEL();
    std::vector<uint32_t> sums = to_host(sums_device, 3 * threads), expected(3 * threads, 0);
    for (int thread = 0; thread < threads; thread++) {
        State s = seeded(thread);
        for (int i = 0; i < 1000; i++)
            for (int kind = 0; kind < 3; kind++)
                expected[3 * thread + kind] = expected[3 * thread + kind] * 31 + draw(s, kind);
    }
    printf("thread 0: %08x %08x %08x\n", sums[0], sums[1], sums[2]);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(sums), mismatches(sums, expected));
    // After 1000 draws a thread stands where the next one began.
    State last = to_host(states, threads)[6];
    printf("jump agrees: %s\n", last.congruential == jump(42, 7000) ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: thread 0: b80bef7d 4d299e79 887ba48c
// EXPECT: checksum c866263dd29e6751, mismatches 0
// EXPECT: jump agrees: yes
