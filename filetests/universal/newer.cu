// Features of cards from sm_100 on, as PTX for compute_120a: what a card that lacks them computes has to be the same.
//
// Build: nvcc -gencode arch=compute_120a,code=compute_120a newer.cu -o newer
// Run on an older card: apex run --present-sm 12.0 ./newer
// It prints a digest of all results for each feature; newer.txt has them.

#include <cstdint>
#include <cstdio>
#include <cstring>

constexpr int THREADS = 256, BLOCKS = 64, COUNT = THREADS * BLOCKS;

__device__ uint64_t mixed(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

// A single in the range of narrow formats, or anything, or something special.
__device__ float operand(uint32_t thread, uint32_t which) {
    const uint32_t special[8] = {0u, 0x80000000u, 1u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x00800000u, 0x7f7fffffu};
    uint64_t bits = mixed(thread * 8ull + which);
    uint32_t low = uint32_t(bits);
    switch (bits >> 62) {
        case 0: return __uint_as_float(special[low % 8]);
        case 1: return __uint_as_float(low);
        default: return __uint_as_float((low & 0x807fffffu) | ((110u + uint32_t(bits >> 32) % 30u) << 23));
    }
}

__global__ void pairs(uint64_t *results) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    uint64_t a, b, c, d, e, f;
    asm("mov.b64 %0, {%1, %2};" : "=l"(a) : "f"(operand(t, 0)), "f"(operand(t, 1)));
    asm("mov.b64 %0, {%1, %2};" : "=l"(b) : "f"(operand(t, 2)), "f"(operand(t, 3)));
    asm("mov.b64 %0, {%1, %2};" : "=l"(c) : "f"(operand(t, 4)), "f"(operand(t, 5)));
    asm("add.rz.f32x2 %0, %1, %2;" : "=l"(d) : "l"(a), "l"(b));
    asm("mul.rn.ftz.f32x2 %0, %1, %2;" : "=l"(e) : "l"(a), "l"(b));
    asm("fma.rp.f32x2 %0, %1, %2, %3;" : "=l"(f) : "l"(a), "l"(b), "l"(c));
    results[t] = mixed(d) ^ mixed(e + 1) ^ mixed(f + 2);
}

__global__ void three(uint64_t *results) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    float a = operand(t, 0), b = operand(t, 1), c = operand(t, 2), d, e;
    asm("min.ftz.f32 %0, %1, %2, %3;" : "=f"(d) : "f"(a), "f"(b), "f"(c));
    asm("max.NaN.abs.f32 %0, %1, %2, %3;" : "=f"(e) : "f"(a), "f"(b), "f"(c));
    results[t] = uint64_t(__float_as_uint(d)) << 32 | __float_as_uint(e);
}

__global__ void mixed_precision(uint64_t *results) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    uint16_t h = uint16_t(mixed(t)), g = uint16_t(mixed(t + 77));
    float d, e, b = operand(t, 1);
    asm("add.rm.f32.f16 %0, %1, %2;" : "=f"(d) : "h"(h), "f"(b));
    asm("fma.rn.sat.f32.bf16 %0, %1, %2, %3;" : "=f"(e) : "h"(h), "h"(g), "f"(b));
    results[t] = uint64_t(__float_as_uint(d)) << 32 | __float_as_uint(e);
}

__global__ void narrow(uint64_t *results) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    float a = operand(t, 0), b = operand(t, 1);
    uint16_t c, d, e, f = uint16_t(mixed(t));
    uint32_t g, h, i;
    asm("cvt.rn.satfinite.e2m3x2.f32 %0, %1, %2;" : "=h"(c) : "f"(a), "f"(b));
    asm("cvt.rn.satfinite.relu.e3m2x2.f32 %0, %1, %2;" : "=h"(d) : "f"(a), "f"(b));
    asm("{ .reg .b8 x; cvt.rn.satfinite.e2m1x2.f32 x, %1, %2; cvt.u16.u8 %0, x; }" : "=h"(e) : "f"(a), "f"(b));
    asm("cvt.rn.f16x2.e2m3x2 %0, %1;" : "=r"(g) : "h"(uint16_t(f & 0x3f3f)));
    asm("{ .reg .b8 x; cvt.u8.u16 x, %1; cvt.rn.relu.f16x2.e2m1x2 %0, x; }" : "=r"(h) : "h"(f));
    asm("cvt.rn.bf16x2.ue8m0x2 %0, %1;" : "=r"(i) : "h"(f));
    results[t] = mixed(uint64_t(c) << 32 | uint32_t(d) << 16 | e) ^ mixed(uint64_t(g) << 32 | h) ^ i;
}

