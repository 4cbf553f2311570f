// Warps of a block that end at different times, in any order, while the others go on to meet at barriers.
#include "case.h"

// Warps leave a loop with barriers after numbers of turns of their own, in any order; what they wrote last stays.
__global__ void warps_leave(const int* turns, unsigned* output) {
    __shared__ unsigned hands[8];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, left = turns[blockIdx.x * 8 + warp];
    unsigned sum = 0;
    if (lane == 0) hands[warp] = 0;
    __syncthreads();
    for (int turn = 0; turn < left; turn++) {
        if (lane == turn % 32) hands[warp] = (turn + 1) * (warp + 3);
        __syncthreads();
        for (int i = 0; i < 8; i++) sum = sum * 5 + hands[i];
        __syncthreads();
    }
    output[blockIdx.x * 256 + threadIdx.x] = sum + lane;
}

// As the kernel, for one block.
static void leave_on_host(const int* turns, unsigned* output) {
    unsigned hands[8] = {}, sums[8] = {};
    for (int turn = 0; turn < 8; turn++) {
        for (int warp = 0; warp < 8; warp++)
            if (turn < turns[warp]) hands[warp] = (turn + 1) * (warp + 3);
        for (int warp = 0; warp < 8; warp++)
            for (int i = 0; turn < turns[warp] && i < 8; i++) sums[warp] = sums[warp] * 5 + hands[i];
    }
    for (int i = 0; i < 256; i++) output[i] = sums[i / 32] + i % 32;
}

int main() {
    const int blocks = 64;
    std::vector<int> turns(blocks * 8);
    std::vector<unsigned> left(blocks * 256);
    for (int i = 0; i < blocks * 8; i++) {
        int block = i / 8, warp = i % 8;
        int some[] = {warp, 7 - warp, (warp + block) % 3, warp % 2 * 6};
        turns[i] = block < 4 ? some[block] : static_cast<int>(mix(i) % (block % 7 + 1));
    }
    for (int block = 0; block < blocks; block++) leave_on_host(&turns[block * 8], &left[block * 256]);
    unsigned* left_device = device_zeros<unsigned>(blocks * 256);
    warps_leave<<<blocks, 256>>>(to_device(turns), left_device);
    CHECK_KERNEL();
    printf("warps leave one by one: mismatches %d\n", mismatches(to_host(left_device, blocks * 256), left));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: warps leave one by one: mismatches 0
