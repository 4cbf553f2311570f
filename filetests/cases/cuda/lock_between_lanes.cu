// A spin lock that the lanes of one warp take from each other, written the plain way: a lane that spins must not keep
// the lane that holds the lock from running (independent thread scheduling). Also lanes that hand a value along.
#include "case.h"

__global__ void spin_lock(int* lock, volatile int* counter, int rounds) {
    for (int round = 0; round < rounds; round++) {
        while (atomicCAS(lock, 0, 1) != 0) {}
        __threadfence();
        *counter = *counter + 1;
        __threadfence();
        atomicExch(lock, 0);
    }
}

// Each lane waits for the lane before it; the first lane in the chain is the last one of the warp.
__global__ void chain(volatile int* flags, int* result) {
    int lane = threadIdx.x;
    if (lane < 31) {
        while (flags[lane + 1] == 0) {}
        __threadfence();
        flags[lane] = flags[lane + 1] * 2 % 1000003 + lane;
    } else {
        flags[lane] = 5;
    }
    result[lane] = flags[lane];
}

// One half of the warp produces, the other consumes, through a one-place mailbox in shared memory.
__global__ void mailbox(int* sums, int messages) {
    __shared__ volatile int full[16], content[16];
    int lane = threadIdx.x, box = lane % 16;
    if (lane < 16) full[box] = 0;
    __syncwarp();
    if (lane < 16) {
        for (int i = 1; i <= messages; i++) {
            while (full[box]) {}
            content[box] = i * (box + 1);
            __threadfence_block();
            full[box] = 1;
        }
    } else {
        int sum = 0;
        for (int i = 1; i <= messages; i++) {
            while (!full[box]) {}
            __threadfence_block();
            sum += content[box];
            __threadfence_block();
            full[box] = 0;
        }
        sums[box] = sum;
    }
}

int main() {
    int* words = device_zeros<int>(2);
    spin_lock<<<2, 64>>>(words, words + 1, 20);
    CHECK_KERNEL();
    std::vector<int> state = to_host(words, 2);
    printf("lock %d, counter %d\n", state[0], state[1]);

    int* flags = device_zeros<int>(32);
    int* result = device_zeros<int>(32);
    chain<<<1, 32>>>(flags, result);
    CHECK_KERNEL();
    std::vector<int> values = to_host(result, 32);
    int expected = 5;
    for (int lane = 30; lane >= 0; lane--) expected = expected * 2 % 1000003 + lane;
    printf("chain ends with %d, expected %d\n", values[0], expected);

    int* sums = device_zeros<int>(16);
    mailbox<<<1, 32>>>(sums, 30);
    CHECK_KERNEL();
    for (int sum : to_host(sums, 16)) printf("%d ", sum);
    printf("\n");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: lock 0, counter 2560
// EXPECT: chain ends with 224992, expected 224992
// EXPECT: 465 930 1395 1860 2325 2790 3255 3720 4185 4650 5115 5580 6045 6510 6975 7440
