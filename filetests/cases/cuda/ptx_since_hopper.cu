// Instructions that came with PTX 7.8 to 8.3 for compute capability 9.0: packed 16-bit integers, bfloat16 comparisons,
// atomics on vectors and on 128 bits, asynchronous stores and reductions that tell a barrier, and what concerns caches.
#include "case.h"

#include <algorithm>
#include <cmath>

constexpr int count = 1 << 12, threads = 128, results = 14;

// Pairs of bfloat16 numbers between 1/8 and 2.
__host__ __device__ uint32_t near_one(uint32_t word) { return (word & 0x81ff81ff) | 0x3e003e00; }

__global__ void packed(const uint32_t* words, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t a = words[i], b = words[i + count], c = words[i + 2 * count];
    uint32_t* r = output + results * i;
#define TWO(index, text) asm(text " %0, %1, %2;" : "=r"(r[index]) : "r"(a), "r"(b))
    TWO(0, "add.u16x2");
    TWO(1, "min.s16x2");
    TWO(2, "max.relu.s16x2");
    TWO(3, "max.u16x2");
    TWO(4, "min.relu.s32");
    TWO(5, "szext.wrap.s32");
    TWO(6, "szext.clamp.u32");
    TWO(7, "bmsk.clamp.b32");
    asm("{ .reg .pred p, q; setp.lt.u32 q, %1, %2; lop3.or.b32 %0|p, %1, %2, %3, 0x80, q; @p xor.b32 %0, %0, 1; }"
        : "=r"(r[8])
        : "r"(a), "r"(b), "r"(c));
    asm("{ .reg .b16 x, y, z; mov.b32 {x, z}, %1; mov.b32 {y, z}, %2; set.gtu.bf16.bf16 x, x, y; mov.b16 z, 0; mov.b32 %0, {x, z}; }"
        : "=r"(r[9])
        : "r"(a), "r"(b));
    asm("set.le.bf16x2.bf16x2 %0, %1, %2;" : "=r"(r[10]) : "r"(a), "r"(b));
    asm("{ .reg .pred p, q; setp.ne.bf16x2 p|q, %1, %2; selp.u32 %0, 1, 0, p; @q add.u32 %0, %0, 2; }"
        : "=r"(r[11])
        : "r"(a), "r"(b));
    asm("max.NaN.xorsign.abs.bf16x2 %0, %1, %2;" : "=r"(r[12]) : "r"(a), "r"(b));
    asm("fma.rn.relu.bf16x2 %0, %1, %2, %3;" : "=r"(r[13]) : "r"(near_one(a)), "r"(near_one(b)), "r"(near_one(c)));
}

// The atomics of all threads on a few places; sums are of small integers, so that their order does not matter.
__global__ void atomics(float* sums, uint32_t* halves, uint32_t* limits, unsigned long long* wide) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float x = static_cast<float>(i % 7);
    asm volatile("red.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(sums + 4 * (i % 4)), "f"(x), "f"(1.0f), "f"(-x), "f"(2.0f)
                 : "memory");
    asm volatile("{ .reg .f32 s, t; atom.global.add.v2.f32 {s, t}, [%0], {%1, %2}; }" ::"l"(sums + 16), "f"(1.0f), "f"(x)
                 : "memory");
    // In half precision, 1 and 2 in a word; 1 and -1 in bfloat16.
    asm volatile("red.global.add.noftz.v2.f16x2 [%0], {%1, %2};" ::"l"(halves + 2 * (i % 64)), "r"(0x40003c00), "r"(0x3c004000)
                 : "memory");
    asm volatile("red.global.add.noftz.v4.bf16x2 [%0], {%1, %1, %1, %1};" ::"l"(halves + 128 + 4 * (i % 64)), "r"(0xbf803f80)
                 : "memory");
    uint32_t word = mix(i) & 0x7bff7bff;
    asm volatile("red.global.max.noftz.v2.f16x2 [%0], {%1, %2};" ::"l"(limits), "r"(word), "r"(word ^ 0x80008000) : "memory");
    asm volatile("red.global.min.noftz.v2.f16x2 [%0], {%1, %2};" ::"l"(limits + 2), "r"(word), "r"(word ^ 0x80008000)
                 : "memory");
    // A counter of 128 bits whose halves always agree, counted up with compare and swap.
    bool done = false;
    while (!done) {
        unsigned long long low, high, seen_low, seen_high;
        asm volatile("{ .reg .b128 t; ld.relaxed.gpu.global.b128 t, [%2]; mov.b128 {%0, %1}, t; }"
                     : "=l"(low), "=l"(high)
                     : "l"(wide)
                     : "memory");
        asm volatile("{ .reg .b128 x, y, z; mov.b128 x, {%2, %3}; mov.b128 y, {%4, %5};\n"
                     "atom.global.cas.b128 z, [%6], x, y; mov.b128 {%0, %1}, z; }"
                     : "=l"(seen_low), "=l"(seen_high)
                     : "l"(low), "l"(high), "l"(low + 1), "l"(high + 3), "l"(wide)
                     : "memory");
        done = seen_low == low && seen_high == high;
    }
}

