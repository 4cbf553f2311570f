// Lanes of one warp that wait for each other where control flow has parted them: in the arms of a branch, among the arms of a switch, in a
// function that is not inlined, in a loop that others have left, and on their way to a barrier of the block.
#include "case.h"

// The lanes of each arm wait for the other arm in turn; neither arm can be run to its end first.
__global__ void ping_pong(volatile int* turns, int rounds) {
    __shared__ volatile int turn[16];
    int lane = threadIdx.x, pair = lane / 2;
    turn[pair] = 0;
    __syncwarp();
    if (lane % 2 == 0) {
        for (int round = 0; round < rounds; round++) {
            while (turn[pair] != 2 * round) {}
            turns[pair] = turns[pair] * 3 + 1;
            __threadfence();
            turn[pair] = 2 * round + 1;
        }
    } else {
        for (int round = 0; round < rounds; round++) {
            while (turn[pair] != 2 * round + 1) {}
            turns[pair] = turns[pair] * 5 + 2;
            __threadfence();
            turn[pair] = 2 * round + 2;
        }
    }
}

// A token goes from arm to arm, against the order of the text.
__global__ void between_arms(int* result) {
    __shared__ volatile int token, sum;
    int lane = threadIdx.x;
    if (lane == 0) token = 3, sum = 1;
    __syncwarp();
    switch (lane % 4) {
        case 0:
            while (token != 0) {}
            if (lane == 0) result[0] = sum;
            break;
        case 1:
            while (token > 1) {}
            if (lane == 1) sum = sum * 7 + 1, __threadfence_block(), token = 0;
            break;
        case 2:
            while (token > 2) {}
            if (lane == 2) sum = sum * 7 + 2, __threadfence_block(), token = 1;
            break;
        default:
            if (lane == 3) sum = sum * 7 + 3, __threadfence_block(), token = 2;
    }
}

__device__ __noinline__ int wait_for(volatile int* flag) {
    int turns = 0;
    while (*flag == 0) turns++;
    return turns < 0;
}

// Lanes wait inside of a function for what a lane does that does not call it.
__global__ void in_function(volatile int* flags, int* result) {
    int lane = threadIdx.x;
    if (lane != 13) result[lane] = wait_for(flags) + lane;
    if (lane == 13) flags[0] = 1, result[lane] = 100;
}

// Each lane leaves the loop when the lane before has: one at a time, while all others go round.
__global__ void out_of_loop(int* order) {
    __shared__ volatile int next;
    int lane = threadIdx.x, mine = (lane * 11 + 5) % 32;
    next = 0;
    __syncwarp();
    for (;;) {
        if (next == mine) break;
    }
    order[mine] = lane;
    __threadfence_block();
    next = mine + 1;
}

// Half of each warp waits for the neighbouring warp's other half, which is at the barrier already; then all meet there.
__global__ void at_barrier(int* result) {
    __shared__ volatile int flags[4], values[128];
    int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
    if (lane == 0) flags[warp] = 0;
    __syncthreads();
    for (int round = 1; round <= 5; round++) {
        values[thread] = thread * round;
        if (lane == 20) __threadfence_block(), flags[warp] = round;
        if (lane < 16) {
            while (flags[(warp + 1) % 4] < round) {}
            __threadfence_block();
        }
        __syncthreads();
        result[thread] += values[(thread + 37) % 128];
        __syncthreads();
    }
}

int main() {
    int* words = device_zeros<int>(128);
    ping_pong<<<1, 32>>>(words, 12);
    CHECK_KERNEL();
    unsigned expected = 0;
    for (int round = 0; round < 12; round++) expected = (expected * 3 + 1) * 5 + 2;
    bool equal = true;
    for (int value : to_host(words, 16)) equal = equal && static_cast<unsigned>(value) == expected;
    printf("ping pong: %s\n", equal ? "ok" : "wrong");

    between_arms<<<1, 32>>>(words);
    CHECK_KERNEL();
    printf("between arms: %d\n", to_host(words, 1)[0]);

    CHECK(cudaMemset(words, 0, 128 * sizeof(int)));
    int* result = device_zeros<int>(128);
    in_function<<<1, 32>>>(words, result);
    CHECK_KERNEL();
    int sum = 0;
    for (int value : to_host(result, 32)) sum += value;
    printf("in a function: %d\n", sum);

    out_of_loop<<<1, 32>>>(words);
    CHECK_KERNEL();
    for (int lane : to_host(words, 32)) printf("%d ", lane);
    printf("\n");

    CHECK(cudaMemset(result, 0, 128 * sizeof(int)));
    at_barrier<<<1, 128>>>(result);
    CHECK_KERNEL();
    std::vector<int> sums = to_host(result, 128);
    int wrong = 0;
    for (int thread = 0; thread < 128; thread++) wrong += sums[thread] != (thread + 37) % 128 * 15;
    printf("at a barrier: %d wrong\n", wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: ping pong: ok
// EXPECT: between arms: 505
// EXPECT: in a function: 583
// EXPECT: 17 20 23 26 29 0 3 6 9 12 15 18 21 24 27 30 1 4 7 10 13 16 19 22 25 28 31 2 5 8 11 14
// EXPECT: at a barrier: 0 wrong
