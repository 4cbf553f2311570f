// The products of a warpgroup with a sparse A (wgmma.mma_async.sp, n = 16): of each chunk of A's rows half of the elements
// are kept, with metadata that say which. All kinds of elements; A from registers and from shared memory; matrices in
// shared memory without swizzling and with that of 32 bytes (A) and of 64 bytes (B), where K is contiguous.
#include <cuda_fp16.h>

#include "case.h"

constexpr int m = 64, n = 16;
// Whatever the elements are: bytes of a row of what is kept of A, and of a column of B.
constexpr int a_bytes = 32, b_bytes = 64;

enum Kind { f16, bf16, tf32, e4m3, e5m2, s8, u8 };
__host__ __device__ constexpr int bytes_of(Kind kind) { return kind == tf32 ? 4 : kind == f16 || kind == bf16 ? 2 : 1; }

#define SUMS_8                                                                                                        \
    "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7])
#define SUMS_4 "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
#define START(predicate) "{\n.reg .pred p;\nsetp.ne.b32 p, " predicate ", 0;\nwgmma.mma_async.sp.sync.aligned."

// Products with A described, and with A in registers; `scales` are the immediates behind the predicate.
#define MULTIPLY_8(form, scales)                                                                                       \
    static __device__ void multiply(uint32_t* d, uint64_t a, uint64_t b, uint32_t e, int accumulate) {                 \
        asm volatile(START("%11") form " {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, %10, %12, p" scales(", 0, 0") ";\n}" \
                     : SUMS_8                                                                                          \
                     : "l"(a), "l"(b), "r"(e), "r"(accumulate), "n"(selector));                                        \
    }                                                                                                                  \
    static __device__ void multiply(uint32_t* d, const uint32_t* a, uint64_t b, uint32_t e, int accumulate) {          \
        asm volatile(START("%14") form                                                                                 \
                     " {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11}, %12, %13, %15, p" scales(", 0") ";\n}"    \
                     : SUMS_8                                                                                          \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(e), "r"(accumulate), "n"(selector));    \
    }
#define MULTIPLY_4(form, scales)                                                                                       \
    static __device__ void multiply(uint32_t* d, uint64_t a, uint64_t b, uint32_t e, int accumulate) {                 \
        asm volatile(START("%7") form " {%0, %1, %2, %3}, %4, %5, %6, %8, p" scales(", 0, 0") ";\n}"                   \
                     : SUMS_4                                                                                          \
                     : "l"(a), "l"(b), "r"(e), "r"(accumulate), "n"(selector));                                        \
    }                                                                                                                  \
    static __device__ void multiply(uint32_t* d, const uint32_t* a, uint64_t b, uint32_t e, int accumulate) {          \
        asm volatile(START("%10") form " {%0, %1, %2, %3}, {%4, %5, %6, %7}, %8, %9, %11, p" scales(", 0") ";\n}"      \
                     : SUMS_4                                                                                          \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(e), "r"(accumulate), "n"(selector));    \
    }
// Integers have no scales, and only elements of 16 bits may be transposed.
#define NO_SCALES(transposed) ""
#define SCALES(transposed) ", 1, 1"
#define SCALES_AND_ORDER(transposed) ", 1, 1" transposed
#define NEGATED(transposed) ", -1, 1" transposed

#define OPERATION(name, k_, a_, b_, sum_bytes_, sign_, multiply_, form, scales)              \
    template <int selector>                                                                  \
    struct name {                                                                            \
        static constexpr int k = k_, selected = selector, sum_bytes = sum_bytes_, sign = sign_; \
        static constexpr Kind a_kind = a_, b_kind = b_;                                      \
        static constexpr const char* text = form;                                            \
        multiply_(form, scales)                                                              \
    }

OPERATION(F16, 32, f16, f16, 4, 1, MULTIPLY_8, "m64n16k32.f32.f16.f16", SCALES_AND_ORDER);
OPERATION(F16Negated, 32, f16, f16, 4, -1, MULTIPLY_8, "m64n16k32.f32.f16.f16", NEGATED);
OPERATION(F16Half, 32, f16, f16, 2, 1, MULTIPLY_4, "m64n16k32.f16.f16.f16", SCALES_AND_ORDER);
OPERATION(Bf16, 32, bf16, bf16, 4, 1, MULTIPLY_8, "m64n16k32.f32.bf16.bf16", SCALES_AND_ORDER);
OPERATION(Tf32, 16, tf32, tf32, 4, 1, MULTIPLY_8, "m64n16k16.f32.tf32.tf32", SCALES);
OPERATION(E4m3, 64, e4m3, e4m3, 4, 1, MULTIPLY_8, "m64n16k64.f32.e4m3.e4m3", SCALES);
OPERATION(E5m2Half, 64, e5m2, e4m3, 2, 1, MULTIPLY_4, "m64n16k64.f16.e5m2.e4m3", SCALES);
OPERATION(S8, 64, s8, s8, 4, 1, MULTIPLY_8, "m64n16k64.s32.s8.s8", NO_SCALES);
OPERATION(U8Saturating, 64, u8, s8, 4, 1, MULTIPLY_8, "m64n16k64.satfinite.s32.u8.s8", NO_SCALES);

