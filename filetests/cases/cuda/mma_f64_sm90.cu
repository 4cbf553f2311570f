// The larger tensor core products of f64 values, m16n8k4, m16n8k8 and m16n8k16, which came with sm_90.
#include "case.h"

struct M16K4 {
    static constexpr int m = 16, k = 4;
    static __device__ void mma(double* d, const double* a, const double* b, const double* c) {
        asm volatile("mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 "
                     "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"
                     : "=d"(d[0]), "=d"(d[1]), "=d"(d[2]), "=d"(d[3])
                     : "d"(a[0]), "d"(a[1]), "d"(b[0]), "d"(c[0]), "d"(c[1]), "d"(c[2]), "d"(c[3]));
    }
};

struct M16K8 {
    static constexpr int m = 16, k = 8;
    static __device__ void mma(double* d, const double* a, const double* b, const double* c) {
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 "
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
                     : "=d"(d[0]), "=d"(d[1]), "=d"(d[2]), "=d"(d[3])
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]), "d"(c[0]), "d"(c[1]),
                       "d"(c[2]), "d"(c[3]));
    }
};

struct M16K16 {
    static constexpr int m = 16, k = 16;
    static __device__ void mma(double* d, const double* a, const double* b, const double* c) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 "
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7, %8, %9, %10, %11}, {%12, %13, %14, %15}, {%16, %17, %18, %19};"
                     : "=d"(d[0]), "=d"(d[1]), "=d"(d[2]), "=d"(d[3])
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]),
                       "d"(b[0]), "d"(b[1]), "d"(b[2]), "d"(b[3]), "d"(c[0]), "d"(c[1]), "d"(c[2]), "d"(c[3]));
    }
};

template <typename Mma>
__global__ void multiply(const double* a, const double* b, const double* c, double* d) {
    constexpr int m = Mma::m, n = 8, k = Mma::k, a_count = m * k / 32, b_count = k * n / 32, c_count = m * n / 32;
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    double a_part[a_count], b_part[b_count], c_part[c_count], d_part[c_count];
    for (int i = 0; i < a_count; i++) {
        int row = group + 8 * (i % 2), column = quad + 4 * (i / 2);
        a_part[i] = a[row * k + column];
    }
    for (int i = 0; i < b_count; i++) {
        int row = quad + 4 * i, column = group;
        b_part[i] = b[row * n + column];
    }
    for (int i = 0; i < c_count; i++) c_part[i] = c[(group + 8 * (i / 2)) * n + 2 * quad + i % 2];
    Mma::mma(d_part, a_part, b_part, c_part);
    for (int i = 0; i < c_count; i++) d[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = d_part[i];
}

void report(const char* name, const std::vector<double>& got, const std::vector<double>& expected, double tolerance) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / 8, column = i % 8;
        if (!(fabs(got[i] - expected[i]) <= tolerance)) {
            printf("%s [%d][%d] is %.17g, not %.17g\n", name, row, column, got[i], expected[i]);
            return;
        }
        sum += got[i] * (row * 31 + column);
    }
    if (tolerance == 0) printf("%s ok %.0f\n", name, sum);
    else printf("%s within tolerance\n", name);
}

template <typename Mma>
void test(const char* name, bool fractions) {
    constexpr int m = Mma::m, n = 8, k = Mma::k;
    std::vector<double> a(m * k), b(k * n), c(m * n), expected;
    // Integers of 20 bits: their products need more than an f32 holds.
    auto number = [&](uint32_t seed) {
        return fractions ? static_cast<int>(mix(seed)) / 2147483648.0 : static_cast<int>(mix(seed)) / 4096;
    };
    for (size_t i = 0; i < a.size(); i++) a[i] = number(i + 1);
    for (size_t i = 0; i < b.size(); i++) b[i] = number(i + 10000);
    for (size_t i = 0; i < c.size(); i++) c[i] = number(i + 20000);
    expected = c;
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++)
            for (int j = 0; j < k; j++) expected[row * n + column] += a[row * k + j] * b[j * n + column];
    double* d_device = device_zeros<double>(m * n);
    multiply<Mma><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, m * n), expected, fractions ? 1e-13 : 0);
}

int main() {
    test<M16K4>("m16n8k4 f64.f64.f64.f64", false);
    test<M16K8>("m16n8k8 f64.f64.f64.f64", false);
    test<M16K16>("m16n8k16 f64.f64.f64.f64", false);
    test<M16K16>("m16n8k16 f64.f64.f64.f64 fractions", true);
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: m16n8k4 f64.f64.f64.f64 ok -149269616881228
// EXPECT: m16n8k8 f64.f64.f64.f64 ok 450835018529893
// EXPECT: m16n8k16 f64.f64.f64.f64 ok -755142952783893
// EXPECT: m16n8k16 f64.f64.f64.f64 fractions within tolerance
