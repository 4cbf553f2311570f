// Forms that hand-written PTX has and compilers do not write: conversions of special registers, stores of them, elements of arrays by
// index, vectors of one element, registers wider than what is loaded, `_` for a second result, roundings of products of doubles.
#include "case.h"

// Each lane's words behind each other.
constexpr int words = 24;

__global__ void moves(uint32_t* out) {
    uint32_t* d = out + (blockIdx.x * blockDim.x + threadIdx.x) * words;
    asm volatile("cvt.u32.u16 %0, %%tid.x;" : "=r"(d[0]));
    asm volatile("{ .reg .b16 h; cvt.sat.s8.u32 h, %%tid.x; cvt.s32.s16 %0, h; }" : "=r"(d[1]));
    asm volatile("{ .reg .b64 q; cvt.u64.u32 q, %%ntid.x; cvt.u32.u64 %0, q; }" : "=r"(d[2]));
    asm volatile("mov.u32 %0, %%ntid.r; mov.u32 %1, %%ntid.g;" : "=r"(d[3]), "=r"(d[4]));
    asm volatile("st.global.v2.u32 [%0], {%%tid.x, %1};" ::"l"(d + 6), "r"(d[0] + 1) : "memory");
    asm volatile("st.global.v2.u16 [%0], {%%tid.x, %%ntid.x};" ::"l"(d + 8) : "memory");
    asm volatile("st.global.u32 [%0], {%1};" ::"l"(d + 9), "r"(77) : "memory");
    asm volatile("ld.global.u32 {%0}, [%1];" : "=r"(d[10]) : "l"(d + 9) : "memory");
    float f;
    asm volatile("ld.global.b8 %0, [%1];" : "=f"(f) : "l"(d + 7) : "memory");
    d[11] = __float_as_uint(f);
    double wide;
    asm volatile("ld.global.b32 %0, [%1];" : "=d"(wide) : "l"(d + 7) : "memory");
    d[12] = static_cast<uint32_t>(__double_as_longlong(wide)), d[13] = static_cast<uint32_t>(__double_as_longlong(wide) >> 32);
    d[14] = 0xffffffff;
    asm volatile("st.global.b16 [%0], %1;" ::"l"(d + 14), "f"(__uint_as_float(0x12345678 + threadIdx.x)) : "memory");
    asm volatile("add.f32 %0, %1, .5; add.f32 %0, %0, -.25e-2;" : "=f"(f) : "f"(static_cast<float>(threadIdx.x)));
    d[15] = __float_as_uint(f);
    asm volatile(
        "{ .shared .align 8 .b32 s[8]; .shared .align 8 .v2 .b32 v[4]; .reg .b32 a;\n"
        "st.shared.b32 s[3], %2; st.shared.v2.b32 v[2], {%3, %2};\n"
        "ld.shared.b32 %0, [s+12]; ld.shared.b32 a, s[3]; add.u32 %0, %0, a; ld.shared.b32 %1, [v+8]; }"
        : "=r"(d[16]), "=r"(d[17])
        : "r"(1000), "r"(2000)
        : "memory");
    asm volatile(
        "{ .shared .align 8 .b32 s[8]; .reg .b64 e; .reg .b64 b; mov.u64 e, s[3]; mov.u64 b, s; sub.u64 e, e, b; cvt.u32.u64 %0, e; }"
        : "=r"(d[18]));
    asm volatile("match.any.sync.b32 %0|_, %1, 0xffffffff;" : "=r"(d[19]) : "r"(threadIdx.x / 5));
    uint16_t half = static_cast<uint16_t>(0x3c00 + threadIdx.x);
    asm volatile("{ .reg .pred p; setp.gt.f16 p|_, %1, %2; selp.u32 %0, 1, 0, p; }" : "=r"(d[20]) : "h"(half), "h"((uint16_t)0x3c05));
}

__global__ void halves(uint16_t* to_half, uint16_t* to_bfloat, uint32_t* to_single, uint64_t* to_double) {
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    uint16_t bits = static_cast<uint16_t>(i);
    asm("cvt.f16.bf16 %0, %1;" : "=h"(to_half[i]) : "h"(bits));
    asm("cvt.bf16.f16 %0, %1;" : "=h"(to_bfloat[i]) : "h"(bits));
    asm("cvt.rz.ftz.f32.bf16 %0, %1;" : "=r"(to_single[2 * i]) : "h"(bits));
    asm("cvt.rp.f32.bf16 %0, %1;" : "=r"(to_single[2 * i + 1]) : "h"(bits));
    asm("{ .reg .f64 d; cvt.rm.f64.bf16 d, %1; mov.b64 %0, d; }" : "=l"(to_double[i]) : "h"(bits));
}

__global__ void wide_mmio(uint64_t* p) {
    asm volatile(
        "{ .reg .b128 q; .reg .b64 a, b; ld.mmio.relaxed.sys.b128 q, [%0]; mov.b128 {a, b}, q; add.u64 a, a, 1; mov.b128 q, {b, a};\n"
        "st.mmio.relaxed.sys.global.b128 [%0], q; }" ::"l"(p)
        : "memory");
}

