// The products of a warpgroup, wgmma.mma_async m64n8k16 and m64n64k16 of f16 values with f32 sums: A from registers or
// from shared memory, matrices in shared memory without swizzling and with that of 128 bytes, K contiguous or M and N.
#include <cuda_fp16.h>

#include "case.h"

constexpr int m = 64, k = 64;

template <int sign_of_a, int a_by_columns, int b_by_columns>
__device__ void wgmma(float (&d)[4], uint64_t a, uint64_t b, int accumulate) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %6, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 "
                 "{%0, %1, %2, %3}, %4, %5, p, %7, 1, %8, %9;\n}"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "l"(a), "l"(b), "r"(accumulate), "n"(sign_of_a), "n"(a_by_columns), "n"(b_by_columns));
}

template <int sign_of_a, int b_by_columns>
__device__ void wgmma(float (&d)[4], const uint32_t* a, uint64_t b, int accumulate) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %9, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, %8, p, %10, 1, %11;\n}"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(sign_of_a),
                   "n"(b_by_columns));
}

template <int sign_of_a, int a_by_columns, int b_by_columns>
__device__ void wgmma(float (&d)[32], uint64_t a, uint64_t b, int accumulate) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, "
                 "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, p, %35, 1, %36, %37;\n}"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                   "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
                   "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
                   "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
                   "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
                 : "l"(a), "l"(b), "r"(accumulate), "n"(sign_of_a), "n"(a_by_columns), "n"(b_by_columns));
}

template <int sign_of_a, int b_by_columns>
__device__ void wgmma(float (&d)[32], const uint32_t* a, uint64_t b, int accumulate) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, "
                 "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
                 "{%32, %33, %34, %35}, %36, p, %38, 1, %39;\n}"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                   "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
                   "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
                   "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
                   "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(sign_of_a),
                   "n"(b_by_columns));
}

enum Layout { plain, swizzled, swizzled_other };

// Where an element lies in shared memory, in bytes; `line` counts rows of A or columns of B.
// plain: blocks of 8 lines by 8 elements of K lie one after the other, 16 bytes a line.
// swizzled: a line has 128 bytes, all 64 elements of K; its 16-byte parts are exchanged according to the line.
// swizzled_other: the same with the roles of K and of the lines exchanged.
__device__ int place(Layout layout, int line, int element) {
    if (layout == plain) return line / 8 * 1024 + element / 8 * 128 + line % 8 * 16 + element % 8 * 2;
    if (layout == swizzled_other) {
        int other = line;
        line = element, element = other;
    }
    return line * 128 + (element / 8 ^ line % 8) * 16 + element % 8 * 2;
}

// The descriptor of the slice of 16 elements of K that begins with element 16 * step.
__device__ uint64_t descriptor(Layout layout, const void* base, int step) {
    uint64_t address = __cvta_generic_to_shared(base), leading = 16, stride = 1024;
    if (layout == plain) leading = 128, address += step * 256;
    if (layout == swizzled) address += step * 32;
    if (layout == swizzled_other) address += step * 2048;
    uint64_t mode = layout == plain ? 0 : 1;
    return (address & 0x3ffff) >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | mode << 62;
}

template <int n, Layout a_layout, Layout b_layout, bool a_in_registers, bool negated>
__global__ void __launch_bounds__(128) multiply(const __half* a, const __half* b, const float* c, float* d) {
    __shared__ alignas(1024) char a_shared[m * k * 2];
    __shared__ alignas(1024) char b_shared[64 * k * 2];
    constexpr int sign = negated ? -1 : 1;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, quad = lane % 4;
    for (int i = threadIdx.x; i < m * k; i += 128)
        *reinterpret_cast<__half*>(a_shared + place(a_layout, i / k, i % k)) = a[i];
    for (int i = threadIdx.x; i < k * n; i += 128)
        *reinterpret_cast<__half*>(b_shared + place(b_layout, i % n, i / n)) = b[i];
    // The products read shared memory through the asynchronous proxy.
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncthreads();

    float sums[n / 2];
    for (int i = 0; i < n / 2; i++) {
        int row = 16 * warp + group + 8 * (i / 2 % 2), column = 8 * (i / 4) + 2 * quad + i % 2;
        sums[i] = c[row * n + column];
    }
    uint32_t a_words[k / 16][4];
    for (int step = 0; step < k / 16; step++)
        for (int i = 0; i < 4; i++) {
            int row = 16 * warp + group + 8 * (i % 2), column = 16 * step + 2 * quad + 8 * (i / 2);
            __half2 pair = __halves2half2(a[row * k + column], a[row * k + column + 1]);
            memcpy(&a_words[step][i], &pair, 4);
        }
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int step = 0; step < k / 16; step++) {
        // Negated products do not start from C but from zero.
        int accumulate = !negated || step > 0;
        uint64_t b_slice = descriptor(b_layout, b_shared, step);
        if constexpr (a_in_registers) wgmma<sign, b_layout == swizzled_other>(sums, a_words[step], b_slice, accumulate);
        else
            wgmma<sign, a_layout == swizzled_other, b_layout == swizzled_other>(
                sums, descriptor(a_layout, a_shared, step), b_slice, accumulate);
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    for (int i = 0; i < n / 2; i++) {
        int row = 16 * warp + group + 8 * (i / 2 % 2), column = 8 * (i / 4) + 2 * quad + i % 2;
        d[row * n + column] = sums[i];
    }
}