// Where a byte of a line lies: in pieces of 8 lines by 16 bytes that follow each other, or in lines one after the other
// whose 16-byte parts are exchanged by the number of the 128 bytes that they are in.
__device__ int place(bool swizzled, int line_bytes, int line, int byte) {
    if (!swizzled) return line / 8 * (8 * line_bytes) + byte / 16 * 128 + line % 8 * 16 + byte % 16;
    int address = line * line_bytes + byte;
    return address ^ (address / 128 % (line_bytes / 16)) * 16;
}
__device__ uint64_t descriptor(bool swizzled, int line_bytes, const void* base) {
    uint64_t address = __cvta_generic_to_shared(base), leading = 128, stride = 8 * line_bytes;
    uint64_t mode = !swizzled ? 0 : line_bytes == 32 ? 3 : 2;
    return (address & 0x3ffff) >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | mode << 62;
}

// `a` are the bytes of the rows of what is kept, `b` those of B's columns. `metadata` has 4 bits for each chunk of a row:
// two positions of 2 bits, one for each of the elements that are kept of 4 (tf32 keeps one of 2 and names its halves).
template <typename Mma, bool a_in_registers, bool swizzled>
__global__ void __launch_bounds__(128)
    multiply(const uint8_t* a, const uint8_t* metadata, const uint8_t* b, const uint32_t* c, uint32_t* d) {
    __shared__ alignas(1024) uint8_t a_shared[m * a_bytes];
    __shared__ alignas(1024) uint8_t b_shared[n * b_bytes];
    for (int i = threadIdx.x; i < m * a_bytes; i += 128)
        a_shared[place(swizzled, a_bytes, i / a_bytes, i % a_bytes)] = a[i];
    for (int i = threadIdx.x; i < n * b_bytes; i += 128)
        b_shared[place(swizzled, b_bytes, i / b_bytes, i % b_bytes)] = b[i];
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncthreads();

    constexpr int bytes = bytes_of(Mma::a_kind), chunks = Mma::k / (bytes == 4 ? 2 : 4), threads = chunks / 4;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, quad = lane % 4;
    // What the lanes hold that the selector does not name does not count.
    uint32_t held = 0xeeeeeeee;
    if (quad / threads == Mma::selected) {
        int part = quad % threads;
        held = 0;
        for (int i = 0; i < 8; i++) {
            int row = 16 * warp + (bytes > 1 ? group + 8 * (i / 4) : group + 8 * (part % 2));
            int column = bytes > 1 ? 4 * part + i % 4 : 8 * (part / 2) + i;
            held |= static_cast<uint32_t>(metadata[row * chunks + column]) << (4 * i);
        }
    }
    constexpr int in_word = 4 / Mma::sum_bytes;
    uint32_t sums[8] = {};
    auto at = [&](int i) { return (16 * warp + group + 8 * (i / 2 % 2)) * n + 8 * (i / 4) + 2 * quad + i % 2; };
    for (int i = 0; i < 8; i++) sums[i / in_word] |= c[at(i)] << (16 * (i % in_word));
    uint32_t words[4];
    for (int i = 0; i < 4; i++)
        memcpy(&words[i], a + (16 * warp + group + 8 * (i % 2)) * a_bytes + 4 * quad + 16 * (i / 2), 4);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    uint64_t b_matrix = descriptor(swizzled, b_bytes, b_shared);
    // Negated products start from zero.
    int accumulate = Mma::sign > 0;
    if constexpr (a_in_registers) Mma::multiply(sums, words, b_matrix, held, accumulate);
    else Mma::multiply(sums, descriptor(swizzled, a_bytes, a_shared), b_matrix, held, accumulate);
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    for (int i = 0; i < 8; i++) {
        uint32_t sum = sums[i / in_word] >> (16 * (i % in_word));
        d[at(i)] = Mma::sum_bytes == 2 ? sum & 0xffff : sum;
    }
}

// The bits of a small integer as floating-point number with so many bits of fraction and this bias, at the low end.
uint32_t as_float(int number, int fraction, int bias, int bits) {
    if (number == 0) return 0;
    float x = static_cast<float>(number);
    uint32_t word;
    memcpy(&word, &x, 4);
    return (word >> 31) << (bits - 1) | ((word >> 23 & 255) - 127 + bias) << fraction |
           (word >> (23 - fraction) & ((1u << fraction) - 1));
}
uint32_t encoded(int number, Kind kind) {
    switch (kind) {
        case f16: return as_float(number, 10, 15, 16);
        case bf16: return as_float(number, 7, 127, 16);
        case tf32: return as_float(number, 23, 127, 32);
        case e4m3: return as_float(number, 3, 7, 8);
        case e5m2: return as_float(number, 2, 15, 8);
        default: return number & 255;
    }
}
int number(uint32_t seed, Kind kind) {
    if (kind == s8) return static_cast<int8_t>(mix(seed));
    if (kind == u8) return static_cast<uint8_t>(mix(seed));
    return static_cast<int>(mix(seed) % 9) - 4;
}
void append(std::vector<uint8_t>& bytes, int number, Kind kind) {
    uint32_t word = encoded(number, kind);
    for (int i = 0; i < bytes_of(kind); i++) bytes.push_back(word >> (8 * i) & 255);
}

