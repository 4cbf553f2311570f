// Tensor core products with a sparse A (mma.sp), half of whose elements are kept, with metadata that say which: f16,
// bf16, tf32, and integers of 8 and of 4 bits, with all selectors of the lanes that hold the metadata.
#include <cuda_fp16.h>

#include "case.h"

constexpr int m = 16, n = 8;

// Words of a lane: of the sums, and of each of A and B.
#define MMA_4_2(variant, form)                                                                                         \
    asm volatile("mma." variant ".sync.aligned." form                                                                  \
                 " {%0, %1, %2, %3}, {%4, %5}, {%6, %7}, {%8, %9, %10, %11}, %12, %13;"                                \
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]),             \
                   "r"(metadata), "n"(selector))
#define MMA_4_4(variant, form)                                                                                         \
    asm volatile("mma." variant ".sync.aligned." form " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, "      \
                 "{%12, %13, %14, %15}, %16, %17;"                                                                     \
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]), "r"(c[0]),  \
                   "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(metadata), "n"(selector))
#define MMA_2_2(variant, form)                                                                                         \
    asm volatile("mma." variant ".sync.aligned." form " {%0, %1}, {%2, %3}, {%4, %5}, {%6, %7}, %8, %9;"               \
                 : "=r"(d[0]), "=r"(d[1])                                                                              \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]), "r"(metadata), "n"(selector))
#define MMA_2_4(variant, form)                                                                                         \
    asm volatile("mma." variant ".sync.aligned." form                                                                  \
                 " {%0, %1}, {%2, %3, %4, %5}, {%6, %7, %8, %9}, {%10, %11}, %12, %13;"                                \
                 : "=r"(d[0]), "=r"(d[1])                                                                              \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]), "r"(c[0]),  \
                   "r"(c[1]), "r"(metadata), "n"(selector))

enum Kind { f16, bf16, tf32, s8, u8, s4, u4, e4m3, e5m2, s32, f32 };
__host__ __device__ constexpr int bits_of(Kind kind) {
    return kind == s4 || kind == u4 ? 4 : kind == f16 || kind == bf16 ? 16 : kind == tf32 || kind >= s32 ? 32 : 8;
}

// An instruction: its matrices are 16 by k and k by 8, with elements and sums of these kinds.
#define OPERATION(name, k_, a_, b_, sum_, mma, form)                                                                   \
    struct name {                                                                                                      \
        static constexpr int k = k_, bits = bits_of(a_);                                                               \
        static constexpr Kind a_kind = a_, b_kind = b_, sum_kind = sum_;                                               \
        static constexpr const char* text = form;                                                                      \
        template <bool ordered, int selector>                                                                          \
        static __device__ void multiply(uint32_t* d, const uint32_t* a, const uint32_t* b, const uint32_t* c,          \
                                        uint32_t metadata) {                                                           \
            if constexpr (ordered) mma("sp::ordered_metadata", form);                                                  \
            else mma("sp", form);                                                                                      \
        }                                                                                                              \
    }

