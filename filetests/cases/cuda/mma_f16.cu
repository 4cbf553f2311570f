// Tensor core products m16n8k8 and m16n8k16 of f16 values with f16 and with f32 sums: each lane gathers the elements
// that its fragments hold, and scatters its part of the result. Several warps multiply at a time, each its own
// matrices.
#include <cuda_fp16.h>

#include "case.h"

constexpr int m = 16, n = 8;
constexpr int warps = 6;

struct F16K8 {
    static constexpr int k = 8;
    using Sum = __half;
    static __device__ void mma(__half* d, const uint32_t* a, const uint32_t* b, const __half* c) {
        uint32_t in[2], out[2];
        memcpy(in, c, sizeof(in));
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3}, {%4}, {%5, %6};"
                     : "=r"(out[0]), "=r"(out[1])
                     : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(in[0]), "r"(in[1]));
        memcpy(d, out, sizeof(out));
    }
};

struct F32K8 {
    static constexpr int k = 8;
    using Sum = float;
    static __device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                     "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"
                     : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
    }
};

struct F16K16 {
    static constexpr int k = 16;
    using Sum = __half;
    static __device__ void mma(__half* d, const uint32_t* a, const uint32_t* b, const __half* c) {
        uint32_t in[2], out[2];
        memcpy(in, c, sizeof(in));
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, {%8, %9};"
                     : "=r"(out[0]), "=r"(out[1])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(in[0]), "r"(in[1]));
        memcpy(d, out, sizeof(out));
    }
};

struct F32K16 {
    static constexpr int k = 16;
    using Sum = float;
    // The sums are changed in place, as in the loop of a matrix product.
    static __device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
        for (int i = 0; i < 4; i++) d[i] = c[i];
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }
};

template <typename Mma, typename Sum = typename Mma::Sum>
__global__ void multiply(const __half* a, const __half* b, const Sum* c, Sum* d) {
    constexpr int k = Mma::k;
    int lane = threadIdx.x % 32, group = lane / 4, quad = lane % 4;
    int warp = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    a += warp * m * k, b += warp * k * n, c += warp * m * n, d += warp * m * n;
    __half a_part[k / 2], b_part[k / 4];
    Sum c_part[4], d_part[4];
    uint32_t a_words[k / 4], b_words[k / 8];
    for (int i = 0; i < k / 2; i++) {
        int row = group + 8 * (i / 2 % 2), column = 2 * quad + i % 2 + 8 * (i / 4);
        a_part[i] = a[row * k + column];
    }
    for (int i = 0; i < k / 4; i++) {
        int row = 2 * quad + i % 2 + 8 * (i / 2), column = group;
        b_part[i] = b[row * n + column];
    }
    for (int i = 0; i < 4; i++) c_part[i] = c[(group + 8 * (i / 2)) * n + 2 * quad + i % 2];
    memcpy(a_words, a_part, sizeof(a_part));
    memcpy(b_words, b_part, sizeof(b_part));
    Mma::mma(d_part, a_words, b_words, c_part);
    for (int i = 0; i < 4; i++) d[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = d_part[i];
}

double value(__half x) { return __half2float(x); }
double value(float x) { return x; }
void set(__half& x, double v) { x = __float2half(static_cast<float>(v)); }
void set(float& x, double v) { x = static_cast<float>(v); }

void report(const char* name, const std::vector<double>& got, const std::vector<double>& expected, double tolerance) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / n % m, column = i % n;
        if (!(fabs(got[i] - expected[i]) <= tolerance)) {
            printf("%s warp %d [%d][%d] is %g, not %g\n", name, i / (m * n), row, column, got[i], expected[i]);
            return;
        }
        sum += got[i] * (row * 31 + column);
    }
    if (tolerance == 0) printf("%s ok %.0f\n", name, sum);
    else printf("%s within tolerance\n", name);
}

// Small integers, of which every sum is exact; or fractions, whose sums depend on the order of addition.
template <typename Mma>
void test(const char* name, bool fractions) {
    constexpr int k = Mma::k;
    std::vector<__half> a(warps * m * k), b(warps * k * n);
    std::vector<typename Mma::Sum> c(warps * m * n);
    auto number = [&](uint32_t seed) {
        return fractions ? static_cast<int>(mix(seed) % 2049) / 1024.0 - 1 : static_cast<int>(mix(seed) % 9) - 4.0;
    };
    for (size_t i = 0; i < a.size(); i++) set(a[i], number(i));
    for (size_t i = 0; i < b.size(); i++) set(b[i], number(i + 10000));
    for (size_t i = 0; i < c.size(); i++) set(c[i], number(i + 20000));
    std::vector<double> expected(c.size()), got(c.size());
    for (int i = 0; i < static_cast<int>(c.size()); i++) {
        int warp = i / (m * n), row = i / n % m, column = i % n;
        expected[i] = value(c[i]);
        for (int j = 0; j < k; j++)
            expected[i] += value(a[(warp * m + row) * k + j]) * value(b[(warp * k + j) * n + column]);
    }
    auto* d_device = device_zeros<typename Mma::Sum>(c.size());
    multiply<Mma><<<warps / 2, 64>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    auto d = to_host(d_device, c.size());
    for (size_t i = 0; i < c.size(); i++) got[i] = value(d[i]);
    report(name, got, expected, fractions ? (sizeof(typename Mma::Sum) == 2 ? 0.02 : 1e-4) : 0);
}

int main() {
    test<F16K8>("m16n8k8 f16.f16.f16.f16", false);
    test<F32K8>("m16n8k8 f32.f16.f16.f32", false);
    test<F16K16>("m16n8k16 f16.f16.f16.f16", false);
    test<F32K16>("m16n8k16 f32.f16.f16.f32", false);
    test<F16K16>("m16n8k16 f16.f16.f16.f16 fractions", true);
    test<F32K16>("m16n8k16 f32.f16.f16.f32 fractions", true);
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: m16n8k8 f16.f16.f16.f16 ok 82290
// EXPECT: m16n8k8 f32.f16.f16.f32 ok 82290
// EXPECT: m16n8k16 f16.f16.f16.f16 ok -213696
// EXPECT: m16n8k16 f32.f16.f16.f32 ok -213696
// EXPECT: m16n8k16 f16.f16.f16.f16 fractions within tolerance
// EXPECT: m16n8k16 f32.f16.f16.f32 fractions within tolerance
