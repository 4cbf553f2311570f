// All four shuffles in all widths, on 32- and 64-bit integers, floats and doubles, with sub-warp masks and lanes out
// of range.
#include "case.h"

template <typename T>
__global__ void shuffles(const T* input, T* output, int width) {
    int lane = threadIdx.x;
    T value = input[lane];
    T* mine = output + lane * 8;
    mine[0] = __shfl_sync(0xffffffffu, value, 3, width);
    mine[1] =
        __shfl_sync(0xffffffffu, value, lane * 5 + 1, width);  // a different source in every lane, beyond the width
    mine[2] = __shfl_up_sync(0xffffffffu, value, 1, width);
    mine[3] = __shfl_up_sync(0xffffffffu, value, 5, width);
    mine[4] = __shfl_down_sync(0xffffffffu, value, 2, width);
    mine[5] = __shfl_down_sync(0xffffffffu, value, 31, width);
    mine[6] = __shfl_xor_sync(0xffffffffu, value, 1, width);
    mine[7] = __shfl_xor_sync(0xffffffffu, value, 12, width);
}

template <typename T>
void run(const char* type) {
    std::vector<T> input(32);
    for (int i = 0; i < 32; i++) input[i] = static_cast<T>(mix(i) % 100000) * static_cast<T>(100003);
    T* input_device = to_device(input);
    T* output_device = device_zeros<T>(256);
    for (int width : {32, 16, 8, 4, 2, 1}) {
        shuffles<<<1, 32>>>(input_device, output_device, width);
        CHECK_KERNEL();
        std::vector<T> output = to_host(output_device, 256);
        int wrong = 0;
        for (int lane = 0; lane < 32; lane++) {
            int first = lane / width * width, end = first + width;
            int index[8] = {
                first + 3 % width, first + (lane * 5 + 1) % width, lane - 1, lane - 5, lane + 2, lane + 31, lane ^ 1,
                lane ^ 12};
            for (int k = 0; k < 8; k++) {
                // Up stops at the segment's start, down and xor at its end; such lanes keep their own value. An xor
                // may reach into an earlier segment.
                bool inside = k < 2 || (k < 4 ? index[k] >= first : index[k] < end);
                wrong += output[lane * 8 + k] != input[inside ? index[k] : lane];
            }
        }
        printf("%s width %2d: checksum %016llx, mismatches %d\n", type, width, (unsigned long long)checksum(output),
               wrong);
    }
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
}

__global__ void halves(int* output) {
    int lane = threadIdx.x;
    int value = lane * lane;
    // The two halves of the warp shuffle apart from each other.
    if (lane < 16) {
        for (int offset = 8; offset > 0; offset /= 2) value += __shfl_xor_sync(0x0000ffffu, value, offset, 16);
    } else {
        for (int offset = 8; offset > 0; offset /= 2)
            value = max(value, __shfl_xor_sync(0xffff0000u, value, offset, 16));
    }
    output[lane] = value;
}

int main() {
    run<int>("int");
    run<unsigned long long>("u64");
    run<float>("float");
    run<double>("double");
    int* output_device = device_zeros<int>(32);
    halves<<<1, 32>>>(output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 32);
    printf("halves: %d %d %d %d\n", output[0], output[15], output[16], output[31]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: int width 32: checksum ed9f4b528f6dd02f, mismatches 0
// EXPECT: int width 16: checksum eccd982e3ea95b8d, mismatches 0
// EXPECT: int width  8: checksum d6049bb0be5c1223, mismatches 0
// EXPECT: int width  4: checksum eaa291e33727b346, mismatches 0
// EXPECT: int width  2: checksum 236723959f2ea5f6, mismatches 0
// EXPECT: int width  1: checksum 1f9b1adc7904d13d, mismatches 0
// EXPECT: u64 width 32: checksum 7c7c3af1cc8a30b8, mismatches 0
// EXPECT: u64 width 16: checksum 4b9f2cfbec4a6e62, mismatches 0
// EXPECT: u64 width  8: checksum c4b050815e26bb30, mismatches 0
// EXPECT: u64 width  4: checksum f205d253366e8d66, mismatches 0
// EXPECT: u64 width  2: checksum 997a7df2bf9fa10f, mismatches 0
// EXPECT: u64 width  1: checksum 541678c08dec9bd9, mismatches 0
// EXPECT: float width 32: checksum af8996fde7d8bf54, mismatches 0
// EXPECT: float width 16: checksum 85adc73e921b3ea6, mismatches 0
// EXPECT: float width  8: checksum 3eb790d08b8fedca, mismatches 0
// EXPECT: float width  4: checksum 5793edce40a9803c, mismatches 0
// EXPECT: float width  2: checksum 007307fcd39a9f26, mismatches 0
// EXPECT: float width  1: checksum 4d6214d0f3029255, mismatches 0
// EXPECT: double width 32: checksum 790f003320a8f33a, mismatches 0
// EXPECT: double width 16: checksum 4a9afc863aa2041e, mismatches 0
// EXPECT: double width  8: checksum a2b74d1cea836700, mismatches 0
// EXPECT: double width  4: checksum f2ae02f1235245df, mismatches 0
// EXPECT: double width  2: checksum 7617e1f9f20e28bf, mismatches 0
// EXPECT: double width  1: checksum 4d4999d20eea55a1, mismatches 0
// EXPECT: halves: 1240 1240 961 961
