// bfloat16: conversions, arithmetic through fused operations, packed pairs, comparisons and a dot product.
#include <cuda_bf16.h>

#include "case.h"

float from_bits(uint16_t bits) {
    uint32_t word = static_cast<uint32_t>(bits) << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
}

// Round to nearest even by adding half of the last kept place.
uint16_t to_bits(float value) {
    uint32_t word;
    memcpy(&word, &value, 4);
    return static_cast<uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

__global__ void arithmetic(const __nv_bfloat16* a, const __nv_bfloat16* b, uint16_t* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    uint16_t* mine = output + 5 * i;
    mine[0] = __bfloat16_as_ushort(__hadd(a[i], b[i]));
    mine[1] = __bfloat16_as_ushort(__hmul(a[i], b[i]));
    mine[2] = __bfloat16_as_ushort(__hfma(a[i], b[i], __float2bfloat16(1.0f)));
    mine[3] = __bfloat16_as_ushort(__hmax(a[i], b[i]));
    mine[4] = __hlt(a[i], b[i]) | __heq(a[i], b[i]) << 1;
}

__global__ void dot(const __nv_bfloat162* a, const __nv_bfloat162* b, int pairs, float* result) {
    float sum = 0;
    for (int i = threadIdx.x; i < pairs; i += 32) {
        float2 product = __bfloat1622float2(__hmul2(a[i], b[i]));
        sum += product.x + product.y;
    }
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (threadIdx.x == 0) *result = sum;
}

__global__ void convert(const float* input, uint16_t* nearest, uint16_t* to_zero, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    nearest[i] = __bfloat16_as_ushort(__float2bfloat16_rn(input[i]));
    to_zero[i] = __bfloat16_as_ushort(__float2bfloat16_rz(input[i]));
}

int main() {
    const int count = 20000;
    std::vector<uint16_t> a(count), b(count), expected(5 * count);
    for (int i = 0; i < count; i++) {
        // Exponents near each other: the f32 result of one operation is exact, and its rounding is bf16's rounding.
        a[i] = static_cast<uint16_t>((mix(i) & 0x8000) | (120 + mix(i) % 12) << 7 | (mix(i) >> 20 & 0x7f));
        b[i] = static_cast<uint16_t>((mix(~i) & 0x8000) | (120 + mix(~i) % 12) << 7 | (mix(~i) >> 20 & 0x7f));
        float x = from_bits(a[i]), y = from_bits(b[i]);
        uint16_t row[5] = {to_bits(x + y), to_bits(x * y), 0, to_bits(x > y ? x : y),
                           static_cast<uint16_t>((x < y) | (x == y) << 1)};
        double exact = static_cast<double>(x) * y + 1.0;
        // x*y + 1 needs at most 25 bits or so: one f32 is not always enough, so round the double by hand.
        float low = static_cast<float>(exact);
        uint32_t word;
        memcpy(&word, &low, 4);
        if (low != exact) {
            if ((low > exact) == (low > 0)) word--;
            word |= 1;
            memcpy(&low, &word, 4);
        }
        row[2] = to_bits(low);
        memcpy(&expected[5 * i], row, sizeof(row));
    }
    uint16_t *a_device = to_device(a), *b_device = to_device(b), *output_device = device_zeros<uint16_t>(5 * count);
    arithmetic<<<(count + 127) / 128, 128>>>(reinterpret_cast<__nv_bfloat16*>(a_device),
                                             reinterpret_cast<__nv_bfloat16*>(b_device), output_device, count);
    CHECK_KERNEL();
    std::vector<uint16_t> output = to_host(output_device, 5 * count);
    int wrong[5] = {};
    for (int i = 0; i < 5 * count; i++) wrong[i % 5] += output[i] != expected[i];
    printf("add %d mul %d fma %d max %d compare %d mismatches\n", wrong[0], wrong[1], wrong[2], wrong[3], wrong[4]);

    std::vector<uint16_t> small_a(2000), small_b(2000);
    float total = 0;
    for (int i = 0; i < 2000; i++) {
        int x = static_cast<int>(mix(i) % 15) - 7, y = static_cast<int>(mix(~i) % 15) - 7;
        small_a[i] = to_bits(static_cast<float>(x)), small_b[i] = to_bits(static_cast<float>(y));
        total += x * y;
    }
    float* result_device = device_zeros<float>(1);
    dot<<<1, 32>>>(reinterpret_cast<__nv_bfloat162*>(to_device(small_a)),
                   reinterpret_cast<__nv_bfloat162*>(to_device(small_b)), 1000, result_device);
    CHECK_KERNEL();
    printf("dot %.0f, expected %.0f\n", to_host(result_device, 1)[0], total);

    std::vector<float> floats(count);
    for (int i = 0; i < count; i++) floats[i] = static_cast<float>(static_cast<int>(mix(i * 7))) / 65536.0f;
    convert<<<(count + 127) / 128, 128>>>(to_device(floats), output_device, output_device + count, count);
    CHECK_KERNEL();
    output = to_host(output_device, 2 * count);
    int wrong_nearest = 0, wrong_zero = 0;
    for (int i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &floats[i], 4);
        wrong_nearest += output[i] != to_bits(floats[i]);
        wrong_zero += output[count + i] != word >> 16;
    }
    printf("conversions: %d %d mismatches\n", wrong_nearest, wrong_zero);
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: add 0 mul 0 fma 0 max 0 compare 0 mismatches
// EXPECT: dot 40, expected 40
// EXPECT: conversions: 0 0 mismatches