OPERATION(F16K16Half, 16, f16, f16, f16, MMA_2_2, "m16n8k16.row.col.f16.f16.f16.f16");
OPERATION(F16K32Half, 32, f16, f16, f16, MMA_2_4, "m16n8k32.row.col.f16.f16.f16.f16");
OPERATION(F16K16, 16, f16, f16, f32, MMA_4_2, "m16n8k16.row.col.f32.f16.f16.f32");
OPERATION(F16K32, 32, f16, f16, f32, MMA_4_4, "m16n8k32.row.col.f32.f16.f16.f32");
OPERATION(Bf16K16, 16, bf16, bf16, f32, MMA_4_2, "m16n8k16.row.col.f32.bf16.bf16.f32");
OPERATION(Bf16K32, 32, bf16, bf16, f32, MMA_4_4, "m16n8k32.row.col.f32.bf16.bf16.f32");
OPERATION(Tf32K8, 8, tf32, tf32, f32, MMA_4_2, "m16n8k8.row.col.f32.tf32.tf32.f32");
OPERATION(Tf32K16, 16, tf32, tf32, f32, MMA_4_4, "m16n8k16.row.col.f32.tf32.tf32.f32");
OPERATION(S8K32, 32, s8, s8, s32, MMA_4_2, "m16n8k32.row.col.s32.s8.s8.s32");
OPERATION(S8U8K32, 32, s8, u8, s32, MMA_4_2, "m16n8k32.row.col.s32.s8.u8.s32");
OPERATION(U8S8K32, 32, u8, s8, s32, MMA_4_2, "m16n8k32.row.col.s32.u8.s8.s32");
OPERATION(U8K32, 32, u8, u8, s32, MMA_4_2, "m16n8k32.row.col.s32.u8.u8.s32");
OPERATION(S8K64, 64, s8, s8, s32, MMA_4_4, "m16n8k64.row.col.s32.s8.s8.s32");
OPERATION(S8U8K64, 64, s8, u8, s32, MMA_4_4, "m16n8k64.row.col.s32.s8.u8.s32");
OPERATION(U8S8K64, 64, u8, s8, s32, MMA_4_4, "m16n8k64.row.col.s32.u8.s8.s32");
OPERATION(U8K64Saturating, 64, u8, u8, s32, MMA_4_4, "m16n8k64.row.col.satfinite.s32.u8.u8.s32");
OPERATION(S4K64, 64, s4, s4, s32, MMA_4_2, "m16n8k64.row.col.s32.s4.s4.s32");
OPERATION(S4U4K64, 64, s4, u4, s32, MMA_4_2, "m16n8k64.row.col.s32.s4.u4.s32");
OPERATION(U4S4K64, 64, u4, s4, s32, MMA_4_2, "m16n8k64.row.col.s32.u4.s4.s32");
OPERATION(S4K128, 128, s4, s4, s32, MMA_4_4, "m16n8k128.row.col.s32.s4.s4.s32");
OPERATION(S4U4K128, 128, s4, u4, s32, MMA_4_4, "m16n8k128.row.col.s32.s4.u4.s32");
OPERATION(U4K128, 128, u4, u4, s32, MMA_4_4, "m16n8k128.row.col.s32.u4.u4.s32");

// Metadata come in groups of 4 bits: two positions of 2 bits, one for each of the elements that are kept of 4 (or of
// the pairs kept of 8 elements of 4 bits); tf32 keeps one of 2 and names the positions of its halves.
template <typename Mma>
constexpr int chunk = Mma::bits == 4 ? 8 : Mma::bits == 32 ? 2 : 4;

// The elements that are kept of A (16 by k/2), B, C: the bits of an element each; metadata: 4 bits each.
template <typename Mma, bool ordered, int selector>
__global__ void multiply(const uint32_t* a, const uint8_t* metadata, const uint32_t* b, const uint32_t* c,
                         uint32_t* d) {
    constexpr int k = Mma::k, bits = Mma::bits, packed = 32 / bits, words = k / 4 / packed;
    constexpr int groups = k / chunk<Mma>, threads = groups / 4, sum_bits = bits_of(Mma::sum_kind);
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    uint32_t a_words[words] = {}, b_words[words] = {}, c_words[4] = {}, d_words[4];
    for (int i = 0; i < words * packed; i++) {
        int word = i / packed, place = packed * quad + i % packed;
        int row = group + 8 * (word % 2), column = place + 4 * packed * (word / 2);
        a_words[word] |= a[row * (k / 2) + column] << (bits * (i % packed));
        b_words[word] |= b[(place + 4 * packed * word) * n + group] << (bits * (i % packed));
    }
    for (int i = 0; i < 4; i++) {
        int place = (group + 8 * (i / 2)) * n + 2 * quad + i % 2;
        c_words[i * sum_bits / 32] |= c[place] << (i * sum_bits % 32);
    }
    // Of the four lanes of a group the selector names those that hold metadata; what the others hold does not count.
    uint32_t held = 0xeeeeeeee;
    if (quad / threads == selector) {
        int part = quad % threads;
        held = 0;
        for (int i = 0; i < 8; i++) {
            // 16-bit elements and tf32: four groups of each of two rows. Smaller elements: eight groups of one row.
            int row = bits >= 16 ? group + 8 * (i / 4) : group + 8 * (part % 2);
            int column = bits >= 16 ? 4 * part + i % 4 : 8 * (part / 2) + i;
            held |= static_cast<uint32_t>(metadata[row * groups + column]) << (4 * i);
        }
    }
    Mma::template multiply<ordered, selector>(d_words, a_words, b_words, c_words, held);
    for (int i = 0; i < 4; i++) {
        uint32_t bits_of_sum = d_words[i * sum_bits / 32] >> (i * sum_bits % 32);
        d[(group + 8 * (i / 2)) * n + 2 * quad + i % 2] = sum_bits == 16 ? bits_of_sum & 0xffff : bits_of_sum;
    }
}

