// Scalar video instructions: parts of registers as operands and as results, second operations, saturation, vmad with its
// scales. Only forms for which the code that stands for these instructions on newer cards does what the manual says.
#include "case.h"

#include <algorithm>

constexpr int count = 1 << 16, results = 24;

__global__ void run(const uint32_t* words, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t a = words[i], b = words[i + count], c = words[i + 2 * count];
    uint32_t* r = output + results * i;
#define VIDEO(index, text) asm(text : "=r"(r[index]) : "r"(a), "r"(b), "r"(c))
    VIDEO(0, "vadd.u32.u32.u32 %0, %1.b3, %2.h0;");
    VIDEO(1, "vadd.s32.s32.s32.sat %0, %1, %2.h1;");
    VIDEO(2, "vadd.u32.u32.u32 %0, %1, %2;");
    VIDEO(3, "vadd.s32.s32.u32 %0.b2, %1.b1, %2.b0, %3;");
    VIDEO(4, "vsub.s32.u32.u32 %0, %1.h1, %2.b1;");
    VIDEO(5, "vsub.s32.s32.s32.sat %0, %1, %2;");
    VIDEO(6, "vsub.s32.s32.s32.add %0, %1.h0, %2.b3, %3;");
    VIDEO(7, "vsub.u32.u32.u32 %0.h0, %1, %2.h1, %3;");
    VIDEO(8, "vabsdiff.u32.u32.u32 %0, %1.b0, %2.b3;");
    VIDEO(9, "vabsdiff.u32.u32.u32.add %0, %1.b1, %2.b2, %3;");
    VIDEO(10, "vabsdiff.u32.s32.s32 %0.b0, %1.b2, %2.b0, %3;");
    VIDEO(11, "vmin.s32.s32.s32 %0, %1.h0, %2;");
    VIDEO(12, "vmin.s32.s32.s32.max %0, %1.b0, %2.h1, %3;");
    VIDEO(13, "vmax.u32.u32.u32 %0, %1.h1, %2;");
    VIDEO(14, "vmax.u32.u32.u32.min %0, %1.h1, %2.h0, %3;");
    VIDEO(15, "vset.u32.u32.lt %0, %1.b0, %2.b1;");
    VIDEO(16, "vset.s32.s32.ge.add %0, %1.h1, %2.h0, %3;");
    VIDEO(17, "vshl.u32.u32.u32.wrap %0, %1.h0, %2.b0;");
    VIDEO(18, "vshr.s32.s32.u32.clamp %0, %1, %2.b2;");
    VIDEO(19, "vshr.u32.u32.u32.wrap.add %0, %1, %2, %3;");
    VIDEO(20, "vmad.s32.s32.s32 %0, %1.h0, %2.b1, %3;");
    VIDEO(21, "vmad.s32.s32.s32.sat.shr7 %0, %1.h1, %2.h0, %3;");
    VIDEO(22, "vmad.u32.u32.u32.po %0, %1.h0, %2.h1, %3;");
    VIDEO(23, "vmad.s32.s32.s32.shr7 %0, -%1.b3, %2.h1, %3;");
}

using wide = long long;

// The part of a word that begins at a bit.
static wide u(uint32_t word, int start, int width) { return word >> start & ((1ull << width) - 1); }
static wide s(uint32_t word, int start, int width) {
    return static_cast<int32_t>(word << (32 - start - width)) >> (32 - width);
}
static wide clamp(wide value, wide low, wide high) { return value < low ? low : value > high ? high : value; }
static uint32_t merge(wide value, uint32_t c, int start, int width) {
    uint32_t mask = ((1u << width) - 1) << start;
    return (static_cast<uint32_t>(value) << start & mask) | (c & ~mask);
}

