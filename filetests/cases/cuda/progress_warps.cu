// Warps of one block that spin until another warp has written, with barriers around and between: rings in both directions, a producer that
// is the last warp of a large block, and warps that wait at a named barrier while others spin for what comes before it.
#include "case.h"

constexpr int warps = 32;

// In each round a token goes through all warps, one lane of each spinning while the rest of its warp waits for it.
__global__ void ring(int* result, int rounds, int step) {
    __shared__ volatile int token, value;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int place = step > 0 ? warp : warps - 1 - warp;
    if (threadIdx.x == 0) token = 0, value = 1;
    __syncthreads();
    for (int round = 0; round < rounds; round++) {
        if (lane == 7) {
            while (token != round * warps + place) {}
            __threadfence_block();
            value = value * 3 % 1000003 + warp;
            __threadfence_block();
            token = round * warps + place + 1;
        }
        __syncwarp();
        if (round % 3 == 2) __syncthreads();
    }
    __syncthreads();
    if (threadIdx.x == 0) *result = value;
}

// All lanes of all warps but the last spin for the last one, which begins only when they have all said that they do.
__global__ void last_produces(int* result) {
    __shared__ volatile int ready, data[32];
    __shared__ int waiting;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (threadIdx.x == 0) waiting = 0, ready = 0;
    __syncthreads();
    if (warp == warps - 1) {
        while (*(volatile int*)&waiting != (warps - 1) * 32) {}
        data[lane] = lane * lane + 3;
        __threadfence_block();
        __syncwarp();
        if (lane == 0) ready = 1;
    } else {
        atomicAdd(&waiting, 1);
        while (ready == 0) {}
        __threadfence_block();
    }
    result[threadIdx.x] = data[(lane + warp) % 32];
}

// Warps 0 and 1 meet at barrier 1, warps 2 and 3 at barrier 2; warp 1 comes only after warp 3 has passed, and warp 2 spins for warp 0.
__global__ void around_named_barriers(int* result) {
    __shared__ volatile int flag[4];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (threadIdx.x < 4) flag[threadIdx.x] = 0;
    __syncthreads();
    if (warp == 0) {
        if (lane == 0) flag[0] = 5;
        asm volatile("barrier.sync 1, 64;" ::: "memory");
    } else if (warp == 1) {
        while (flag[3] == 0) {}
        flag[1] = flag[3] + 1;
        asm volatile("barrier.sync 1, 64;" ::: "memory");
    } else if (warp == 2) {
        while (flag[0] == 0) {}
        flag[2] = flag[0] + 1;
        asm volatile("barrier.sync 2, 64;" ::: "memory");
    } else {
        asm volatile("barrier.sync 2, 64;" ::: "memory");
        if (lane == 31) flag[3] = flag[2] + 1;
    }
    __syncthreads();
    result[threadIdx.x] = flag[warp];
}

int main() {
    int* result = device_zeros<int>(warps * 32);
    for (int step : {1, -1}) {
        ring<<<1, warps * 32>>>(result, 7, step);
        CHECK_KERNEL();
        int expected = 1;
        for (int round = 0; round < 7; round++)
            for (int place = 0; place < warps; place++)
                expected = expected * 3 % 1000003 + (step > 0 ? place : warps - 1 - place);
        printf("ring: %s\n", to_host(result, 1)[0] == expected ? "ok" : "wrong");
    }

    last_produces<<<3, warps * 32>>>(result);
    CHECK_KERNEL();
    std::vector<int> values = to_host(result, warps * 32);
    int wrong = 0;
    for (int thread = 0; thread < warps * 32; thread++) {
        int place = (thread % 32 + thread / 32) % 32;
        wrong += values[thread] != place * place + 3;
    }
    printf("the last warp produces: %d wrong\n", wrong);

    around_named_barriers<<<1, 128>>>(result);
    CHECK_KERNEL();
    values = to_host(result, 128);
    printf("around named barriers: %d %d %d %d\n", values[0], values[32], values[64], values[96]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: ring: ok
// EXPECT: ring: ok
// EXPECT: the last warp produces: 0 wrong
// EXPECT: around named barriers: 5 8 6 7