// The bits of a small integer in each kind, and back.
uint32_t encoded(int number, Kind kind) {
    if (kind == f16) return __half_as_ushort(__float2half(static_cast<float>(number)));
    if (kind == s4 || kind == u4) return number & 15;
    if (kind == s8 || kind == u8) return number & 255;
    if (kind == s32) return static_cast<uint32_t>(number);
    float x = static_cast<float>(number);
    uint32_t word;
    memcpy(&word, &x, 4);
    if (kind == bf16) return word >> 16;
    if (kind == tf32 || kind == f32) return word;
    int sign = number < 0 ? 128 : 0, point = kind == e4m3 ? 3 : 2, bias = kind == e4m3 ? 7 : 15;
    if (number == 0) return 0;
    return sign | ((word >> 23 & 255) - 127 + bias) << point | (word >> (23 - point) & ((1 << point) - 1));
}
double decoded(uint32_t word, Kind kind) {
    if (kind == s32) return static_cast<int>(word);
    if (kind == f16) return __half2float(__ushort_as_half(static_cast<unsigned short>(word)));
    float x;
    memcpy(&x, &word, 4);
    return x;
}
int number(uint32_t seed, Kind kind) {
    int wide = static_cast<int>(mix(seed));
    if (kind == s8) return static_cast<int8_t>(wide);
    if (kind == u8) return static_cast<uint8_t>(wide);
    if (kind == u4) return wide & 15;
    if (kind == s4) return (wide & 15) - 8;
    return static_cast<int>(mix(seed) % 9) - 4;
}

// Adds to the sum of the results; false after the first wrong element.
bool report(const char* name, const std::vector<double>& got, const std::vector<double>& expected, double* sum) {
    for (int i = 0; i < m * n; i++) {
        int row = i / n, column = i % n;
        if (got[i] != expected[i]) {
            printf("%s [%d][%d] is %g, not %g\n", name, row, column, got[i], expected[i]);
            return false;
        }
        *sum += got[i] * (row * 31 + column);
    }
    return true;
}

