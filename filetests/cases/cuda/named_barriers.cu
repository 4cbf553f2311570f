// Named barriers: producer and consumer warps hand buffers over with bar.arrive and bar.sync, warps in pairs use
// barriers of their own, and a barrier reduces a predicate.
#include "case.h"

__device__ void sync(int barrier, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}
__device__ void arrive(int barrier, int threads) {
    asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

constexpr int producers = 64, consumers = 64, everyone = producers + consumers;

// Barriers 1 and 2: buffer is full. Barriers 3 and 4: buffer is empty.
__global__ void hand_over(const unsigned* input, unsigned* output, int rounds) {
    __shared__ unsigned buffers[2][producers];
    int thread = threadIdx.x;
    if (thread < producers) {
        for (int round = 0; round < rounds; round++) {
            int which = round % 2;
            sync(3 + which, everyone);
            buffers[which][thread] = mix(input[round * producers + thread]);
            __threadfence_block();
            arrive(1 + which, everyone);
        }
    } else {
        int mine = thread - producers;
        unsigned sum = 0;
        arrive(3, everyone);
        arrive(4, everyone);
        for (int round = 0; round < rounds; round++) {
            int which = round % 2;
            sync(1 + which, everyone);
            sum = sum * 3 + buffers[which][(mine + round) % producers];
            if (round + 2 < rounds) arrive(3 + which, everyone);
        }
        output[blockIdx.x * consumers + mine] = sum;
    }
}

// Each pair of warps has a barrier of its own and a number of turns of its own.
__global__ void pairs(int* output) {
    __shared__ int values[256];
    int thread = threadIdx.x, pair = thread / 64;
    values[thread] = thread;
    for (int turn = 0; turn < 3 + 5 * pair; turn++) {
        sync(pair + 1, 64);
        int other = values[pair * 64 + (thread + 33) % 64];
        sync(pair + 1, 64);
        values[thread] = other + turn;
    }
    output[thread] = values[thread];
}

__global__ void voting(const int* values, int* output) {
    int i = threadIdx.x, above, all, any;
    asm volatile("{ .reg .pred p; setp.gt.s32 p, %1, 10; bar.red.popc.u32 %0, 5, 96, p; }"
                 : "=r"(above)
                 : "r"(values[i]));
    asm volatile("{ .reg .pred p, q; setp.ge.s32 p, %1, 0; bar.red.and.pred q, 5, 96, p; selp.s32 %0, 1, 0, q; }"
                 : "=r"(all)
                 : "r"(values[i]));
    asm volatile("{ .reg .pred p, q; setp.eq.s32 p, %1, 13; bar.red.or.pred q, 6, 96, p; selp.s32 %0, 1, 0, q; }"
                 : "=r"(any)
                 : "r"(values[i]));
    output[i] = above * 100 + all * 10 + any;
}

int main() {
    const int rounds = 20, blocks = 6;
    std::vector<unsigned> input(rounds * producers), expected(blocks * consumers);
    for (size_t i = 0; i < input.size(); i++) input[i] = static_cast<unsigned>(i * 7);
    for (int block = 0; block < blocks; block++)
        for (int mine = 0; mine < consumers; mine++) {
            unsigned sum = 0;
            for (int round = 0; round < rounds; round++)
                sum = sum * 3 + mix(input[round * producers + (mine + round) % producers]);
            expected[block * consumers + mine] = sum;
        }
    unsigned* output_device = device_zeros<unsigned>(blocks * consumers);
    hand_over<<<blocks, everyone>>>(to_device(input), output_device, rounds);
    CHECK_KERNEL();
    std::vector<unsigned> output = to_host(output_device, blocks * consumers);
    printf("hand over: checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output),
           mismatches(output, expected));

    int* values_device = device_zeros<int>(256);
    pairs<<<1, 256>>>(values_device);
    CHECK_KERNEL();
    std::vector<int> values = to_host(values_device, 256), wanted(256), next(256);
    for (int i = 0; i < 256; i++) wanted[i] = i;
    for (int pair = 0; pair < 4; pair++)
        for (int turn = 0; turn < 3 + 5 * pair; turn++) {
            for (int i = pair * 64; i < pair * 64 + 64; i++) next[i] = wanted[pair * 64 + (i + 33) % 64] + turn;
            for (int i = pair * 64; i < pair * 64 + 64; i++) wanted[i] = next[i];
        }
    printf("pairs: mismatches %d\n", mismatches(values, wanted));

    std::vector<int> votes(96);
    for (int i = 0; i < 96; i++) votes[i] = i % 13;
    voting<<<1, 96>>>(to_device(votes), values_device);
    CHECK_KERNEL();
    values = to_host(values_device, 96);
    printf("votes: %d %d\n", values[0], values[95]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: hand over: checksum 170c793d91f815bd, mismatches 0
// EXPECT: pairs: mismatches 0
// EXPECT: votes: 1410 1410
