// SIMD video instructions on two halves and four bytes: lanes chosen from both operands by selectors, results by masks,
// sums, saturation, averages.
#include "case.h"

#include <algorithm>

constexpr int count = 1 << 16, results = 16;

__global__ void run(const uint32_t* words, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t a = words[i], b = words[i + count], c = words[i + 2 * count];
    uint32_t* r = output + results * i;
#define VIDEO(index, text) asm(text : "=r"(r[index]) : "r"(a), "r"(b), "r"(c))
    VIDEO(0, "vadd2.s32.s32.s32 %0, %1, %2, %3;");
    VIDEO(1, "vadd2.u32.u32.u32.sat %0, %1.h30, %2.h12, %3;");
    VIDEO(2, "vsub2.s32.s32.s32.sat %0.h1, %1.h01, %2.h32, %3;");
    VIDEO(3, "vabsdiff2.u32.u32.u32.add %0, %1.h10, %2.h23, %3;");
    VIDEO(4, "vmin2.s32.s32.s32 %0.h0, %1.h11, %2.h33, %3;");
    VIDEO(5, "vmax2.u32.u32.u32.add %0, %1, %2.h20, %3;");
    VIDEO(6, "vavrg2.s32.s32.s32 %0, %1, %2, %3;");
    VIDEO(7, "vset2.s32.s32.lt %0, %1, %2, %3;");
    VIDEO(8, "vadd4.u32.u32.u32 %0, %1.b0123, %2, %3;");
    VIDEO(9, "vadd4.s32.s32.s32.sat %0.b20, %1, %2.b0246, %3;");
    VIDEO(10, "vsub4.u32.u32.u32.sat %0, %1.b7531, %2, %3;");
    VIDEO(11, "vabsdiff4.u32.u32.u32.add %0, %1, %2, %3;");
    VIDEO(12, "vmin4.u32.u32.u32 %0.b3, %1.b3333, %2.b4444, %3;");
    VIDEO(13, "vmax4.s32.s32.s32 %0.b210, %1, %2.b1357, %3;");
    VIDEO(14, "vavrg4.u32.u32.u32 %0, %1, %2, %3;");
    VIDEO(15, "vset4.u32.u32.ge.add %0, %1.b5410, %2, %3;");
}

// Which lanes an instruction reads and writes: digits as in its selectors, the lowest lane last.
struct Lanes {
    int width;
    const char *a, *b, *written;
    bool is_signed;
};

template <typename Operation>
static uint32_t simd(Lanes lanes, uint32_t a, uint32_t b, uint32_t c, bool saturate, bool add, Operation operation) {
    int number = 32 / lanes.width;
    uint64_t both = a | static_cast<uint64_t>(b) << 32;
    uint32_t result = add ? c : 0, mask = static_cast<uint32_t>((1ull << lanes.width) - 1);
    for (int i = 0; i < number; i++) {
        auto lane = [&](const char* digits) {
            uint32_t bits = static_cast<uint32_t>(both >> (lanes.width * (digits[number - 1 - i] - '0'))) & mask;
            int shift = 32 - lanes.width;
            return lanes.is_signed ? static_cast<int32_t>(bits << shift) >> shift : static_cast<int32_t>(bits);
        };
        int32_t value = operation(lane(lanes.a), lane(lanes.b));
        int32_t low = lanes.is_signed ? -(1 << (lanes.width - 1)) : 0;
        if (saturate) value = std::clamp(value, low, low + static_cast<int32_t>(mask));
        bool written = strchr(lanes.written, '0' + i) != nullptr;
        if (add) result += written ? static_cast<uint32_t>(value) : 0;
        else result |= (written ? static_cast<uint32_t>(value) & mask : c >> (lanes.width * i) & mask) << (lanes.width * i);
    }
    return result;
}

