// What is left of a warp's order after divergence: lanes meet again behind branches, around loops, in functions that
// are called from both sides, and at syncwarp; shuffles there see the values of all lanes.
#include "case.h"

__device__ __noinline__ int shared_callee(int x) {
    int sum = 0;
    for (int i = 0; i < (x & 7); i++) sum += mix(x + i) & 255;
    return sum;
}

__global__ void meet(int* output) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
    unsigned value;
    if (lane % 3 == 0) {
        value = shared_callee(thread) * 2;
    } else if (lane % 5 == 0) {
        value = 7;
        for (int i = 0; i < lane; i++) value = value * 3 + i;
        value = shared_callee(value & 1023) + 1;
    } else {
        value = shared_callee(thread * 2) + 1;
    }
    __syncwarp();
    unsigned neighbour = __shfl_xor_sync(0xffffffffu, value, 1);
    // Halves that diverge again and exchange among themselves.
    if (lane < 16) {
        value += __shfl_sync(0x0000ffffu, value, 15 - lane);
    } else {
        for (int i = 0; i < lane - 15; i++) value = value * 5 + i;
        __syncwarp(0xffff0000u);
        value ^= __shfl_sync(0xffff0000u, value, 31 - (lane - 16));
    }
    __syncwarp();
    unsigned sum = value + neighbour;
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    output[thread] = static_cast<int>(sum ^ value);
}

static int host_callee(int x) {
    int sum = 0;
    for (int i = 0; i < (x & 7); i++) sum += mix(x + i) & 255;
    return sum;
}

int main() {
    const int count = 2048;
    int* output_device = device_zeros<int>(count);
    meet<<<count / 256, 256>>>(output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, count), expected(count);
    for (int first = 0; first < count; first += 32) {
        unsigned value[32], before[32], sum = 0, mine[32];
        for (int lane = 0; lane < 32; lane++) {
            int thread = first + lane;
            if (lane % 3 == 0) value[lane] = host_callee(thread) * 2;
            else if (lane % 5 == 0) {
                unsigned v = 7;
                for (int i = 0; i < lane; i++) v = v * 3 + i;
                value[lane] = host_callee(v & 1023) + 1;
            } else value[lane] = host_callee(thread * 2) + 1;
        }
        for (int lane = 0; lane < 32; lane++) before[lane] = value[lane ^ 1];
        unsigned high[32];
        for (int lane = 0; lane < 32; lane++) {
            high[lane] = value[lane];
            if (lane >= 16)
                for (int i = 0; i < lane - 15; i++) high[lane] = high[lane] * 5 + i;
        }
        for (int lane = 0; lane < 32; lane++)
            mine[lane] = lane < 16 ? value[lane] + value[15 - lane] : high[lane] ^ high[31 - (lane - 16)];
        for (int lane = 0; lane < 32; lane++) sum += mine[lane] + before[lane];
        for (int lane = 0; lane < 32; lane++) expected[first + lane] = static_cast<int>(sum ^ mine[lane]);
    }
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output), mismatches(output, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: checksum f992ccd3e984b9b5, mismatches 0