__global__ void scaled(uint64_t *results) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    uint16_t c, d;
    asm("cvt.rp.satfinite.ue8m0x2.f32 %0, %1, %2;" : "=h"(c) : "f"(operand(t, 0)), "f"(operand(t, 1)));
    asm("cvt.rz.ue8m0x2.bf16x2 %0, %1;" : "=h"(d) : "r"(uint32_t(mixed(t))));
    results[t] = uint32_t(c) << 16 | d;
}

__global__ void scales(uint64_t *results) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t r, s;
    asm("cvt.rn.relu.satfinite.tf32.f32 %0, %1;" : "=r"(r) : "f"(operand(t, 0)));
    asm("cvt.rz.satfinite.tf32.f32 %0, %1;" : "=r"(s) : "f"(operand(t, 0)));
    results[t] = uint64_t(r) << 32 | s;
}

struct alignas(32) Wide { uint64_t a, b, c, d; };

__global__ void wide(uint64_t *results, const Wide *from, Wide *to) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    Wide value;
    asm volatile("ld.global.v4.b64 {%0, %1, %2, %3}, [%4];"
                 : "=l"(value.a), "=l"(value.b), "=l"(value.c), "=l"(value.d) : "l"(from + t));
    asm volatile("st.global.v4.b64 [%0], {%1, %2, %3, %4};"
                 :: "l"(to + t), "l"(value.d), "l"(value.c), "l"(value.b), "l"(value.a) : "memory");
    results[t] = mixed(to[t].a) ^ to[t].b ^ mixed(to[t].c) ^ to[t].d;
}

__global__ void fill(Wide *wide) {
    uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
    wide[t] = {mixed(t), mixed(t + COUNT), mixed(t + 2 * COUNT), mixed(t + 3 * COUNT)};
}

static int check(cudaError_t error) {
    if (error != cudaSuccess) {
        printf("%s\n", cudaGetErrorString(error));
        return 1;
    }
    return 0;
}

static int show(const char *name, uint64_t *results) {
    static uint64_t host[COUNT];
    if (check(cudaGetLastError()) || check(cudaMemcpy(host, results, sizeof host, cudaMemcpyDeviceToHost))) return 1;
    uint64_t digest = 0xcbf29ce484222325ull;
    for (uint64_t word : host) digest = (digest ^ word) * 0x100000001b3ull;
    printf("%-16s %016llx\n", name, (unsigned long long)digest);
    return 0;
}

int main() {
    uint64_t *results;
    Wide *wides;
    int major = 0, minor = 0;
    if (check(cudaMalloc(&results, COUNT * 8)) || check(cudaMalloc(&wides, 2 * COUNT * sizeof(Wide)))) return 1;
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
    printf("compute capability %d.%d\n", major, minor);
    pairs<<<BLOCKS, THREADS>>>(results);
    if (show("pairs", results)) return 1;
    three<<<BLOCKS, THREADS>>>(results);
    if (show("three", results)) return 1;
    mixed_precision<<<BLOCKS, THREADS>>>(results);
    if (show("mixed precision", results)) return 1;
    scales<<<BLOCKS, THREADS>>>(results);
    if (show("tf32", results)) return 1;
    narrow<<<BLOCKS, THREADS>>>(results);
    if (show("narrow floats", results)) return 1;
    scaled<<<BLOCKS, THREADS>>>(results);
    if (show("scales", results)) return 1;
    fill<<<BLOCKS, THREADS>>>(wides);
    wide<<<BLOCKS, THREADS>>>(results, wides, wides + COUNT);
    if (show("256 bits", results)) return 1;
    return 0;
}