void report(const char* name, const std::vector<float>& got, const std::vector<float>& expected, int n) {
    double sum = 0;
    for (int i = 0; i < m * n; i++) {
        int row = i / n, column = i % n;
        if (got[i] != expected[i]) {
            printf("m64n%dk16 %s [%d][%d] is %g, not %g\n", n, name, row, column, got[i], expected[i]);
            return;
        }
        sum += static_cast<double>(got[i]) * (row * 31 + column);
    }
    printf("m64n%dk16 %s ok %.0f\n", n, name, sum);
}

template <int n, Layout a_layout, Layout b_layout, bool a_in_registers, bool negated = false>
void test(const char* name) {
    std::vector<__half> a(m * k), b(k * n);
    std::vector<float> c(m * n), expected(m * n);
    auto number = [](uint32_t seed) { return static_cast<int>(mix(seed) % 9) - 4; };
    for (int i = 0; i < m * k; i++) a[i] = __float2half(static_cast<float>(number(i + 1)));
    for (int i = 0; i < k * n; i++) b[i] = __float2half(static_cast<float>(number(i + 10000)));
    for (int i = 0; i < m * n; i++) {
        c[i] = static_cast<float>(number(i + 20000));
        int sum = 0;
        for (int j = 0; j < k; j++) sum += number(i / n * k + j + 1) * number(j * n + i % n + 10000);
        expected[i] = negated ? static_cast<float>(-sum) : c[i] + sum;
    }
    float* d_device = device_zeros<float>(m * n);
    multiply<n, a_layout, b_layout, a_in_registers, negated>
        <<<1, 128>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, m * n), expected, n);
}

int main() {
    test<8, plain, plain, false>("shared, no swizzle");
    test<8, swizzled, swizzled, false>("shared, 128-byte swizzle");
    test<8, swizzled, plain, false>("shared, A swizzled");
    test<8, plain, plain, true>("registers, no swizzle");
    test<8, plain, swizzled, true>("registers, 128-byte swizzle");
    test<8, plain, swizzled, true, true>("registers, negated, without C");
    test<64, plain, plain, false>("shared, no swizzle");
    test<64, swizzled, swizzled, false>("shared, 128-byte swizzle");
    test<64, swizzled, swizzled_other, false>("shared, B by rows");
    test<64, swizzled_other, swizzled, false>("shared, A by columns");
    test<64, swizzled, swizzled, false, true>("shared, negated, without C");
    test<64, plain, plain, true>("registers, no swizzle");
    test<64, plain, swizzled, true>("registers, 128-byte swizzle");
    test<64, plain, swizzled_other, true>("registers, B by rows");
    return 0;
}

// RUN: nvcc -gencode arch=compute_90a,code=compute_90a
// EXPECT-EXIT: 0
// EXPECT: m64n8k16 shared, no swizzle ok 857288
// EXPECT: m64n8k16 shared, 128-byte swizzle ok 857288
// EXPECT: m64n8k16 shared, A swizzled ok 857288
// EXPECT: m64n8k16 registers, no swizzle ok 857288
// EXPECT: m64n8k16 registers, 128-byte swizzle ok 857288
// EXPECT: m64n8k16 registers, negated, without C ok -797050
// EXPECT: m64n64k16 shared, no swizzle ok -630366
// EXPECT: m64n64k16 shared, 128-byte swizzle ok -630366
// EXPECT: m64n64k16 shared, B by rows ok -630366
// EXPECT: m64n64k16 shared, A by columns ok -630366
// EXPECT: m64n64k16 shared, negated, without C ok 739123
// EXPECT: m64n64k16 registers, no swizzle ok -630366
// EXPECT: m64n64k16 registers, 128-byte swizzle ok -630366
// EXPECT: m64n64k16 registers, B by rows ok -630366
