// Inline PTX of many kinds: arithmetic with predicates, lop3, prmt in its modes, dp4a, saturating conversions, vector
// loads with cache hints, local branches and loops, and values in several state spaces.
#include "case.h"

constexpr int results = 20;

__device__ int global_word = 1234;

__global__ void run(const int* a, const int* b, unsigned* output, int count) {
    __shared__ int shared_words[64];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int x = a[i], y = b[i];
    unsigned* r = output + results * i;
    asm("lop3.b32 %0, %1, %2, %3, 0xe8;" : "=r"(r[0]) : "r"(x), "r"(y), "r"(x ^ 0x0f0f0f0f));  // majority
    asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(r[1]) : "r"(x), "r"(y), "r"(i));               // parity
    asm("prmt.b32.f4e %0, %1, %2, %3;" : "=r"(r[2]) : "r"(x), "r"(y), "r"(i & 3));
    asm("prmt.b32.rc16 %0, %1, %2, %3;" : "=r"(r[3]) : "r"(x), "r"(y), "r"(i & 3));
    asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(r[4]) : "r"(x), "r"(y), "r"(i));
    asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(r[5]) : "r"(x), "r"(y), "r"(i));
    asm("dp2a.lo.s32.u32 %0, %1, %2, %3;" : "=r"(r[6]) : "r"(x), "r"(y), "r"(7));
    asm("add.sat.s32 %0, %1, %2;" : "=r"(r[7]) : "r"(x), "r"(y));
    asm("sub.sat.s32 %0, %1, %2;" : "=r"(r[8]) : "r"(x), "r"(y));
    asm("{ .reg .s16 t; cvt.sat.s16.s32 t, %1; cvt.s32.s16 %0, t; }" : "=r"(r[9]) : "r"(x));
    asm("{ .reg .u8 t; cvt.sat.u8.s32 t, %1; cvt.u32.u8 %0, t; }" : "=r"(r[10]) : "r"(y >> 20));
    asm("{ .reg .pred p, q; setp.lt.s32 p|q, %1, %2; @p add.s32 %0, %1, 1; @q sub.s32 %0, %2, 1; }"
        : "=r"(r[11])
        : "r"(x), "r"(y));
    asm("slct.s32.s32 %0, %1, %2, %3;" : "=r"(r[12]) : "r"(x), "r"(y), "r"(x ^ y));
    // A loop with labels of its own: the number of times that x can be halved.
    asm("{ .reg .pred p; .reg .u32 t; mov.u32 t, %1; mov.u32 %0, 0;\n"
        "again%=: shr.u32 t, t, 1; setp.ne.u32 p, t, 0; add.u32 %0, %0, 1; @p bra again%=; }"
        : "=&r"(r[13])
        : "r"(x));
    asm("bfind.u32 %0, %1;" : "=r"(r[14]) : "r"(x & 0xffff));
    asm("bfind.shiftamt.s32 %0, %1;" : "=r"(r[15]) : "r"(y));
    asm("mad.lo.s32 %0, %1, %2, %3;" : "=r"(r[16]) : "r"(x), "r"(y), "r"(i));
    asm("{ .reg .s32 t; mul24.lo.s32 t, %1, %2; sad.s32 %0, t, %2, %1; }" : "=r"(r[17]) : "r"(x), "r"(y));
    // Through shared memory with an explicit address space, and from a module variable by name.
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(&shared_words[threadIdx.x]));
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(address), "r"(x + 1) : "memory");
    __syncthreads();
    asm volatile("ld.shared.u32 %0, [%1];"
                 : "=r"(r[18])
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(&shared_words[63 - threadIdx.x])))
                 : "memory");
    int v0, v1, v2, v3;
    asm volatile("ld.global.cg.v4.s32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v0), "=r"(v1), "=r"(v2), "=r"(v3)
                 : "l"(a + i / 4 * 4));
    r[19] = v0 + 3 * v1 + 5 * v2 + 7 * v3 + global_word;
}

