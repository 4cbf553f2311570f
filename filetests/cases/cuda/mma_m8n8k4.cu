// The oldest tensor core product, m8n8k4 of f16 values: the four quad pairs of a warp each multiply their own matrices.
// All orders of A and B, with f16 and f32 sums, and f16 sums that become f32.
#include <cuda_fp16.h>

#include "case.h"

constexpr int m = 8, n = 8, k = 4, pairs = 4;

template <int order>
__device__ void mma(__half* d, const uint32_t* a, const uint32_t* b, const __half* c) {
    uint32_t in[4], out[4];
    memcpy(in, c, sizeof(in));
#define MMA(orders)                                                                                                    \
    asm volatile("mma.sync.aligned.m8n8k4." orders                                                                     \
                 ".f16.f16.f16.f16 {%0, %1, %2, %3}, {%4, %5}, {%6, %7}, {%8, %9, %10, %11};"                          \
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])                                              \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "r"(in[0]), "r"(in[1]), "r"(in[2]), "r"(in[3]))
    if (order == 0) MMA("row.row");
    if (order == 1) MMA("row.col");
    if (order == 2) MMA("col.row");
    if (order == 3) MMA("col.col");
#undef MMA
    memcpy(d, out, sizeof(out));
}

template <int order>
__device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const __half* c) {
    uint32_t in[4];
    memcpy(in, c, sizeof(in));
#define MMA(orders)                                                                                                    \
    asm volatile("mma.sync.aligned.m8n8k4." orders                                                                     \
                 ".f32.f16.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11}, {%12, %13, %14, %15};"      \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]), "=f"(d[4]), "=f"(d[5]), "=f"(d[6]), "=f"(d[7])      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "r"(in[0]), "r"(in[1]), "r"(in[2]), "r"(in[3]))
    if (order == 0) MMA("row.row");
    if (order == 1) MMA("row.col");
    if (order == 2) MMA("col.row");
    if (order == 3) MMA("col.col");
#undef MMA
}

template <int order>
__device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
#define MMA(orders)                                                                                                    \
    asm volatile("mma.sync.aligned.m8n8k4." orders                                                                     \
                 ".f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11}, "                           \
                 "{%12, %13, %14, %15, %16, %17, %18, %19};"                                                           \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]), "=f"(d[4]), "=f"(d[5]), "=f"(d[6]), "=f"(d[7])      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]), "f"(c[4]),  \
                   "f"(c[5]), "f"(c[6]), "f"(c[7]))
    if (order == 0) MMA("row.row");
    if (order == 1) MMA("row.col");
    if (order == 2) MMA("col.row");
    if (order == 3) MMA("col.col");
#undef MMA
}

// Where element i of a lane lies in C and D; f16 and f32 sums are spread differently.
template <typename Sum>
__device__ int place(int lane, int i) {
    int upper = lane / 16, row, column;
    if (sizeof(Sum) == 2) {
        row = lane % 4 + 4 * upper;
        column = i;
    } else {
        row = (lane & 1) + (i & 2) + 4 * upper;
        column = (i & 4) + (lane & 2) + (i & 1);
    }
    return row * n + column;
}

template <int order, typename Sum, typename Addend>
__global__ void multiply(const __half* a, const __half* b, const Addend* c, Sum* d) {
    int lane = threadIdx.x, pair = lane % 16 / 4, upper = lane / 16, quad = lane % 4;
    a += pair * m * k, b += pair * k * n, c += pair * m * n, d += pair * m * n;
    constexpr bool a_by_columns = order & 2, b_by_columns = order & 1;
    __half a_part[4], b_part[4];
    Addend c_part[8];
    Sum d_part[8];
    for (int i = 0; i < 4; i++) {
        int row = a_by_columns ? i + 4 * upper : quad + 4 * upper, column = a_by_columns ? quad : i;
        a_part[i] = a[row * k + column];
        row = b_by_columns ? i : quad, column = b_by_columns ? quad + 4 * upper : i + 4 * upper;
        b_part[i] = b[row * n + column];
    }
    for (int i = 0; i < 8; i++) c_part[i] = c[place<Addend>(lane, i)];
    uint32_t a_words[2], b_words[2];
    memcpy(a_words, a_part, sizeof(a_part));
    memcpy(b_words, b_part, sizeof(b_part));
    mma<order>(d_part, a_words, b_words, c_part);
    for (int i = 0; i < 8; i++) d[place<Sum>(lane, i)] = d_part[i];
}

