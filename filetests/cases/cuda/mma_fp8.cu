// Tensor core products of 8-bit floating-point values, m16n8k16 and m16n8k32: all mixes of e4m3 and e5m2, with f32 and
// f16 sums; small integers, and single values of all sizes, denormals among them.
#include <cuda_fp16.h>

#include "case.h"

constexpr int m = 16, n = 8;

#define MMA_F32_K16(types)                                                                                             \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." types                                                        \
                 ".f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"                                           \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]))

#define MMA_F32_K32(types)                                                                                             \
    asm volatile("mma.sync.aligned.m16n8k32.row.col.f32." types                                                        \
                 ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"                            \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),  \
                   "f"(c[3]))

#define MMA_F16_K16(types)                                                                                             \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f16." types ".f16 {%0, %1}, {%2, %3}, {%4}, {%5, %6};"             \
                 : "=r"(d[0]), "=r"(d[1])                                                                              \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(c[0]), "r"(c[1]))

#define MMA_F16_K32(types)                                                                                             \
    asm volatile("mma.sync.aligned.m16n8k32.row.col.f16." types ".f16 {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, {%8, %9};" \
                 : "=r"(d[0]), "=r"(d[1])                                                                              \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]))

// Bit 0: B is of e5m2; bit 1: A is of e5m2.
#define ALL_TYPES(mma)                                                                                                 \
    if (types == 0) mma("e4m3.e4m3");                                                                                  \
    if (types == 1) mma("e4m3.e5m2");                                                                                  \
    if (types == 2) mma("e5m2.e4m3");                                                                                  \
    if (types == 3) mma("e5m2.e5m2")

template <int k, int types>
__device__ void mma(float* d, const uint32_t* a, const uint32_t* b, const float* c) {
    if constexpr (k == 16) {
        ALL_TYPES(MMA_F32_K16);
    } else {
        ALL_TYPES(MMA_F32_K32);
    }
}

template <int k, int types>
__device__ void mma(__half* sums, const uint32_t* a, const uint32_t* b, const __half* addends) {
    uint32_t c[2], d[2];
    memcpy(c, addends, sizeof(c));
    if constexpr (k == 16) {
        ALL_TYPES(MMA_F16_K16);
    } else {
        ALL_TYPES(MMA_F16_K32);
    }
    memcpy(sums, d, sizeof(d));
}

