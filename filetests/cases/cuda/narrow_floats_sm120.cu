// Floats of 6 and 4 bits and scales that are powers of two, as compute capability 12.0 converts them: cuda_fp6.h, cuda_fp4.h
// and cuda_fp8.h use its instructions in kernels, and arithmetic of their own on the host.
#include "case.h"

#include <cuda_fp4.h>
#include <cuda_fp6.h>
#include <cuda_fp8.h>

constexpr int count = 1 << 16, results = 12;

__host__ __device__ uint32_t word(__half2_raw pair) { return pair.x | static_cast<uint32_t>(pair.y) << 16; }

// The same for host and device.
__host__ __device__ void convert(float2 pair, unsigned codes, uint32_t* r) {
    r[0] = __nv_cvt_float2_to_fp6x2(pair, __NV_E2M3, cudaRoundNearest);
    r[1] = __nv_cvt_float2_to_fp6x2(pair, __NV_E3M2, cudaRoundNearest);
    r[2] = __nv_cvt_float2_to_fp4x2(pair, __NV_E2M1, cudaRoundNearest);
    r[3] = word(__nv_cvt_fp6x2_to_halfraw2(static_cast<__nv_fp6x2_storage_t>(codes & 0x3f3f), __NV_E2M3));
    r[4] = word(__nv_cvt_fp6x2_to_halfraw2(static_cast<__nv_fp6x2_storage_t>(codes & 0x3f3f), __NV_E3M2));
    r[5] = word(__nv_cvt_fp4x2_to_halfraw2(static_cast<__nv_fp4x2_storage_t>(codes & 0xff), __NV_E2M1));
    r[6] = __nv_cvt_float2_to_e8m0x2(pair, __NV_SATFINITE, cudaRoundPosInf);
    r[7] = __nv_cvt_float2_to_e8m0x2(pair, __NV_NOSAT, cudaRoundPosInf);
    r[8] = __nv_cvt_float2_to_e8m0x2(pair, __NV_SATFINITE, cudaRoundZero);
    r[9] = __nv_cvt_float2_to_e8m0x2(pair, __NV_NOSAT, cudaRoundZero);
    __nv_bfloat162_raw powers = __nv_cvt_e8m0x2_to_bf162raw(static_cast<__nv_fp8x2_storage_t>(codes));
    r[10] = powers.x | static_cast<uint32_t>(powers.y) << 16;
    __nv_bfloat162_raw halves;
    halves.x = static_cast<unsigned short>(codes), halves.y = static_cast<unsigned short>(~codes);
    r[11] = __nv_cvt_bfloat162raw_to_e8m0x2(halves, __NV_SATFINITE, cudaRoundPosInf);
}

__global__ void run(const float2* pairs, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    convert(pairs[i], i, output + results * i);
}

// Any bits, numbers near those of the formats, ties among them.
static float input(uint32_t i) {
    uint32_t bits = mix(i);
    if (i % 4 == 1) bits = (bits & 0x807fffff) | (120 + bits / 8 % 14) << 23;
    if (i % 4 == 2) bits = (bits & 0x80780001) | (118 + bits / 8 % 14) << 23;
    if (i % 64 == 3) bits = (bits & 0x80000000) | 0x7f800000 | (i & 64 ? 0x400000 : 0);
    if (i % 64 == 7) bits &= 0x80000000;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

int main() {
    std::vector<float2> pairs(count);
    std::vector<uint32_t> expected(results * count);
    for (int i = 0; i < count; i++) {
        pairs[i] = {input(2 * i), input(2 * i + 1)};
        convert(pairs[i], i, &expected[results * i]);
    }
    uint32_t* output = device_zeros<uint32_t>(results * count);
    run<<<count / 256, 256>>>(to_device(pairs), output);
    CHECK_KERNEL();
    std::vector<uint32_t> got = to_host(output, results * count);
    const char* names[] = {"e2m3 of f32", "e3m2 of f32", "e2m1 of f32", "f16 of e2m3", "f16 of e3m2", "f16 of e2m1",
                           "ue8m0 of f32, up, finite", "ue8m0 of f32, up", "ue8m0 of f32, down, finite", "ue8m0 of f32, down",
                           "bf16 of ue8m0", "ue8m0 of bf16, up, finite"};
    for (int k = 0; k < results; k++) {
        std::vector<uint32_t> mine(count), theirs(count);
        for (int i = 0; i < count; i++) mine[i] = got[results * i + k], theirs[i] = expected[results * i + k];
        printf("%s: mismatches %d, sum %016llx\n", names[k], mismatches(mine, theirs),
               static_cast<unsigned long long>(checksum(mine)));
    }
    return 0;
}

// RUN: nvcc -arch=compute_120a
// EXPECT-EXIT: 0
// EXPECT: e2m3 of f32: mismatches 0, sum 5c1bae68e580f66a
// EXPECT: e3m2 of f32: mismatches 0, sum 7dae00a8ac8f8638
// EXPECT: e2m1 of f32: mismatches 0, sum 2c4ea8c6553d3747
// EXPECT: f16 of e2m3: mismatches 0, sum f55406e983e3d325
// EXPECT: f16 of e3m2: mismatches 0, sum 038b7bec5b172325
// EXPECT: f16 of e2m1: mismatches 0, sum d5300dc48c932325
// EXPECT: ue8m0 of f32, up, finite: mismatches 0, sum 610534b5405d4ec4
// EXPECT: ue8m0 of f32, up: mismatches 0, sum 5213edd494478dec
// EXPECT: ue8m0 of f32, down, finite: mismatches 0, sum 464cce1d6c6c4b27
// EXPECT: ue8m0 of f32, down: mismatches 0, sum bae82c82786085c3
// EXPECT: bf16 of ue8m0: mismatches 0, sum 731229c35aa1ea6d
// EXPECT: ue8m0 of bf16, up, finite: mismatches 0, sum ec581f7dc3afddc9