static void expect(uint32_t a, uint32_t b, uint32_t c, uint32_t* r) {
    wide whole_a = static_cast<int32_t>(a), whole_b = static_cast<int32_t>(b), whole_c = static_cast<int32_t>(c);
    auto low = [](wide value) { return static_cast<uint32_t>(value); };
    r[0] = low(u(a, 24, 8) + u(b, 0, 16));
    r[1] = low(clamp(whole_a + s(b, 16, 16), INT32_MIN, INT32_MAX));
    r[2] = a + b;
    r[3] = merge(s(a, 8, 8) + u(b, 0, 8), c, 16, 8);
    r[4] = low(u(a, 16, 16) - u(b, 8, 8));
    r[5] = low(clamp(whole_a - whole_b, INT32_MIN, INT32_MAX));
    r[6] = low(s(a, 0, 16) - s(b, 24, 8) + c);
    r[7] = merge(wide(a) - u(b, 16, 16), c, 0, 16);
    r[8] = low(llabs(u(a, 0, 8) - u(b, 24, 8)));
    r[9] = low(llabs(u(a, 8, 8) - u(b, 16, 8)) + c);
    r[10] = merge(llabs(s(a, 16, 8) - s(b, 0, 8)), c, 0, 8);
    r[11] = low(std::min(s(a, 0, 16), whole_b));
    r[12] = low(std::max(std::min(s(a, 0, 8), s(b, 16, 16)), whole_c));
    r[13] = low(std::max(u(a, 16, 16), wide(b)));
    r[14] = low(std::min(std::max(u(a, 16, 16), u(b, 0, 16)), wide(c)));
    r[15] = u(a, 0, 8) < u(b, 8, 8);
    r[16] = (s(a, 16, 16) >= s(b, 0, 16)) + c;
    r[17] = low(u(a, 0, 16) << (u(b, 0, 8) & 31));
    r[18] = low(whole_a >> clamp(u(b, 16, 8), 0, 32));
    r[19] = (a >> (b & 31)) + c;
    r[20] = low(s(a, 0, 16) * s(b, 8, 8) + whole_c);
    r[21] = low(clamp((s(a, 16, 16) * s(b, 0, 16) + whole_c) >> 7, INT32_MIN, INT32_MAX));
    r[22] = low(u(a, 0, 16) * u(b, 16, 16) + c + 1);
    r[23] = low((-(s(a, 24, 8) * s(b, 16, 16)) + whole_c) >> 7);
}

int main() {
    const uint32_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x80ff7f01};
    std::vector<uint32_t> words(3 * count), expected(results * count);
    for (int i = 0; i < 3 * count; i++) words[i] = mix(i) % 3 ? mix(i + 77) : edges[mix(i + 5) % 12];
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
// EXPECT: 0: mismatches 0, sum 3489ef7399d4beb6
// EXPECT: 1: mismatches 0, sum 1706ee14a786765c
// EXPECT: 2: mismatches 0, sum 42b693679cad00f8
// EXPECT: 3: mismatches 0, sum 02234b9586966918
// EXPECT: 4: mismatches 0, sum 1a87ab213173aa9a
// EXPECT: 5: mismatches 0, sum 7e25f0cb9904be1f
// EXPECT: 6: mismatches 0, sum bfb81403ff87de5f
// EXPECT: 7: mismatches 0, sum 59eeeb5e0171fa4b
// EXPECT: 8: mismatches 0, sum 8b9ec87e67355ef0
// EXPECT: 9: mismatches 0, sum 076393979373564a
// EXPECT: 10: mismatches 0, sum 53afc9031e65cf64
// EXPECT: 11: mismatches 0, sum ca926145eb421ef8
// EXPECT: 12: mismatches 0, sum 78deeafbc7fccc57
// EXPECT: 13: mismatches 0, sum 289b21b9aff1034e
// EXPECT: 14: mismatches 0, sum ebdd19bdcc76097b
// EXPECT: 15: mismatches 0, sum 72f777a524b880a4
// EXPECT: 16: mismatches 0, sum 44322a020b3d81e9
// EXPECT: 17: mismatches 0, sum bc3bd2a08ba4cc3e
// EXPECT: 18: mismatches 0, sum 45c7b98d2eaa61b5
// EXPECT: 19: mismatches 0, sum b6d8d9f34df77fa3
// EXPECT: 20: mismatches 0, sum d666d10bbaad4f34
// EXPECT: 21: mismatches 0, sum fea4d453d74efef3
// EXPECT: 22: mismatches 0, sum a2f6feead809545d
// EXPECT: 23: mismatches 0, sum baa37df8add00795
