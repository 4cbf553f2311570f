// Tensor core products of 8-bit integers, m8n8k16, m16n8k16 and m16n8k32: all mixes of signed and unsigned values, with
// sums that wrap around and sums that saturate (.satfinite).
#include "case.h"

constexpr int n = 8;

#define MMA_SMALL(types)                                                                                               \
    asm volatile("mma.sync.aligned.m8n8k16.row.col" types                                                              \
                 " {%0, %1}, {%2}, {%3}, {%4, %5};"                                                                    \
                 : "=r"(d[0]), "=r"(d[1])                                                                              \
                 : "r"(a[0]), "r"(b[0]), "r"(c[0]), "r"(c[1]))

#define MMA_MIDDLE(types)                                                                                              \
    asm volatile("mma.sync.aligned.m16n8k16.row.col" types                                                             \
                 " {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"                                               \
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]))

#define MMA_LARGE(types)                                                                                               \
    asm volatile("mma.sync.aligned.m16n8k32.row.col" types                                                             \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"                                \
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]),             \
                   "r"(c[2]), "r"(c[3]))

// Bit 0: B is unsigned; bit 1: A is unsigned; bit 2: sums saturate instead of wrapping around.
#define ALL_FORMS(mma)                                                                                                 \
    if (form == 0) mma(".s32.s8.s8.s32");                                                                              \
    if (form == 1) mma(".s32.s8.u8.s32");                                                                              \
    if (form == 2) mma(".s32.u8.s8.s32");                                                                              \
    if (form == 3) mma(".s32.u8.u8.s32");                                                                              \
    if (form == 4) mma(".satfinite.s32.s8.s8.s32");                                                                    \
    if (form == 5) mma(".satfinite.s32.s8.u8.s32");                                                                    \
    if (form == 6) mma(".satfinite.s32.u8.s8.s32");                                                                    \
    if (form == 7) mma(".satfinite.s32.u8.u8.s32")

template <int m, int k, int form>
__global__ void multiply(const uint8_t* a, const uint8_t* b, const int* c, int* d) {
    // A register holds 4 values; those of A and B are counted through all registers of a lane.
    constexpr int packed = 4, words_of_a = m * k / 32 / packed, words_of_b = k * n / 32 / packed, sums = m * n / 32;
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    uint32_t a_words[words_of_a] = {}, b_words[words_of_b] = {};
    int c_part[sums], d_part[sums];
    for (int i = 0; i < words_of_a * packed; i++) {
        int word = i / packed, row = group + 8 * (word % 2);
        int column = packed * quad + i % packed + 4 * packed * (word / 2);
        a_words[word] |= static_cast<uint32_t>(a[row * k + column]) << (8 * (i % packed));
    }
    for (int i = 0; i < words_of_b * packed; i++) {
        int word = i / packed, row = packed * quad + i % packed + 4 * packed * word, column = group;
        b_words[word] |= static_cast<uint32_t>(b[row * n + column]) << (8 * (i % packed));
    }
    for (int i = 0; i < sums; i++) c_part[i] = c[(group + 8 * (i / 2)) * n + 2 * quad + i % 2];
    {
        const uint32_t *a = a_words, *b = b_words;
        const int* c = c_part;
        int* d = d_part;
        if constexpr (m == 8) {
            ALL_FORMS(MMA_SMALL);
        } else if constexpr (k == 16) {
            ALL_FORMS(MMA_MIDDLE);
        } else {
            ALL_FORMS(MMA_LARGE);
        }
    }
    for (int i = 0; i < sums; i++) d[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = d_part[i];
}

// Prints the sum of the result, or the first wrong element; the line is ended by the caller.
void report(const char* what, const std::vector<int>& got, const std::vector<int>& expected) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / n, column = i % n;
        if (got[i] != expected[i]) {
            printf(" %s [%d][%d] is %d, not %d", what, row, column, got[i], expected[i]);
            return;
        }
        sum += static_cast<double>(got[i]) * (row * 31 + column);
    }
    printf(" %s ok %.0f", what, sum);
}

