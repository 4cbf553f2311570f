// Tensor core products of single bits, m8n8k128, m16n8k128 and m16n8k256: the number of bits that differ (xor) or are
// set in both (and), added to s32 sums.
#include "case.h"

constexpr int n = 8;

#define MMA_SMALL(op)                                                                                                  \
    asm volatile("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32." op " {%0, %1}, {%2}, {%3}, {%4, %5};"              \
                 : "=r"(d[0]), "=r"(d[1])                                                                              \
                 : "r"(a[0]), "r"(b[0]), "r"(c[0]), "r"(c[1]))

#define MMA_MIDDLE(op)                                                                                                 \
    asm volatile("mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32." op                                                \
                 " {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"                                               \
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]))

#define MMA_LARGE(op)                                                                                                  \
    asm volatile("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32." op                                                \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"                                \
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]), "r"(c[2]),  \
                   "r"(c[3]))

// The bits of a row of A lie in words one after the other, so do those of a column of B.
template <int m, int k, bool conjunction>
__global__ void multiply(const uint32_t* a_bits, const uint32_t* b_bits, const int* sums, int* result) {
    constexpr int words = k / 32, count = m * n / 32;
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    uint32_t a[m * words / 32], b[n * words / 32];
    int c[count], d[count];
    for (int i = 0; i < m * words / 32; i++) a[i] = a_bits[(group + 8 * (i % 2)) * words + quad + 4 * (i / 2)];
    for (int i = 0; i < n * words / 32; i++) b[i] = b_bits[group * words + quad + 4 * i];
    for (int i = 0; i < count; i++) c[i] = sums[(group + 8 * (i / 2)) * n + 2 * quad + i % 2];
    if constexpr (m == 8) {
        if (conjunction) MMA_SMALL("and.popc");
        else MMA_SMALL("xor.popc");
    } else if constexpr (k == 128) {
        if (conjunction) MMA_MIDDLE("and.popc");
        else MMA_MIDDLE("xor.popc");
    } else {
        if (conjunction) MMA_LARGE("and.popc");
        else MMA_LARGE("xor.popc");
    }
    for (int i = 0; i < count; i++) result[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = d[i];
}

void report(const char* name, const std::vector<int>& got, const std::vector<int>& expected) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / n, column = i % n;
        if (got[i] != expected[i]) {
            printf("%s [%d][%d] is %d, not %d\n", name, row, column, got[i], expected[i]);
            return;
        }
        sum += static_cast<double>(got[i]) * (row * 31 + column);
    }
    printf("%s ok %.0f\n", name, sum);
}

template <int m, int k, bool conjunction>
void test(const char* name) {
    constexpr int words = k / 32;
    std::vector<uint32_t> a(m * words), b(n * words);
    std::vector<int> c(m * n), expected;
    for (int i = 0; i < m * words; i++) a[i] = mix(i + 1);
    for (int i = 0; i < n * words; i++) b[i] = mix(i + 10000) | mix(i + 11000);
    for (int i = 0; i < m * n; i++) c[i] = static_cast<int>(mix(i + 20000) % 2001) - 1000;
    expected = c;
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++)
            for (int bit = 0; bit < k; bit++) {
                int x = a[row * words + bit / 32] >> (bit % 32) & 1, y = b[column * words + bit / 32] >> (bit % 32) & 1;
                expected[row * n + column] += conjunction ? x & y : x ^ y;
            }
    int* d_device = device_zeros<int>(m * n);
    multiply<m, k, conjunction><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, m * n), expected);
}

int main() {
    test<8, 128, false>("m8n8k128 s32.b1.b1.s32.xor.popc");
    test<8, 128, true>("m8n8k128 s32.b1.b1.s32.and.popc");
    test<16, 128, false>("m16n8k128 s32.b1.b1.s32.xor.popc");
    test<16, 128, true>("m16n8k128 s32.b1.b1.s32.and.popc");
    test<16, 256, false>("m16n8k256 s32.b1.b1.s32.xor.popc");
    test<16, 256, true>("m16n8k256 s32.b1.b1.s32.and.popc");
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: m8n8k128 s32.b1.b1.s32.xor.popc ok 431038
// EXPECT: m8n8k128 s32.b1.b1.s32.and.popc ok 329380
// EXPECT: m16n8k128 s32.b1.b1.s32.xor.popc ok 5041465
// EXPECT: m16n8k128 s32.b1.b1.s32.and.popc ok 4511920
// EXPECT: m16n8k256 s32.b1.b1.s32.xor.popc ok 7000771
// EXPECT: m16n8k256 s32.b1.b1.s32.and.popc ok 5882105
