// movmatrix: an 8x8 matrix of 16-bit elements in the registers of a warp, transposed; once, twice, and on the way from
// the sums of one tensor core product to the B operand of the next.
#include <cuda_fp16.h>

#include "case.h"

__device__ uint32_t transpose(uint32_t a) {
    uint32_t d;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(d) : "r"(a));
    return d;
}

__global__ void run(const uint32_t* input, uint32_t* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = gridDim.x * blockDim.x;
    uint32_t once = transpose(input[i]);
    output[i] = once;
    output[count + i] = transpose(once);
}

// D = (A A) A for a symmetric order of work: the product is f16 sums of m16n8k8, which hold rows in lanes; as B of the
// next product they must hold columns.
__global__ void cube(const __half* a, __half* d) {
    int lane = threadIdx.x, group = lane / 4, quad = lane % 4;
    uint32_t a_word, b_word, zero = 0, square[2], result[2];
    __half2 pair = __halves2half2(a[group * 8 + 2 * quad], a[group * 8 + 2 * quad + 1]);
    memcpy(&a_word, &pair, 4);
    // B is A, whose fragment holds columns: transposed as well.
    b_word = transpose(a_word);
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3}, {%4}, {%5, %5};"
                 : "=r"(square[0]), "=r"(square[1])
                 : "r"(a_word), "r"(zero), "r"(b_word), "r"(zero));
    b_word = transpose(square[0]);
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3}, {%4}, {%5, %5};"
                 : "=r"(result[0]), "=r"(result[1])
                 : "r"(a_word), "r"(zero), "r"(b_word), "r"(zero));
    memcpy(&pair, &result[0], 4);
    d[group * 8 + 2 * quad] = __low2half(pair);
    d[group * 8 + 2 * quad + 1] = __high2half(pair);
}

void report(const char* name, const std::vector<uint32_t>& got, const std::vector<uint32_t>& expected) {
    for (int i = 0; i < static_cast<int>(got.size()); i++)
        if (got[i] != expected[i]) {
            printf("%s word %d is %08x, not %08x\n", name, i, got[i], expected[i]);
            return;
        }
    printf("%s ok %016llx\n", name, (unsigned long long)checksum(got));
}

int main() {
    const int warps = 6, count = warps * 32;
    std::vector<uint32_t> input(count), expected(2 * count, 0);
    for (int i = 0; i < count; i++) {
        input[i] = mix(i);
        expected[count + i] = input[i];
    }
    for (int i = 0; i < 2 * count; i++) {
        int warp = i / 64, row = i % 64 / 8, column = i % 8;
        uint32_t element = input[warp * 32 + row * 4 + column / 2] >> (16 * (column % 2)) & 0xffff;
        expected[warp * 32 + column * 4 + row / 2] |= element << (16 * (row % 2));
    }
    uint32_t* output_device = device_zeros<uint32_t>(2 * count);
    run<<<warps / 2, 64>>>(to_device(input), output_device);
    CHECK_KERNEL();
    report("m8n8.trans.b16", to_host(output_device, 2 * count), expected);

    std::vector<__half> a(64);
    std::vector<int> x(64);
    std::vector<uint32_t> cubes(64), wanted(64);
    for (int i = 0; i < 64; i++) {
        x[i] = static_cast<int>(mix(i + 5) % 7) - 3;
        a[i] = __float2half(static_cast<float>(x[i]));
    }
    for (int i = 0; i < 64; i++) {
        int sum = 0;
        for (int j = 0; j < 8; j++)
            for (int l = 0; l < 8; l++) sum += x[i / 8 * 8 + j] * x[j * 8 + l] * x[l * 8 + i % 8];
        wanted[i] = static_cast<uint32_t>(sum);
    }
    __half* d_device = device_zeros<__half>(64);
    cube<<<1, 32>>>(to_device(a), d_device);
    CHECK_KERNEL();
    std::vector<__half> d = to_host(d_device, 64);
    for (int i = 0; i < 64; i++) cubes[i] = static_cast<uint32_t>(static_cast<int>(__half2float(d[i])));
    report("third power", cubes, wanted);
    return 0;
}

// RUN: nvcc -arch=compute_75
// EXPECT-EXIT: 0
// EXPECT: m8n8.trans.b16 ok 4e0f4233889b2b6d
// EXPECT: third power ok 5f7c5252e13018c4
