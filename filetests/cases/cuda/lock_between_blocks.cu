// A spin lock in global memory taken by one thread of each block: the protected update is not atomic by itself, so a
// lock that fails to exclude loses counts. A ticket lock gives the blocks fair turns.
#include "case.h"

__device__ int lock_word;
__device__ unsigned next_ticket, now_serving;

__global__ void with_spin_lock(volatile int* counter, volatile int* log, int rounds) {
    for (int round = 0; round < rounds; round++) {
        if (threadIdx.x == 0) {
            while (atomicCAS(&lock_word, 0, 1) != 0) __nanosleep(50);
            __threadfence();
            int value = *counter;
            log[value] = blockIdx.x;
            *counter = value + 1;
            __threadfence();
            atomicExch(&lock_word, 0);
        }
        __syncthreads();
    }
}

__global__ void with_ticket_lock(volatile unsigned* state, int rounds) {
    if (threadIdx.x != 0) return;
    for (int round = 0; round < rounds; round++) {
        unsigned ticket = atomicAdd(&next_ticket, 1);
        while (atomicAdd(&now_serving, 0) != ticket) __nanosleep(50);
        __threadfence();
        // A sequence that depends on every update before it.
        state[0] = state[0] * 1664525u + 1013904223u;
        state[1]++;
        __threadfence();
        atomicAdd(&now_serving, 1);
    }
}

int main() {
    const int blocks = 40, rounds = 25;
    int* counter = device_zeros<int>(1);
    int* log = device_zeros<int>(blocks * rounds);
    with_spin_lock<<<blocks, 64>>>(counter, log, rounds);
    CHECK_KERNEL();
    std::vector<int> turns(blocks, 0);
    for (int block : to_host(log, blocks * rounds)) turns[block]++;
    bool all_equal = true;
    for (int count : turns) all_equal = all_equal && count == rounds;
    printf("spin lock: counter %d, every block had %d turns: %s\n", to_host(counter, 1)[0], rounds,
           all_equal ? "yes" : "no");

    unsigned* state = device_zeros<unsigned>(2);
    with_ticket_lock<<<blocks, 32>>>(state, rounds);
    CHECK_KERNEL();
    unsigned expected = 0;
    for (int i = 0; i < blocks * rounds; i++) expected = expected * 1664525u + 1013904223u;
    std::vector<unsigned> result = to_host(state, 2);
    printf("ticket lock: %u updates, sequence %08x, expected %08x\n", result[1], result[0], expected);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: spin lock: counter 1000, every block had 25 turns: yes
// EXPECT: ticket lock: 1000 updates, sequence ea107308, expected ea107308
