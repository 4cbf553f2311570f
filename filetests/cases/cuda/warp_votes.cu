// Votes and masks: ballot, any, all, activemask, lane-mask registers, syncwarp and leader election under divergence.
#include "case.h"

__global__ void votes(const int* input, unsigned* output) {
    int lane = threadIdx.x % 32, thread = blockIdx.x * blockDim.x + threadIdx.x;
    int value = input[thread];
    unsigned* mine = output + thread * 8;
    mine[0] = __ballot_sync(0xffffffffu, value % 2 == 0);
    mine[1] = __any_sync(0xffffffffu, value == 17);
    mine[2] = __all_sync(0xffffffffu, value < 90);
    bool low = value < 50;
    unsigned lows = __ballot_sync(0xffffffffu, low);
    if (low) {
        mine[3] = __ballot_sync(lows, value % 3 == 0);
        mine[4] = __popc(lows & ((1u << lane) - 1));
        int leader = __ffs(lows) - 1;
        mine[5] = __shfl_sync(lows, value, leader);
    } else {
        mine[3] = mine[4] = 0;
        mine[5] = __all_sync(~lows, value >= 50);
    }
    __syncwarp();
    unsigned equal, less, less_equal, greater, greater_equal;
    asm("mov.u32 %0, %%lanemask_eq;" : "=r"(equal));
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(less));
    asm("mov.u32 %0, %%lanemask_le;" : "=r"(less_equal));
    asm("mov.u32 %0, %%lanemask_gt;" : "=r"(greater));
    asm("mov.u32 %0, %%lanemask_ge;" : "=r"(greater_equal));
    mine[6] = (equal == 1u << lane) + (less == (1u << lane) - 1) * 2 + (less_equal == (2u << lane) - 1) * 4 +
              (greater == ~((2u << lane) - 1)) * 8 + (greater_equal == ~((1u << lane) - 1)) * 16;
    mine[7] = __activemask();
}

__global__ void lanes_that_left(unsigned* output) {
    int lane = threadIdx.x;
    if (lane >= 20) return;
    // Lanes that have exited take no part.
    output[lane] = __ballot_sync(0x000fffffu, lane % 2);
}

int main() {
    const int count = 2048;
    std::vector<int> input(count);
    for (int i = 0; i < count; i++) input[i] = mix(i) % (i < 1024 ? 100 : 91);
    int* input_device = to_device(input);
    unsigned* output_device = device_zeros<unsigned>(8 * count);
    votes<<<count / 128, 128>>>(input_device, output_device);
    CHECK_KERNEL();
    std::vector<unsigned> output = to_host(output_device, 8 * count), expected(8 * count);
    for (int warp = 0; warp < count; warp += 32) {
        unsigned even = 0, any = 0, all = 1, low = 0, third = 0;
        int leader = -1;
        for (int lane = 0; lane < 32; lane++) {
            int value = input[warp + lane];
            even |= (value % 2 == 0 ? 1u : 0u) << lane;
            any |= value == 17;
            all &= value < 90;
            if (value < 50) {
                low |= 1u << lane;
                third |= (value % 3 == 0 ? 1u : 0u) << lane;
                if (leader < 0) leader = lane;
            }
        }
        for (int lane = 0; lane < 32; lane++) {
            bool is_low = low >> lane & 1;
            unsigned before = static_cast<unsigned>(__builtin_popcount(low & ((1u << lane) - 1)));
            unsigned row[8] = {even,
                               any,
                               all,
                               is_low ? third : 0,
                               is_low ? before : 0,
                               is_low ? static_cast<unsigned>(input[warp + leader]) : 1,
                               31,
                               0xffffffffu};
            memcpy(&expected[8 * (warp + lane)], row, sizeof(row));
        }
    }
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output), mismatches(output, expected));
    unsigned* left_device = device_zeros<unsigned>(32);
    lanes_that_left<<<1, 32>>>(left_device);
    CHECK_KERNEL();
    std::vector<unsigned> left = to_host(left_device, 32);
    printf("after an exit: %08x %08x %08x\n", left[0], left[19], left[20]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: checksum e09f9949029db42f, mismatches 0
// EXPECT: after an exit: 000aaaaa 000aaaaa 00000000