double value(__half x) { return __half2float(x); }
double value(float x) { return x; }
void set(__half& x, float v) { x = __float2half(v); }
void set(float& x, float v) { x = v; }

void report(const char* name, const std::vector<double>& got, const std::vector<double>& expected) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / n % m, column = i % n;
        if (got[i] != expected[i]) {
            printf("%s pair %d [%d][%d] is %g, not %g\n", name, i / (m * n), row, column, got[i], expected[i]);
            return;
        }
        sum += got[i] * (row * 31 + column) * (i / (m * n) + 1);
    }
    printf("%s ok %.0f\n", name, sum);
}

template <int order, typename Sum, typename Addend>
void test(const char* name) {
    std::vector<__half> a(pairs * m * k), b(pairs * k * n);
    std::vector<Addend> c(pairs * m * n);
    auto number = [&](uint32_t seed) { return static_cast<float>(mix(seed + 1000 * order) % 9) - 4; };
    for (size_t i = 0; i < a.size(); i++) set(a[i], number(i));
    for (size_t i = 0; i < b.size(); i++) set(b[i], number(i + 10000));
    for (size_t i = 0; i < c.size(); i++) set(c[i], number(i + 20000));
    std::vector<double> expected(c.size()), got(c.size());
    for (int i = 0; i < static_cast<int>(c.size()); i++) {
        int pair = i / (m * n), row = i / n % m, column = i % n;
        expected[i] = value(c[i]);
        for (int j = 0; j < k; j++)
            expected[i] += value(a[(pair * m + row) * k + j]) * value(b[(pair * k + j) * n + column]);
    }
    Sum* d_device = device_zeros<Sum>(c.size());
    multiply<order><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    std::vector<Sum> d = to_host(d_device, c.size());
    for (size_t i = 0; i < c.size(); i++) got[i] = value(d[i]);
    report(name, got, expected);
}

int main() {
    test<0, __half, __half>("m8n8k4 row.row f16.f16.f16.f16");
    test<1, __half, __half>("m8n8k4 row.col f16.f16.f16.f16");
    test<2, __half, __half>("m8n8k4 col.row f16.f16.f16.f16");
    test<3, __half, __half>("m8n8k4 col.col f16.f16.f16.f16");
    test<0, float, __half>("m8n8k4 row.row f32.f16.f16.f16");
    test<1, float, __half>("m8n8k4 row.col f32.f16.f16.f16");
    test<2, float, __half>("m8n8k4 col.row f32.f16.f16.f16");
    test<3, float, __half>("m8n8k4 col.col f32.f16.f16.f16");
    test<0, float, float>("m8n8k4 row.row f32.f16.f16.f32");
    test<1, float, float>("m8n8k4 row.col f32.f16.f16.f32");
    test<2, float, float>("m8n8k4 col.row f32.f16.f16.f32");
    test<3, float, float>("m8n8k4 col.col f32.f16.f16.f32");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: m8n8k4 row.row f16.f16.f16.f16 ok 54003
// EXPECT: m8n8k4 row.col f16.f16.f16.f16 ok 17063
// EXPECT: m8n8k4 col.row f16.f16.f16.f16 ok -109908
// EXPECT: m8n8k4 col.col f16.f16.f16.f16 ok 121595
// EXPECT: m8n8k4 row.row f32.f16.f16.f16 ok 54003
// EXPECT: m8n8k4 row.col f32.f16.f16.f16 ok 17063
// EXPECT: m8n8k4 col.row f32.f16.f16.f16 ok -109908
// EXPECT: m8n8k4 col.col f32.f16.f16.f16 ok 121595
// EXPECT: m8n8k4 row.row f32.f16.f16.f32 ok 54003
// EXPECT: m8n8k4 row.col f32.f16.f16.f32 ok 17063
// EXPECT: m8n8k4 col.row f32.f16.f16.f32 ok -109908
// EXPECT: m8n8k4 col.col f32.f16.f16.f32 ok 121595
