// f16 arithmetic: every operation rounds once, so the host can repeat it exactly through f64; packed pairs, fused
// operations, comparisons, conversions in all rounding modes.
#include <cuda_fp16.h>

#include "case.h"

// An independent f64 -> f16 rounding to nearest even; exact for results of one f16 operation.
uint16_t round_to_half(double x) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    uint16_t sign = static_cast<uint16_t>(bits >> 48 & 0x8000);
    int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
    uint64_t fraction = (bits & 0xfffffffffffffull) | 1ull << 52;
    if (exponent == 1024) return (bits & 0xfffffffffffffull) ? 0x7fff : sign | 0x7c00;
    if (exponent < -26) return sign;
    int drop = exponent < -14 ? 42 + (-14 - exponent) : 42;
    uint64_t kept = fraction >> drop, rest = fraction & ((1ull << drop) - 1), half = 1ull << (drop - 1);
    if (rest > half || (rest == half && (kept & 1))) kept++;
    uint64_t result = exponent < -14 ? kept : kept + (static_cast<uint64_t>(exponent + 14) << 10);
    return static_cast<uint16_t>(sign | (result > 0x7c00 ? 0x7c00 : result));
}

double value_of(uint16_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    double magnitude = exponent == 0 ? fraction / 16777216.0 : (1024 + fraction) / 1024.0;
    for (int e = 15; exponent != 0 && e < exponent; e++) magnitude *= 2;
    for (int e = exponent; exponent != 0 && e < 15; e++) magnitude /= 2;
    return bits & 0x8000 ? -magnitude : magnitude;
}

__device__ uint16_t bits(__half h) { return __half_as_ushort(h); }

__global__ void scalar(const uint16_t* a, const uint16_t* b, const uint16_t* c, uint16_t* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    __half x = __ushort_as_half(a[i]), y = __ushort_as_half(b[i]), z = __ushort_as_half(c[i]);
    uint16_t* mine = output + 6 * i;
    mine[0] = bits(__hadd_rn(x, y));
    mine[1] = bits(__hsub_rn(x, y));
    mine[2] = bits(__hmul_rn(x, y));
    mine[3] = bits(__hfma(x, y, z));
    mine[4] = bits(__hneg(__habs(x)));
    mine[5] = __hlt(x, y) | __hge(x, y) << 1 | __heq(x, x) << 2 | __hne(x, z) << 3;
}

__global__ void packed(const __half2* a, const __half2* b, __half2* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    __half2 sum = __hadd2_rn(a[i], b[i]);
    __half2 swapped = __lowhigh2highlow(__hmul2_rn(sum, b[i]));
    output[i] = __hfma2(swapped, __halves2half2(__low2half(a[i]), __high2half(b[i])), __float2half2_rn(0.5f));
}

__global__ void conversions(const float* input, uint16_t* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float x = input[i];
    output[6 * i] = bits(__float2half_rn(x));
    output[6 * i + 1] = bits(__float2half_rz(x));
    output[6 * i + 2] = bits(__float2half_ru(x));
    output[6 * i + 3] = bits(__float2half_rd(x));
    output[6 * i + 4] = static_cast<uint16_t>(__half2int_rn(__float2half_rn(x)));
    output[6 * i + 5] = bits(__int2half_rn(static_cast<int>(x)));
}

int main() {
    const int count = 20000;
    std::vector<uint16_t> a(count), b(count), c(count), expected(6 * count);
    for (int i = 0; i < count; i++) {
        // Finite values of all sizes, denormals among them.
        a[i] = mix(i) & 0x8000 | (mix(i) >> 16) % 0x7c00;
        b[i] = mix(i + count) & 0x8000 | (mix(i + count) >> 16) % 0x7c00;
        c[i] = mix(i + 2 * count) & 0x8000 | (mix(i + 2 * count) >> 16) % 0x7c00;
        double x = value_of(a[i]), y = value_of(b[i]), z = value_of(c[i]);
        uint16_t row[6] = {round_to_half(x + y),
                           round_to_half(x - y),
                           round_to_half(x * y),
                           0,
                           static_cast<uint16_t>(a[i] | 0x8000),
                           static_cast<uint16_t>((x < y) | (x >= y) << 1 | 4 | (x != z) << 3)};
        // x*y is exact in f64; the sum may not be, but is rounded to odd below bit 53 only when it cannot matter.
        double product = x * y, sum = product + z, error = (product - (sum - (sum - product))) + (z - (sum - product));
        uint16_t fused = round_to_half(sum);
        if (error != 0) {
            uint64_t raw;
            memcpy(&raw, &sum, 8);
            bool away = (error > 0) == (sum > 0);
            if (!away) raw--;
            raw |= 1;  // sticky: somewhere strictly between two f64 values
            memcpy(&sum, &raw, 8);
            fused = round_to_half(sum);
        }
        row[3] = fused;
        memcpy(&expected[6 * i], row, sizeof(row));
    }
    uint16_t *a_device = to_device(a), *b_device = to_device(b), *c_device = to_device(c);
    uint16_t* output_device = device_zeros<uint16_t>(6 * count);
    scalar<<<(count + 127) / 128, 128>>>(a_device, b_device, c_device, output_device, count);
    CHECK_KERNEL();
    std::vector<uint16_t> output = to_host(output_device, 6 * count);
    int wrong[6] = {};
    // The sign of a zero or the payload of nothing else may differ: compare bits.
    for (int i = 0; i < 6 * count; i++) wrong[i % 6] += output[i] != expected[i];
    printf("add %d sub %d mul %d fma %d neg-abs %d compare %d mismatches\n", wrong[0], wrong[1], wrong[2], wrong[3],
           wrong[4], wrong[5]);

    uint16_t* packed_device = device_zeros<uint16_t>(count);
    packed<<<(count / 2 + 127) / 128, 128>>>(reinterpret_cast<__half2*>(a_device), reinterpret_cast<__half2*>(b_device),
                                             reinterpret_cast<__half2*>(packed_device), count / 2);
    CHECK_KERNEL();
    std::vector<uint16_t> pairs = to_host(packed_device, count);
    // NaNs have one encoding (0x7fff) after arithmetic, so the checksum is that of any conforming device.
    printf("packed checksum %016llx\n", (unsigned long long)checksum(pairs));

    std::vector<float> floats(count);
    for (int i = 0; i < count; i++) floats[i] = (static_cast<int>(mix(i)) >> (i % 24)) / 65536.0f;
    conversions<<<(count + 127) / 128, 128>>>(to_device(floats), output_device, count);
    CHECK_KERNEL();
    output = to_host(output_device, 6 * count);
    int nearest = 0, order = 0;
    for (int i = 0; i < count; i++) {
        nearest += output[6 * i] != round_to_half(floats[i]);
        double toward_zero = value_of(output[6 * i + 1]), up = value_of(output[6 * i + 2]),
               down = value_of(output[6 * i + 3]);
        order += !(down <= floats[i] && floats[i] <= up && (toward_zero == up || toward_zero == down));
    }
    printf("conversions: nearest mismatches %d, directed mismatches %d, checksum %016llx\n", nearest, order,
           (unsigned long long)checksum(output));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: add 0 sub 0 mul 0 fma 0 neg-abs 0 compare 0 mismatches
// EXPECT: packed checksum c658ecdda7a07258
// EXPECT: conversions: nearest mismatches 0, directed mismatches 0, checksum 209fa4a3da70867c