template <int k, int types, typename Sum>
__global__ void multiply(const uint8_t* a, const uint8_t* b, const Sum* c, Sum* d) {
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    uint32_t a_words[k / 8] = {}, b_words[k / 16] = {};
    Sum c_part[4], d_part[4];
    for (int i = 0; i < k / 2; i++) {
        int row = group + 8 * (i / 4 % 2), column = 4 * quad + i % 4 + 16 * (i / 8);
        a_words[i / 4] |= static_cast<uint32_t>(a[row * k + column]) << (8 * (i % 4));
    }
    for (int i = 0; i < k / 4; i++) {
        int row = 4 * quad + i % 4 + 16 * (i / 4), column = group;
        b_words[i / 4] |= static_cast<uint32_t>(b[row * n + column]) << (8 * (i % 4));
    }
    for (int i = 0; i < 4; i++) c_part[i] = c[(group + 8 * (i / 2)) * n + 2 * quad + i % 2];
    mma<k, types>(d_part, a_words, b_words, c_part);
    for (int i = 0; i < 4; i++) d[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = d_part[i];
}

// The value of a byte as e4m3 or as e5m2; infinities and NaNs are left out of this test.
double decoded(uint8_t byte, bool e5m2) {
    int point = e5m2 ? 2 : 3, bias = e5m2 ? 15 : 7;
    int exponent = (byte & 0x7f) >> point, fraction = byte & ((1 << point) - 1);
    if (exponent) fraction += 1 << point;
    double magnitude = ldexp(fraction, (exponent ? exponent : 1) - bias - point);
    return byte & 0x80 ? -magnitude : magnitude;
}
bool finite(uint8_t byte, bool e5m2) { return (byte & 0x7f) < (e5m2 ? 0x7c : 0x7f); }
uint8_t encoded(double number, bool e5m2) {
    for (int byte = 0; byte < 256; byte++)
        if (finite(byte, e5m2) && decoded(byte, e5m2) == number) return static_cast<uint8_t>(byte);
    printf("%g has no encoding\n", number);
    exit(1);
}

double value(__half x) { return __half2float(x); }
double value(float x) { return x; }
void set(__half& x, float v) { x = __float2half(v); }
void set(float& x, float v) { x = v; }

void report(const char* what, const std::vector<double>& got, const std::vector<double>& expected) {
    double sum = 0;
    for (int i = 0; i < m * n; i++) {
        int row = i / n, column = i % n;
        if (got[i] != expected[i]) {
            printf(" %s [%d][%d] is %g, not %g", what, row, column, got[i], expected[i]);
            return;
        }
        sum += got[i] * (row * 31 + column);
    }
    printf(" %s ok %.10g", what, sum);
}

// Small integers; or rows of A with values of all sizes, of which every column of B picks one.
template <int k, int types, typename Sum>
void run(const char* what, bool picked) {
    constexpr bool a_e5m2 = types & 2, b_e5m2 = types & 1;
    std::vector<uint8_t> a(m * k), b(k * n);
    std::vector<Sum> c(m * n);
    std::vector<double> expected(m * n), got(m * n);
    auto number = [](uint32_t seed) { return static_cast<int>(mix(seed) % 9) - 4; };
    for (int i = 0; i < m * k; i++) {
        a[i] = encoded(number(i + 1), a_e5m2);
        if (picked) a[i] = finite(static_cast<uint8_t>(i % 256), a_e5m2) ? static_cast<uint8_t>(i % 256) : 0x81;
    }
    for (int i = 0; i < k * n; i++) {
        b[i] = encoded(picked ? (i / n == (i % n * 5 + 3 * types) % k ? 1 : 0) : number(i + 10000), b_e5m2);
    }
    for (int i = 0; i < m * n; i++) {
        set(c[i], picked ? 0 : number(i + 20000));
        expected[i] = value(c[i]);
        for (int j = 0; j < k; j++)
            expected[i] += decoded(a[i / n * k + j], a_e5m2) * decoded(b[j * n + i % n], b_e5m2);
    }
    Sum* d_device = device_zeros<Sum>(m * n);
    multiply<k, types><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    std::vector<Sum> d = to_host(d_device, m * n);
    for (int i = 0; i < m * n; i++) got[i] = value(d[i]);
    report(what, got, expected);
}

template <int k, int types>
void test() {
    printf("m16n8k%d %s.%s:", k, types & 2 ? "e5m2" : "e4m3", types & 1 ? "e5m2" : "e4m3");
    run<k, types, float>("f32", false);
    run<k, types, __half>("f16", false);
    run<k, types, float>("picked f32", true);
    run<k, types, __half>("picked f16", true);
    printf("\n");
}

int main() {
    test<16, 0>(), test<16, 1>(), test<16, 2>(), test<16, 3>();
    test<32, 0>(), test<32, 1>(), test<32, 2>(), test<32, 3>();
    return 0;
}

// RUN: nvcc -arch=compute_89
// EXPECT-EXIT: 0
// EXPECT: m16n8k16 e4m3.e4m3: f32 ok 55231 f16 ok 55231 picked f32 ok -621638.5312 picked f16 ok -621638.5312
// EXPECT: m16n8k16 e4m3.e5m2: f32 ok 55231 f16 ok 55231 picked f32 ok -661318.1562 picked f16 ok -661318.1562
// EXPECT: m16n8k16 e5m2.e4m3: f32 ok 55231 f16 ok 55231 picked f32 ok -59323187.18 picked f16 ok -59323187.18
// EXPECT: m16n8k16 e5m2.e5m2: f32 ok 55231 f16 ok 55231 picked f32 ok -38194380.8 picked f16 ok -38194380.8
// EXPECT: m16n8k32 e4m3.e4m3: f32 ok -105525 f16 ok -105525 picked f32 ok -332244.9219 picked f16 ok -332244.9219
// EXPECT: m16n8k32 e4m3.e5m2: f32 ok -105525 f16 ok -105525 picked f32 ok -287804.4844 picked f16 ok -287804.4844
// EXPECT: m16n8k32 e5m2.e4m3: f32 ok -105525 f16 ok -105525 picked f32 ok -21654636.43 picked f16 ok -21654636.43
// EXPECT: m16n8k32 e5m2.e5m2: f32 ok -105525 f16 ok -105525 picked f32 ok -15631492.52 picked f16 ok -15631492.52