static void expect(uint32_t a, uint32_t b, uint32_t c, uint32_t* r) {
    auto sum = [](int x, int y) { return x + y; };
    auto difference = [](int x, int y) { return x - y; };
    auto distance = [](int x, int y) { return abs(x - y); };
    auto smaller = [](int x, int y) { return std::min(x, y); };
    auto larger = [](int x, int y) { return std::max(x, y); };
    auto average = [](int x, int y) { return (x + y + (x + y >= 0)) >> 1; };
    r[0] = simd({16, "10", "32", "10", true}, a, b, c, false, false, sum);
    r[1] = simd({16, "30", "12", "10", false}, a, b, c, true, false, sum);
    r[2] = simd({16, "01", "32", "1", true}, a, b, c, true, false, difference);
    r[3] = simd({16, "10", "23", "10", false}, a, b, c, false, true, distance);
    r[4] = simd({16, "11", "33", "0", true}, a, b, c, false, false, smaller);
    r[5] = simd({16, "10", "20", "10", false}, a, b, c, false, true, larger);
    r[6] = simd({16, "10", "32", "10", true}, a, b, c, false, false, average);
    r[7] = simd({16, "10", "32", "10", true}, a, b, c, false, false, [](int x, int y) { return int(x < y); });
    r[8] = simd({8, "0123", "7654", "3210", false}, a, b, c, false, false, sum);
    r[9] = simd({8, "3210", "0246", "20", true}, a, b, c, true, false, sum);
    r[10] = simd({8, "7531", "7654", "3210", false}, a, b, c, true, false, difference);
    r[11] = simd({8, "3210", "7654", "3210", false}, a, b, c, false, true, distance);
    r[12] = simd({8, "3333", "4444", "3", false}, a, b, c, false, false, smaller);
    r[13] = simd({8, "3210", "1357", "210", true}, a, b, c, false, false, larger);
    r[14] = simd({8, "3210", "7654", "3210", false}, a, b, c, false, false, average);
    r[15] = simd({8, "5410", "7654", "3210", false}, a, b, c, false, true, [](int x, int y) { return int(x >= y); });
}

int main() {
    const uint32_t edges[] = {0, 0x7f7f8080, 0x7fff8000, 0xffff0001, 0xff00ff01, 0x80008000, 0xffffffff, 0x01ff7f80};
    std::vector<uint32_t> words(3 * count), expected(results * count);
    for (int i = 0; i < 3 * count; i++) words[i] = mix(i) % 3 ? mix(i + 31) : edges[mix(i + 9) % 8];
    for (int i = 0; i < count; i++)
        expect(words[i], words[i + count], words[i + 2 * count], &expected[results * i]);
    uint32_t* output = device_zeros<uint32_t>(results * count);
    run<<<count / 256, 256>>>(to_device(words), output);
    CHECK_KERNEL();
    std::vector<uint32_t> got = to_host(output, results * count);
    for (int k = 0; k < results; k++) {
        std::vector<uint32_t> mine(count), theirs(count);
        for (int i = 0; i < count; i++) mine[i] = got[results * i + k], theirs[i] = expected[results * i + k];
        printf("%d: mismatches %d, sum %016llx\n", k, mismatches(mine, theirs),
               static_cast<unsigned long long>(checksum(mine)));
    }
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: 0: mismatches 0, sum bcebf87ccaa357e4
// EXPECT: 1: mismatches 0, sum e01d161d5bb67ec2
// EXPECT: 2: mismatches 0, sum 06fe843beda6e758
// EXPECT: 3: mismatches 0, sum b1ac6ac1ec65129b
// EXPECT: 4: mismatches 0, sum dc3f8af45e6abe5d
// EXPECT: 5: mismatches 0, sum 1170d3bdd76c45c1
// EXPECT: 6: mismatches 0, sum 2d512672f27ab468
// EXPECT: 7: mismatches 0, sum ea1df9bb5a2e1de4
// EXPECT: 8: mismatches 0, sum 3680237e1a717af4
// EXPECT: 9: mismatches 0, sum fc91b8388ab6c727
// EXPECT: 10: mismatches 0, sum 2655fa0e9bcfe90d
// EXPECT: 11: mismatches 0, sum 046c886ef53e5063
// EXPECT: 12: mismatches 0, sum ce13265ca8851bc2
// EXPECT: 13: mismatches 0, sum 06929d96941a2a85
// EXPECT: 14: mismatches 0, sum 1a9afaacd4d523b7
// EXPECT: 15: mismatches 0, sum 845fcdc84dd23791
