// Tensor core products of bf16 (m16n8k8, m16n8k16) and of tf32 values (m16n8k4, m16n8k8) with f32 sums.
#include <cuda_bf16.h>

#include "case.h"

constexpr int m = 16, n = 8;

// A register of A or B holds two bf16 values or one of tf32.
struct Bf16 {
    using Value = __nv_bfloat16;
    static constexpr int packed = 2;
};
struct Tf32 {
    using Value = float;
    static constexpr int packed = 1;
};

struct Bf16K8 : Bf16 {
    static constexpr int k = 8;
    static __device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 "
                     "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"
                     : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
    }
};

struct Bf16K16 : Bf16 {
    static constexpr int k = 16;
    static __device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
                     : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]),
                       "f"(c[2]), "f"(c[3]));
    }
};

struct Tf32K4 : Tf32 {
    static constexpr int k = 4;
    static __device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
        asm volatile("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 "
                     "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"
                     : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
    }
};

struct Tf32K8 : Tf32 {
    static constexpr int k = 8;
    static __device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
                     : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]),
                       "f"(c[2]), "f"(c[3]));
    }
};

__device__ __nv_bfloat16 prepared(__nv_bfloat16 x) { return x; }
__device__ float prepared(float x) {
    uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));
    return __uint_as_float(rounded);
}

template <typename Mma, typename Value = typename Mma::Value>
__global__ void multiply(const Value* a, const Value* b, const float* c, float* d) {
    constexpr int k = Mma::k, packed = Mma::packed, a_count = m * k / 32, b_count = k * n / 32;
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    Value a_part[a_count], b_part[b_count];
    float c_part[4], d_part[4];
    uint32_t a_words[a_count / packed], b_words[b_count / packed];
    for (int i = 0; i < a_count; i++) {
        int word = i / packed;
        int row = group + 8 * (word % 2), column = packed * quad + i % packed + 4 * packed * (word / 2);
        a_part[i] = prepared(a[row * k + column]);
    }
    for (int i = 0; i < b_count; i++) {
        int row = packed * quad + i % packed + 4 * packed * (i / packed), column = group;
        b_part[i] = prepared(b[row * n + column]);
    }
    for (int i = 0; i < 4; i++) c_part[i] = c[(group + 8 * (i / 2)) * n + 2 * quad + i % 2];
    memcpy(a_words, a_part, sizeof(a_part));
    memcpy(b_words, b_part, sizeof(b_part));
    Mma::mma(d_part, a_words, b_words, c_part);
    for (int i = 0; i < 4; i++) d[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = d_part[i];
}

void set(__nv_bfloat16& x, float v) { x = __float2bfloat16(v); }
void set(float& x, float v) { x = v; }
double value(__nv_bfloat16 x) { return __bfloat162float(x); }
// As the tensor core sees it: 10 bits after the point, rounded to nearest, ties away from zero.
double value(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    bits = (bits + 0x1000) & ~0x1fffu;
    memcpy(&x, &bits, 4);
    return x;
}

void report(const char* name, const std::vector<float>& got, const std::vector<float>& expected, float tolerance) {
    double sum = 0;
    for (int i = 0; i < m * n; i++) {
        int row = i / n, column = i % n;
        if (!(fabsf(got[i] - expected[i]) <= tolerance)) {
            printf("%s [%d][%d] is %g, not %g\n", name, row, column, got[i], expected[i]);
            return;
        }
        sum += static_cast<double>(got[i]) * (row * 31 + column);
    }
    if (tolerance == 0) printf("%s ok %.0f\n", name, sum);
    else printf("%s within tolerance\n", name);
}

template <typename Mma>
void test(const char* name, bool fractions) {
    constexpr int k = Mma::k;
    std::vector<typename Mma::Value> a(m * k), b(k * n);
    std::vector<float> c(m * n), expected(m * n);
    // Fractions have more bits than the type, so that they are rounded on the way.
    auto number = [&](uint32_t seed) {
        return fractions ? static_cast<int>(mix(seed)) / 2147483648.0f : static_cast<int>(mix(seed) % 9) - 4.0f;
    };
    for (size_t i = 0; i < a.size(); i++) set(a[i], number(i + 1));
    for (size_t i = 0; i < b.size(); i++) set(b[i], number(i + 10000));
    for (size_t i = 0; i < c.size(); i++) c[i] = number(i + 20000);
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++) {
            double sum = c[row * n + column];
            for (int j = 0; j < k; j++) sum += value(a[row * k + j]) * value(b[j * n + column]);
            expected[row * n + column] = static_cast<float>(sum);
        }
    float* d_device = device_zeros<float>(m * n);
    multiply<Mma><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, m * n), expected, fractions ? 5e-5f : 0);
}

int main() {
    test<Bf16K8>("m16n8k8 f32.bf16.bf16.f32", false);
    test<Bf16K16>("m16n8k16 f32.bf16.bf16.f32", false);
    test<Tf32K4>("m16n8k4 f32.tf32.tf32.f32", false);
    test<Tf32K8>("m16n8k8 f32.tf32.tf32.f32", false);
    test<Bf16K16>("m16n8k16 f32.bf16.bf16.f32 fractions", true);
    test<Tf32K8>("m16n8k8 f32.tf32.tf32.f32 fractions", true);
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: m16n8k8 f32.bf16.bf16.f32 ok 123523
// EXPECT: m16n8k16 f32.bf16.bf16.f32 ok 55231
// EXPECT: m16n8k4 f32.tf32.tf32.f32 ok 29702
// EXPECT: m16n8k8 f32.tf32.tf32.f32 ok 123523
// EXPECT: m16n8k16 f32.bf16.bf16.f32 fractions within tolerance
// EXPECT: m16n8k8 f32.tf32.tf32.f32 fractions within tolerance