// Each thread stores into its neighbour's place and adds to a common one; the barrier counts the bytes.
__global__ void __cluster_dims__(1) asynchronous(uint32_t* output) {
    __shared__ alignas(16) uint32_t place[4 * threads];
    __shared__ uint32_t common[4];
    __shared__ alignas(8) uint64_t barrier;
    int i = threadIdx.x;
    auto address = [](const void* pointer) { return static_cast<uint32_t>(__cvta_generic_to_shared(pointer)); };
    if (i < 4) common[i] = 0;
    if (i == 0) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(address(&barrier)) : "memory");
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address(&barrier)), "r"(threads * 28) : "memory");
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    uint32_t to = address(&place[4 * ((i + 1) % threads)]), value = mix(i);
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(to), "r"(value),
                 "r"(value + 1), "r"(value + 2), "r"(value + 3), "r"(address(&barrier))
                 : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %1, [%2];" ::"r"(address(common)),
                 "r"(value), "r"(address(&barrier))
                 : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.max.s32 [%0], %1, [%2];" ::"r"(address(common + 1)),
                 "r"(value), "r"(address(&barrier))
                 : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.xor.b32 [%0], %1, [%2];" ::"r"(address(common + 2)),
                 "r"(value), "r"(address(&barrier))
                 : "memory");
    __syncthreads();
    asm volatile("{ .reg .pred p;\nagain: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], 0; @!p bra again; }" ::"r"(address(&barrier))
                 : "memory");
    for (int k = 0; k < 4; k++) output[4 * i + k] = place[4 * i + k];
    __syncthreads();
    if (i < 3) output[4 * threads + i] = common[i];
    // The places of all threads, added to what is there by one copy.
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncthreads();
    if (i == 0) {
        asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%0], [%1], %2;" ::"l"(output + 4 * threads + 4),
                     "r"(address(place)), "r"(16 * threads)
                     : "memory");
        asm volatile("cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;" ::: "memory");
    }
}

// Loads and stores with all that a program may say of caches; the policy is a number of the card's own.
__global__ void cached(const uint32_t* input, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    uint64_t policy;
    asm("createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %0, 0.5;" : "=l"(policy));
    uint32_t a, b, c;
    asm volatile("prefetch.global.L2::evict_last [%0]; prefetchu.L1 [%0];" ::"l"(input + i));
    asm volatile("ld.global.nc.L1::no_allocate.L2::cache_hint.L2::128B.u32 %0, [%1], %2;" : "=r"(a) : "l"(input + i), "l"(policy));
    asm volatile("ld.relaxed.gpu.global.L1::evict_last.u32 %0, [%1];" : "=r"(b) : "l"(input + i));
    asm volatile("ld.global.u32 %0, [%1].unified;" : "=r"(c) : "l"(input + i));
    asm volatile("st.global.L1::no_allocate.L2::cache_hint.u32 [%0], %1, %2;" ::"l"(output + i), "r"(a + b + c), "l"(policy) : "memory");
    asm volatile("fence.proxy.alias; fence.proxy.tensormap::generic.release.gpu; fence.acq_rel.cluster;" ::: "memory");
    asm volatile("atom.global.add.L2::cache_hint.u32 %0, [%1], 1, %2;" : "=r"(a) : "l"(output + i), "l"(policy) : "memory");
}