// With extreme sums, those of even columns are to pass the largest int and those of odd columns the smallest; all
// products in a sum have one sign, so that the order of addition does not matter even where sums saturate.
template <int m, int k, int form>
void run(const char* what, bool extreme) {
    constexpr bool a_unsigned = form & 2, b_unsigned = form & 1, saturates = form & 4;
    std::vector<int> a(m * k), b(k * n), c(m * n), expected(m * n);
    std::vector<uint8_t> a_bytes(m * k), b_bytes(k * n);
    constexpr int range = 256, half = range / 2;
    for (int i = 0; i < m * k; i++) {
        a[i] = static_cast<int>(mix(i + 100 * form) % range) - (a_unsigned ? 0 : half);
        if (extreme && a[i] < 0) a[i] = -1 - a[i];
        a_bytes[i] = static_cast<uint8_t>(a[i]);
    }
    for (int i = 0; i < k * n; i++) {
        b[i] = static_cast<int>(mix(~i + 100 * form) % range) - (b_unsigned ? 0 : half);
        if (extreme && (b[i] < 0) != (i % 2 && !b_unsigned)) b[i] = -1 - b[i];
        b_bytes[i] = static_cast<uint8_t>(b[i]);
    }
    for (int i = 0; i < m * n; i++) {
        int small = static_cast<int>(mix(i + 777) % (k * half * half));
        c[i] = !extreme ? small - 1000 : i % 2 && !b_unsigned ? INT32_MIN + small : INT32_MAX - small;
        long long sum = c[i];
        for (int j = 0; j < k; j++) sum += a[i / n * k + j] * b[j * n + i % n];
        if (saturates) sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
        expected[i] = static_cast<int>(static_cast<uint32_t>(sum));
    }
    int* d_device = device_zeros<int>(m * n);
    multiply<m, k, form><<<1, 32>>>(to_device(a_bytes), to_device(b_bytes), to_device(c), d_device);
    CHECK_KERNEL();
    report(what, to_host(d_device, m * n), expected);
}

template <int m, int k, int types>
void test() {
    printf("m%dn8k%d s32.%s.%s.s32:", m, k, types & 2 ? "u8" : "s8", types & 1 ? "u8" : "s8");
    run<m, k, types>("plain", false);
    run<m, k, types + 4>("in range", false);
    run<m, k, types>("wrapped", true);
    run<m, k, types + 4>("saturated", true);
    printf("\n");
}

int main() {
    test<8, 16, 0>(), test<8, 16, 1>(), test<8, 16, 2>(), test<8, 16, 3>();
    test<16, 16, 0>(), test<16, 16, 1>(), test<16, 16, 2>(), test<16, 16, 3>();
    test<16, 32, 0>(), test<16, 32, 1>(), test<16, 32, 2>(), test<16, 32, 3>();
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: m8n8k16 s32.s8.s8.s32: plain ok 1098803914 in range ok 1054779590 wrapped ok 506650361630 saturated ok -68718816148
// EXPECT: m8n8k16 s32.s8.u8.s32: plain ok 1022700253 in range ok 957756716 wrapped ok 4659899382707 saturated ok 15392919515088
// EXPECT: m8n8k16 s32.u8.s8.s32: plain ok 879337094 in range ok 1093292614 wrapped ok 3410031386103 saturated ok -68784534441
// EXPECT: m8n8k16 s32.u8.u8.s32: plain ok 3060416631 in range ok 2975079202 wrapped ok -12196806100587 saturated ok 15393143299031
// EXPECT: m16n8k16 s32.s8.s8.s32: plain ok 4783192301 in range ok 4744723444 wrapped ok 2228918210062 saturated ok -137006487337
// EXPECT: m16n8k16 s32.s8.u8.s32: plain ok 4729917240 in range ok 4671198213 wrapped ok 19081549560414 saturated ok 64869941205701
// EXPECT: m16n8k16 s32.u8.s8.s32: plain ok 3942040238 in range ok 4930164619 wrapped ok 5016172361572 saturated ok -137307849231
// EXPECT: m16n8k16 s32.u8.u8.s32: plain ok 12690546675 in range ok 12501359345 wrapped ok -42087625508617 saturated ok 64870910148459
// EXPECT: m16n8k32 s32.s8.s8.s32: plain ok 8929141916 in range ok 8753263547 wrapped ok -4402019672178 saturated ok -136700298704
// EXPECT: m16n8k32 s32.s8.u8.s32: plain ok 9077134545 in range ok 8982312726 wrapped ok 1304877908551 saturated ok 64868640971114
// EXPECT: m16n8k32 s32.u8.s8.s32: plain ok 8445042600 in range ok 9188308724 wrapped ok -4630035386964 saturated ok -136966529118
// EXPECT: m16n8k32 s32.u8.u8.s32: plain ok 24302838491 in range ok 25054734713 wrapped ok -52460787483681 saturated ok 64871094051239
