// Conversions to and from pairs of 8-bit floats: from single and half precision, with and without .relu, and back; the
// host's functions of cuda_fp8.h say what is right.
#include "case.h"

#include <cuda_fp8.h>

constexpr int count = 1 << 18, results = 10;

// Four kinds of input: any bits, numbers near those of the formats, small ones, and what is special.
static float input(uint32_t i) {
    uint32_t bits = mix(i);
    switch (i % 4) {
    case 0: break;
    case 1: bits = (bits & 0x807fffff) | (112 + bits / 8 % 32) << 23; break;
    case 2: bits = (bits & 0x80700001) | (108 + bits / 8 % 36) << 23; break;
    default: {
        const uint32_t special[] = {0, 0x7f800000, 0x7fc00000, 0x7f800001, 1, 0x43e00000, 0x43e80000, 0x47600000, 0x477fffff, 0x3f800000};
        bits = special[bits / 4 % 10] | (bits & 0x80000000);
    }
    }
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

__global__ void convert(const float2* pairs, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float2 pair = pairs[i];
    uint32_t* r = output + results * i;
    r[0] = __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E4M3);
    r[1] = __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E5M2);
    __half2_raw halves = static_cast<__half2_raw>(__floats2half2_rn(pair.x, pair.y));
    r[2] = __nv_cvt_halfraw2_to_fp8x2(halves, __NV_SATFINITE, __NV_E4M3);
    r[3] = __nv_cvt_halfraw2_to_fp8x2(halves, __NV_SATFINITE, __NV_E5M2);
    unsigned short short_result;
    unsigned packed = halves.x | static_cast<unsigned>(halves.y) << 16;
    asm("cvt.rn.satfinite.relu.e4m3x2.f32 %0, %1, %2;" : "=h"(short_result) : "f"(pair.y), "f"(pair.x));
    r[4] = short_result;
    asm("cvt.rn.satfinite.relu.e5m2x2.f32 %0, %1, %2;" : "=h"(short_result) : "f"(pair.y), "f"(pair.x));
    r[5] = short_result;
    asm("cvt.rn.satfinite.relu.e4m3x2.f16x2 %0, %1;" : "=h"(short_result) : "r"(packed));
    r[6] = short_result;
    asm("cvt.rn.satfinite.relu.e5m2x2.f16x2 %0, %1;" : "=h"(short_result) : "r"(packed));
    r[7] = short_result;
    // Any pair of codes, back to half precision.
    unsigned short codes = static_cast<unsigned short>(i);
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(r[8]) : "h"(codes));
    asm("cvt.rn.relu.f16x2.e5m2x2 %0, %1;" : "=r"(r[9]) : "h"(codes));
}

// Negative numbers become 0; a NaN has no sign to look at.
static uint32_t relu(uint32_t pair, uint32_t infinity) {
    for (int shift = 0; shift < 16; shift += 8) {
        uint32_t code = pair >> shift & 0xff;
        if (code >= 0x80 && (code & 0x7f) <= infinity) pair &= ~(0xffu << shift);
    }
    return pair;
}

int main() {
    std::vector<float2> pairs(count);
    std::vector<uint32_t> expected(results * count);
    for (int i = 0; i < count; i++) {
        float2 pair = pairs[i] = {input(2 * i), input(2 * i + 1)};
        uint32_t* e = &expected[results * i];
        e[0] = __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E4M3);
        e[1] = __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E5M2);
        __half2_raw halves = static_cast<__half2_raw>(__floats2half2_rn(pair.x, pair.y));
        e[2] = __nv_cvt_halfraw2_to_fp8x2(halves, __NV_SATFINITE, __NV_E4M3);
        e[3] = __nv_cvt_halfraw2_to_fp8x2(halves, __NV_SATFINITE, __NV_E5M2);
        e[4] = relu(e[0], 0x7e), e[5] = relu(e[1], 0x7c), e[6] = relu(e[2], 0x7e), e[7] = relu(e[3], 0x7c);
        __half2_raw back = __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(i), __NV_E4M3);
        e[8] = back.x | static_cast<uint32_t>(back.y) << 16;
        back = __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(i), __NV_E5M2);
        e[9] = (back.x >= 0x8000 ? 0 : back.x) | (back.y >= 0x8000 ? 0 : static_cast<uint32_t>(back.y) << 16);
    }
    uint32_t* output = device_zeros<uint32_t>(results * count);
    convert<<<count / 256, 256>>>(to_device(pairs), output);
    CHECK_KERNEL();
    std::vector<uint32_t> got = to_host(output, results * count);
    const char* names[] = {"e4m3 of f32", "e5m2 of f32", "e4m3 of f16", "e5m2 of f16", "e4m3 of f32, relu",
                           "e5m2 of f32, relu", "e4m3 of f16, relu", "e5m2 of f16, relu", "f16 of e4m3", "f16 of e5m2, relu"};
    for (int k = 0; k < results; k++) {
        std::vector<uint32_t> mine(count), theirs(count);
        for (int i = 0; i < count; i++) mine[i] = got[results * i + k], theirs[i] = expected[results * i + k];
        printf("%s: mismatches %d, sum %016llx\n", names[k], mismatches(mine, theirs),
               static_cast<unsigned long long>(checksum(mine)));
    }
    return 0;
}

// RUN: nvcc -arch=compute_89
// EXPECT-EXIT: 0
// EXPECT: e4m3 of f32: mismatches 0, sum faa8e114ca564a44
// EXPECT: e5m2 of f32: mismatches 0, sum 662b81072a030aa8
// EXPECT: e4m3 of f16: mismatches 0, sum 1626cfafc564ae30
// EXPECT: e5m2 of f16: mismatches 0, sum c4a3dd40150962c0
// EXPECT: e4m3 of f32, relu: mismatches 0, sum 5d26159a6ff0727a
// EXPECT: e5m2 of f32, relu: mismatches 0, sum 8a2b57001c9ad144
// EXPECT: e4m3 of f16, relu: mismatches 0, sum 952a085278104aa3
// EXPECT: e5m2 of f16, relu: mismatches 0, sum 87a00e5bf104835c
// EXPECT: f16 of e4m3: mismatches 0, sum b46771df768f13a5
// EXPECT: f16 of e5m2, relu: mismatches 0, sum 137390d997c30dc5