static float bfloat(uint32_t word, int half) {
    uint32_t bits = word >> (16 * half) << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static void expect(uint32_t a, uint32_t b, uint32_t c, uint32_t* r) {
    auto halves = [&](auto operation) {
        uint32_t low = operation(static_cast<int16_t>(a), static_cast<int16_t>(b)) & 0xffff;
        return low | static_cast<uint32_t>(operation(static_cast<int16_t>(a >> 16), static_cast<int16_t>(b >> 16))) << 16;
    };
    r[0] = halves([](int x, int y) { return x + y; });
    r[1] = halves([](int x, int y) { return std::min(x, y); });
    r[2] = halves([](int x, int y) { return std::max({x, y, 0}); });
    r[3] = halves([](int x, int y) { return std::max(x & 0xffff, y & 0xffff); });
    r[4] = static_cast<uint32_t>(std::max(std::min(static_cast<int>(a), static_cast<int>(b)), 0));
    int kept = b % 32;
    r[5] = kept == 0 ? 0 : static_cast<uint32_t>(static_cast<int>(a << (32 - kept)) >> (32 - kept));
    r[6] = b >= 32 ? a : a & ((1u << b) - 1);
    uint64_t ones = (1ull << std::min(b, 32u)) - 1;
    r[7] = a >= 32 ? 0 : static_cast<uint32_t>(ones << a);
    uint32_t all = a & b & c;
    r[8] = all ^ (all != 0 || a < b);
    r[9] = !(bfloat(a, 0) <= bfloat(b, 0)) ? 0x3f80 : 0;
    r[10] = (bfloat(a, 0) <= bfloat(b, 0) ? 0x3f80 : 0) | (bfloat(a, 1) <= bfloat(b, 1) ? 0x3f800000 : 0);
    auto differ = [&](int half) { float x = bfloat(a, half), y = bfloat(b, half); return x < y || x > y; };
    r[11] = differ(0) + 2 * differ(1);
    r[12] = r[13] = 0;
    for (int shift = 0; shift < 32; shift += 16) {
        uint32_t x = a >> shift & 0xffff, y = b >> shift & 0xffff;
        uint32_t magnitude = std::max(x & 0x7fff, y & 0x7fff);
        r[12] |= (magnitude > 0x7f80 ? 0x7fff : magnitude | ((x ^ y) & 0x8000)) << shift;
        // Exact in double precision; rounded to bfloat16 from there.
        double sum = static_cast<double>(bfloat(near_one(a), shift / 16)) * bfloat(near_one(b), shift / 16);
        sum += bfloat(near_one(c), shift / 16);
        if (!(sum > 0)) continue;
        int exponent;
        frexp(sum, &exponent);
        float rounded = static_cast<float>(ldexp(nearbyint(ldexp(sum, 8 - exponent)), exponent - 8));
        uint32_t bits;
        memcpy(&bits, &rounded, 4);
        r[13] |= bits >> 16 << shift;
    }
}

int main() {
    std::vector<uint32_t> words(3 * count), expected(results * count);
    for (int i = 0; i < 3 * count; i++) words[i] = mix(i) % 4 ? mix(i + 3) : mix(i + 3) >> mix(i) % 32;
    for (int i = 0; i < count; i++)
        expect(words[i], words[i + count], words[i + 2 * count], &expected[results * i]);
    uint32_t* output = device_zeros<uint32_t>(results * count);
    packed<<<count / threads, threads>>>(to_device(words), output);
    CHECK_KERNEL();
    std::vector<uint32_t> got = to_host(output, results * count);
    for (int k = 0; k < results; k++) {
        std::vector<uint32_t> mine(count), theirs(count);
        for (int i = 0; i < count; i++) mine[i] = got[results * i + k], theirs[i] = expected[results * i + k];
        printf("packed %d: mismatches %d, sum %016llx\n", k, mismatches(mine, theirs),
               static_cast<unsigned long long>(checksum(mine)));
    }

    float* sums = device_zeros<float>(18);
    uint32_t* halves = device_zeros<uint32_t>(128 + 256);
    uint32_t* limits = to_device(std::vector<uint32_t>{0xfc00fc00, 0xfc00fc00, 0x7c007c00, 0x7c007c00});
    unsigned long long* wide;
    CHECK(cudaMalloc(&wide, 16));
    CHECK(cudaMemset(wide, 0, 16));
    atomics<<<count / threads, threads>>>(sums, halves, limits, wide);
    CHECK_KERNEL();
    printf("sums");
    for (float sum : to_host(sums, 18)) printf(" %.0f", sum);
    std::vector<uint32_t> limit = to_host(limits, 4);
    printf("\nhalves %016llx\nlimits %08x %08x %08x %08x\n", static_cast<unsigned long long>(checksum(to_host(halves, 384))),
           limit[0], limit[1], limit[2], limit[3]);
    std::vector<unsigned long long> counter = to_host(wide, 2);
    printf("128 bits %llu %llu\n", counter[0], counter[1]);

    uint32_t* places = device_zeros<uint32_t>(8 * threads + 4);
    asynchronous<<<1, threads>>>(places);
    CHECK_KERNEL();
    std::vector<uint32_t> stored = to_host(places, 8 * threads + 4), wanted(8 * threads + 4);
    for (int i = 0; i < threads; i++) {
        for (int k = 0; k < 4; k++) wanted[4 * ((i + 1) % threads) + k] = mix(i) + k;
        wanted[4 * threads] += mix(i);
        wanted[4 * threads + 1] = std::max(static_cast<int>(wanted[4 * threads + 1]), static_cast<int>(mix(i)));
        wanted[4 * threads + 2] ^= mix(i);
    }
    std::copy_n(wanted.begin(), 4 * threads, wanted.begin() + 4 * threads + 4);
    printf("asynchronous: mismatches %d, sum %016llx\n", mismatches(stored, wanted),
           static_cast<unsigned long long>(checksum(stored)));

    uint32_t* loaded = device_zeros<uint32_t>(count);
    cached<<<count / threads, threads>>>(to_device(words), loaded);
    CHECK_KERNEL();
    std::vector<uint32_t> tripled(count);
    for (int i = 0; i < count; i++) tripled[i] = 3 * words[i] + 1;
    printf("cached: mismatches %d\n", mismatches(to_host(loaded, count), tripled));
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: packed 0: mismatches 0, sum 46c900ca8cac1b60
// EXPECT: packed 1: mismatches 0, sum 1769ed4f9e96632b
// EXPECT: packed 2: mismatches 0, sum c6e86d19cc573af4
// EXPECT: packed 3: mismatches 0, sum 7b8a45a327e713fb
// EXPECT: packed 4: mismatches 0, sum 0ab9fc82901bec9e
// EXPECT: packed 5: mismatches 0, sum f37c13c9b4b5599b
// EXPECT: packed 6: mismatches 0, sum 0c5b8159e9197837
// EXPECT: packed 7: mismatches 0, sum 2b052d9261837af1
// EXPECT: packed 8: mismatches 0, sum 71ca674dbfe105ea
// EXPECT: packed 9: mismatches 0, sum 2d07f5c7d7fdb6e5
// EXPECT: packed 10: mismatches 0, sum 8061f2274dedab85
// EXPECT: packed 11: mismatches 0, sum 8ba7aefff633ddb4
// EXPECT: packed 12: mismatches 0, sum e7728152fc6ee129
// EXPECT: packed 13: mismatches 0, sum d933e647791a1498
// EXPECT: sums 3070 1024 -3070 2048 3072 1024 -3072 2048 3074 1024 -3074 2048 3069 1024 -3069 2048 4096 12285
// EXPECT: halves 96b1d3bf1dbadf25
// EXPECT: limits 7bfa7bfd 80008000 00000000 fbfafbfd
// EXPECT: 128 bits 4096 12288
// EXPECT: asynchronous: mismatches 0, sum 448bd6f16d129605
// EXPECT: cached: mismatches 0