#define PRODUCTS(rounding)                                                                                                          \
    __global__ void products_##rounding(const double* in, double* out) {                                                            \
        const double* a = in + threadIdx.x * 16;                                                                                    \
        double* d = out + threadIdx.x * 12;                                                                                         \
        asm volatile("mma.sync.aligned.m8n8k4.row.col." #rounding ".f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%4, %5};"                \
                     : "=d"(d[0]), "=d"(d[1])                                                                                       \
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]));                                                                 \
        asm volatile("wmma.mma.sync.aligned.row.col.m8n8k4." #rounding ".f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%4, %5};"           \
                     : "=d"(d[2]), "=d"(d[3])                                                                                       \
                     : "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]));                                                                 \
        asm volatile("mma.sync.aligned.m16n8k4.row.col." #rounding                                                                  \
                     ".f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"                                        \
                     : "=d"(d[4]), "=d"(d[5]), "=d"(d[6]), "=d"(d[7])                                                               \
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]));                                \
        asm volatile("mma.sync.aligned.m16n8k16.row.col." #rounding                                                                 \
                     ".f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7, %8, %9, %10, %11}, {%12, %13, %14, %15}, {%16, %17, %18, %19};" \
                     : "=d"(d[8]), "=d"(d[9]), "=d"(d[10]), "=d"(d[11])                                                             \
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]), "d"(a[8]), "d"(a[9]), \
                       "d"(a[10]), "d"(a[11]), "d"(a[12]), "d"(a[13]), "d"(a[14]), "d"(a[15]));                                      \
    }

PRODUCTS(rn)
PRODUCTS(rz)
PRODUCTS(rm)
PRODUCTS(rp)

template <typename T>
void print_checksum(const char* name, const std::vector<T>& values) {
    printf("%s: checksum %016llx\n", name, static_cast<unsigned long long>(checksum(values)));
}

int main() {
    uint32_t* moved = device_zeros<uint32_t>(256 * words);
    moves<<<1, 256>>>(moved);
    CHECK_KERNEL();
    std::vector<uint32_t> moved_host = to_host(moved, 256 * words);
    for (int lane : {0, 37, 200}) {
        printf("lane %d:", lane);
        for (int word = 0; word < words; word++) printf(" %x", moved_host[lane * words + word]);
        printf("\n");
    }
    print_checksum("moves", moved_host);

    const size_t patterns = 65536;
    uint16_t *to_half = device_zeros<uint16_t>(patterns), *to_bfloat = device_zeros<uint16_t>(patterns);
    uint32_t* to_single = device_zeros<uint32_t>(2 * patterns);
    uint64_t* to_double = device_zeros<uint64_t>(patterns);
    halves<<<patterns / 256, 256>>>(to_half, to_bfloat, to_single, to_double);
    CHECK_KERNEL();
    print_checksum("bf16 to f16", to_host(to_half, patterns));
    print_checksum("f16 to bf16", to_host(to_bfloat, patterns));
    print_checksum("bf16 to f32", to_host(to_single, 2 * patterns));
    print_checksum("bf16 to f64", to_host(to_double, patterns));

    uint64_t* pair = to_device(std::vector<uint64_t>{5, 9});
    wide_mmio<<<1, 1>>>(pair);
    CHECK_KERNEL();
    std::vector<uint64_t> swapped = to_host(pair, 2);
    printf("mmio: %llu %llu\n", static_cast<unsigned long long>(swapped[0]), static_cast<unsigned long long>(swapped[1]));

    std::vector<double> in(32 * 16);
    uint64_t state = 1;
    for (double& value : in) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        value = static_cast<double>(static_cast<int64_t>(state)) / 4.0e18;
    }
    double* factors = to_device(in);
    const char* names[4] = {"rn", "rz", "rm", "rp"};
    void (*kernels[4])(const double*, double*) = {products_rn, products_rz, products_rm, products_rp};
    for (int which = 0; which < 4; which++) {
        double* sums = device_zeros<double>(32 * 12);
        kernels[which]<<<1, 32>>>(factors, sums);
        CHECK_KERNEL();
        std::vector<double> host = to_host(sums, 32 * 12);
        printf("%s: %a %a %a\n", names[which], host[0], host[5 * 12 + 5], host[31 * 12 + 11]);
        print_checksum(names[which], host);
    }
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: lane 0: 0 0 100 100 1 0 0 1 1000000 4d 4d 1 1 0 ffff5678 3efeb852 7d0 7d0 c 1f 0 0 0 0
// EXPECT: lane 37: 25 25 100 100 1 0 25 26 1000025 4d 4d 26 26 0 ffff569d 4215fd71 7d0 7d0 c f8 1 0 0 0
// EXPECT: lane 200: c8 7f 100 100 1 0 c8 c9 10000c8 4d 4d c9 c9 0 ffff5740 43487f5c 7d0 7d0 c 1f00 1 0 0 0
// EXPECT: moves: checksum 24a9567d64930ff3
// EXPECT: bf16 to f16: checksum 71f38f992e6ce0b9
// EXPECT: f16 to bf16: checksum 5d850a33158e747d
// EXPECT: bf16 to f32: checksum b112d595bf7be2a5
// EXPECT: bf16 to f64: checksum 19fd3a036d336955
// EXPECT: mmio: 9 6
// EXPECT: rn: -0x1.9e04625d346c5p+3 0x1.42cd66452d15fp+0 0x1.5d0bdffb0a7edp-1
// EXPECT: rn: checksum f41a7f265a64436c
// EXPECT: rz: -0x1.9e04625d346c3p+3 0x1.42cd66452d15cp+0 0x1.5d0bdffb0a7ddp-1
// EXPECT: rz: checksum 818eea67474c90fe
// EXPECT: rm: -0x1.9e04625d346c7p+3 0x1.42cd66452d15cp+0 0x1.5d0bdffb0a7cdp-1
// EXPECT: rm: checksum 6d0ce749620ba93b
// EXPECT: rp: -0x1.9e04625d346c3p+3 0x1.42cd66452d163p+0 0x1.5d0bdffb0a812p-1
// EXPECT: rp: checksum 01d826373429d7ef