static void expect(const std::vector<int>& a, const std::vector<int>& b, int i, unsigned* r) {
    int x = a[i], y = b[i];
    unsigned ux = x, uy = y, uz = ux ^ 0x0f0f0f0fu;
    auto signed_byte = [](unsigned w, int k) { return static_cast<int>(static_cast<int8_t>(w >> (8 * k))); };
    auto byte = [](unsigned w, int k) { return static_cast<int>(w >> (8 * k) & 255); };
    auto saturated = [](long long v) {
        return static_cast<unsigned>(v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v);
    };
    r[0] = (ux & uy) | (ux & uz) | (uy & uz);
    r[1] = ux ^ uy ^ static_cast<unsigned>(i);
    unsigned long long both = static_cast<unsigned long long>(uy) << 32 | ux;
    r[2] = static_cast<unsigned>(both >> (8 * (i & 3)));
    r[3] = (ux >> ((i & 1) * 16) & 0xffff) * 0x10001u;
    int s = i, u = i;
    for (int k = 0; k < 4; k++) s += signed_byte(ux, k) * signed_byte(uy, k), u += byte(ux, k) * signed_byte(uy, k);
    r[4] = s, r[5] = u;
    r[6] = 7 + static_cast<int16_t>(ux) * byte(uy, 0) + static_cast<int16_t>(ux >> 16) * byte(uy, 1);
    r[7] = saturated(static_cast<long long>(x) + y);
    r[8] = saturated(static_cast<long long>(x) - y);
    r[9] = x > 32767 ? 32767 : x < -32768 ? -32768 : x;
    r[10] = y >> 20 > 255 ? 255 : y >> 20 < 0 ? 0 : y >> 20;
    r[11] = x < y ? ux + 1 : uy - 1;
    r[12] = (x ^ y) >= 0 ? x : y;
    r[13] = 0;
    unsigned t = ux;
    do t >>= 1, r[13]++;
    while (t);
    r[14] = (ux & 0xffff) ? 31 - __builtin_clz(ux & 0xffff) : ~0u;
    unsigned significant = y < 0 ? ~uy : uy;
    r[15] = significant ? __builtin_clz(significant) : ~0u;
    r[16] = ux * uy + i;
    int low_x = static_cast<int>(ux << 8) >> 8, low_y = static_cast<int>(uy << 8) >> 8;
    int product = static_cast<int>(static_cast<long long>(low_x) * low_y);
    r[17] = ux + static_cast<unsigned>(product > y ? static_cast<long long>(product) - y
                                                   : static_cast<long long>(y) - product);
    r[18] = a[i / 64 * 64 + 63 - i % 64] + 1u;
    const int* four = &a[i / 4 * 4];
    r[19] = static_cast<unsigned>(four[0]) + 3u * four[1] + 5u * four[2] + 7u * four[3] + 1234;
}

int main() {
    const int count = 4096;
    std::vector<int> a(count), b(count);
    std::vector<unsigned> expected(results * count);
    for (int i = 0; i < count; i++) {
        a[i] = static_cast<int>(mix(i)) >> (mix(i + 1) % 28);
        b[i] = static_cast<int>(mix(~i)) >> (mix(i + 2) % 28);
    }
    for (int i = 0; i < count; i++) expect(a, b, i, &expected[results * i]);
    unsigned* output_device = device_zeros<unsigned>(results * count);
    run<<<count / 64, 64>>>(to_device(a), to_device(b), output_device, count);
    CHECK_KERNEL();
    std::vector<unsigned> output = to_host(output_device, results * count);
    for (int k = 0; k < results; k++) {
        int wrong = 0;
        for (int i = 0; i < count; i++) wrong += output[results * i + k] != expected[results * i + k];
        printf("%s%d:%d", k ? " " : "", k, wrong);
    }
    printf("\nchecksum %016llx\n", (unsigned long long)checksum(output));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 0:0 1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0 12:0 13:0 14:0 15:0 16:0 17:0 18:0 19:0
// EXPECT: checksum 6226c3400b2aa0f4