template <typename Mma, bool a_in_registers, bool swizzled>
bool run(double* total) {
    constexpr bool is_integer = Mma::a_kind >= s8;
    constexpr int k = Mma::k, chunk = Mma::a_kind == tf32 ? 2 : 4, chunks = k / chunk;
    std::vector<int> a(m * k, 0), b(k * n);
    std::vector<uint8_t> a_kept, b_columns, metadata(m * chunks);
    for (int i = 0; i < m * chunks; i++) {
        static const uint8_t pairs[6] = {0x4, 0x8, 0xc, 0x9, 0xd, 0xe};
        uint8_t pair = pairs[mix(i + 31) % 6];
        if (chunk == 2) pair = mix(i + 31) % 2 ? 0xe : 0x4;
        metadata[i] = pair;
        for (int j = 0; j < chunk / 2; j++) {
            int x = number(2 * i + j + 100000, Mma::a_kind);
            a[i * chunk + (chunk == 2 ? pair == 0xe : pair >> (2 * j) & 3)] = x;
            append(a_kept, x, Mma::a_kind);
        }
    }
    for (int i = 0; i < k * n; i++) append(b_columns, b[i] = number(i + 200000, Mma::b_kind), Mma::b_kind);
    std::vector<uint32_t> c(m * n);
    std::vector<double> expected(m * n);
    for (int i = 0; i < m * n; i++) {
        int addend = static_cast<int>(mix(i + 300000) % 201) - 100;
        c[i] = Mma::sum_bytes == 2 ? encoded(addend, f16) : is_integer ? static_cast<uint32_t>(addend) : encoded(addend, tf32);
        expected[i] = Mma::sign > 0 ? addend : 0;
        for (int j = 0; j < k; j++) expected[i] += Mma::sign * a[i / n * k + j] * b[i % n * k + j];
    }
    uint32_t* d_device = device_zeros<uint32_t>(m * n);
    multiply<Mma, a_in_registers, swizzled>
        <<<1, 128>>>(to_device(a_kept), to_device(metadata), to_device(b_columns), to_device(c), d_device);
    CHECK_KERNEL();
    std::vector<uint32_t> d = to_host(d_device, m * n);
    for (int i = 0; i < m * n; i++) {
        float x;
        memcpy(&x, &d[i], 4);
        if (Mma::sum_bytes == 2) x = __half2float(__ushort_as_half(static_cast<unsigned short>(d[i])));
        double got = is_integer ? static_cast<double>(static_cast<int>(d[i])) : x;
        if (got != expected[i]) {
            printf("%s selector %d, A in %s, %s [%d][%d] is %g, not %g\n", Mma::text, Mma::selected,
                   a_in_registers ? "registers" : "shared", swizzled ? "swizzled" : "plain", i / n, i % n, got, expected[i]);
            return false;
        }
        *total += got * (i % 97);
    }
    return true;
}

template <typename Mma>
void test() {
    double total = 0;
    if (run<Mma, false, false>(&total) && run<Mma, false, true>(&total) && run<Mma, true, false>(&total) &&
        run<Mma, true, true>(&total))
        printf("%s selector %d%s ok %.0f\n", Mma::text, Mma::selected, Mma::sign < 0 ? " negated" : "", total);
}

int main() {
    test<F16<0>>();
    test<F16<1>>();
    test<F16Negated<0>>();
    test<F16Half<1>>();
    test<Bf16<0>>();
    test<Bf16<1>>();
    test<Tf32<0>>();
    test<Tf32<1>>();
    test<E4m3<0>>();
    test<E5m2Half<0>>();
    test<S8<0>>();
    test<U8Saturating<0>>();
    return 0;
}

// RUN: nvcc -gencode arch=compute_90a,code=compute_90a
// EXPECT-EXIT: 0
// EXPECT: m64n16k32.f32.f16.f16 selector 0 ok 475900
// EXPECT: m64n16k32.f32.f16.f16 selector 1 ok 475900
// EXPECT: m64n16k32.f32.f16.f16 selector 0 negated ok -208496
// EXPECT: m64n16k32.f16.f16.f16 selector 1 ok 475900
// EXPECT: m64n16k32.f32.bf16.bf16 selector 0 ok 475900
// EXPECT: m64n16k32.f32.bf16.bf16 selector 1 ok 475900
// EXPECT: m64n16k16.f32.tf32.tf32 selector 0 ok 283132
// EXPECT: m64n16k16.f32.tf32.tf32 selector 1 ok 283132
// EXPECT: m64n16k64.f32.e4m3.e4m3 selector 0 ok 289736
// EXPECT: m64n16k64.f16.e5m2.e4m3 selector 0 ok 289736
// EXPECT: m64n16k64.s32.s8.s8 selector 0 ok -200187308
// EXPECT: m64n16k64.satfinite.s32.u8.s8 selector 0 ok -819512748