template <typename Mma, bool ordered, int selector>
bool run(double* total) {
    constexpr int k = Mma::k, groups = k / chunk<Mma>, kept = chunk<Mma> / 2;
    const uint32_t seed = 1000 * selector + 500 * ordered;
    std::vector<int> a(m * k, 0);
    std::vector<uint32_t> a_kept, b(k * n), c(m * n);
    std::vector<uint8_t> metadata(m * groups);
    for (int i = 0; i < m * groups; i++) {
        // Two different positions in ascending order.
        static const uint8_t pairs[6] = {0x4, 0x8, 0xc, 0x9, 0xd, 0xe};
        uint8_t pair = pairs[mix(seed + i + 31) % 6];
        if (chunk<Mma> == 2) pair = mix(seed + i + 31) % 2 ? 0xe : 0x4;
        metadata[i] = pair;
        for (int j = 0; j < kept; j++) {
            int place = chunk<Mma> == 2 ? pair == 0xe
                        : chunk<Mma> == 4 ? pair >> (2 * j) & 3
                                         : 2 * (pair >> (2 * (j / 2)) & 3) + j % 2;
            int x = number(seed + i * kept + j + 100000, Mma::a_kind);
            a[i * chunk<Mma> + place] = x;
            a_kept.push_back(encoded(x, Mma::a_kind));
        }
    }
    for (int i = 0; i < k * n; i++) b[i] = encoded(number(seed + i + 200000, Mma::b_kind), Mma::b_kind);
    std::vector<double> expected(m * n), got(m * n);
    for (int i = 0; i < m * n; i++) {
        int addend = static_cast<int>(mix(seed + i + 300000) % 201) - 100;
        c[i] = encoded(addend, Mma::sum_kind);
        expected[i] = addend;
        for (int j = 0; j < k; j++)
            expected[i] += a[i / n * k + j] * number(seed + j * n + i % n + 200000, Mma::b_kind);
    }
    uint32_t* d_device = device_zeros<uint32_t>(m * n);
    multiply<Mma, ordered, selector>
        <<<1, 32>>>(to_device(a_kept), to_device(metadata), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    std::vector<uint32_t> d = to_host(d_device, m * n);
    for (int i = 0; i < m * n; i++) got[i] = decoded(d[i], Mma::sum_kind);
    return report(Mma::text, got, expected, total);
}

// In both variants and with all selectors.
template <typename Mma>
void test() {
    constexpr int selectors = 16 / (Mma::k / chunk<Mma>);
    double total = 0;
    bool right = run<Mma, true, 0>(&total) && run<Mma, false, 0>(&total);
    if constexpr (selectors >= 2) right = right && run<Mma, true, 1>(&total) && run<Mma, false, 1>(&total);
    if constexpr (selectors == 4) {
        right = right && run<Mma, true, 2>(&total) && run<Mma, false, 2>(&total);
        right = right && run<Mma, true, 3>(&total) && run<Mma, false, 3>(&total);
    }
    if (right) printf("%s ok %.0f\n", Mma::text, total);
}

int main() {
    test<F16K16Half>();
    test<F16K32Half>();
    test<F16K16>();
    test<F16K32>();
    test<Bf16K16>();
    test<Bf16K32>();
    test<Tf32K8>();
    test<Tf32K16>();
    test<S8K32>();
    test<S8U8K32>();
    test<U8S8K32>();
    test<U8K32>();
    test<S8K64>();
    test<S8U8K64>();
    test<U8S8K64>();
    test<U8K64Saturating>();
    test<S4K64>();
    test<S4U4K64>();
    test<U4S4K64>();
    test<S4K128>();
    test<S4U4K128>();
    test<U4K128>();
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: m16n8k16.row.col.f16.f16.f16.f16 ok 59625
// EXPECT: m16n8k32.row.col.f16.f16.f16.f16 ok 453172
// EXPECT: m16n8k16.row.col.f32.f16.f16.f32 ok 59625
// EXPECT: m16n8k32.row.col.f32.f16.f16.f32 ok 453172
// EXPECT: m16n8k16.row.col.f32.bf16.bf16.f32 ok 59625
// EXPECT: m16n8k32.row.col.f32.bf16.bf16.f32 ok 453172
// EXPECT: m16n8k8.row.col.f32.tf32.tf32.f32 ok 99154
// EXPECT: m16n8k16.row.col.f32.tf32.tf32.f32 ok 400993
// EXPECT: m16n8k32.row.col.s32.s8.s8.s32 ok 61588634
// EXPECT: m16n8k32.row.col.s32.s8.u8.s32 ok -1434432614
// EXPECT: m16n8k32.row.col.s32.u8.s8.s32 ok -407163750
// EXPECT: m16n8k32.row.col.s32.u8.u8.s32 ok 32859272090
// EXPECT: m16n8k64.row.col.s32.s8.s8.s32 ok 55362349
// EXPECT: m16n8k64.row.col.s32.s8.u8.s32 ok -949951699
// EXPECT: m16n8k64.row.col.s32.u8.s8.s32 ok -426533843
// EXPECT: m16n8k64.row.col.satfinite.s32.u8.u8.s32 ok 31874268205
// EXPECT: m16n8k64.row.col.s32.s4.s4.s32 ok 1454098
// EXPECT: m16n8k64.row.col.s32.s4.u4.s32 ok -8933198
// EXPECT: m16n8k64.row.col.s32.u4.s4.s32 ok -16287862
// EXPECT: m16n8k128.row.col.s32.s4.s4.s32 ok 1271364
// EXPECT: m16n8k128.row.col.s32.s4.u4.s32 ok -5183100
// EXPECT: m16n8k128.row.col.s32.u4.u4.s32 ok 225176428
