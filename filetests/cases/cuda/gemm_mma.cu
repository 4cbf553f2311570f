// A product of 256x256 f16 matrices as real kernels compute it: tiles of 64x64 a block, copied to shared memory by
// cp.async into two buffers in turn, read by ldmatrix, multiplied by mma.sync m16n8k16 with f32 sums.
#include <cuda_fp16.h>

#include "case.h"

constexpr int size = 256, tile = 64, depth = 32, threads = 128;
// Rows are padded by 16 bytes.
constexpr int a_pitch = depth + 8, b_pitch = tile + 8;

struct Stage {
    __half a[tile * a_pitch], b[depth * b_pitch];
};

__device__ uint32_t shared_address(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

__device__ void copy_16(void* target, const void* source) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(target)), "l"(source) : "memory");
}

// Starts the copies of a slice of A (64x32) and of B (32x64), 16 bytes a thread and step.
__device__ void start_copies(Stage& stage, const __half* a, const __half* b, int slice) {
    for (int i = threadIdx.x; i < tile * depth / 8; i += threads) {
        int row = i / (depth / 8), column = i % (depth / 8) * 8;
        copy_16(&stage.a[row * a_pitch + column], &a[(blockIdx.y * tile + row) * size + slice * depth + column]);
        row = i / (tile / 8), column = i % (tile / 8) * 8;
        copy_16(&stage.b[row * b_pitch + column], &b[(slice * depth + row) * size + blockIdx.x * tile + column]);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
}

__global__ void __launch_bounds__(threads) gemm(const __half* a, const __half* b, float* d) {
    __shared__ alignas(16) Stage stages[2];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, quad = lane % 4;
    // A warp computes 32x32 elements: 2 by 4 tiles of the instruction.
    int first_row = warp / 2 * 32, first_column = warp % 2 * 32;
    float sums[2][4][4] = {};
    start_copies(stages[0], a, b, 0);
    for (int slice = 0; slice < size / depth; slice++) {
        if (slice + 1 < size / depth) {
            start_copies(stages[(slice + 1) % 2], a, b, slice + 1);
            asm volatile("cp.async.wait_group 1;" ::: "memory");
        } else {
            asm volatile("cp.async.wait_group 0;" ::: "memory");
        }
        __syncthreads();
        const Stage& stage = stages[slice % 2];
#pragma unroll
        for (int step = 0; step < depth; step += 16) {
            uint32_t a_words[2][4], b_words[4][2];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                // Matrices 0 and 1 are the upper and lower left, 2 and 3 the upper and lower right.
                int row = first_row + i * 16 + lane % 16, column = step + lane / 16 * 8;
                asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                             : "=r"(a_words[i][0]), "=r"(a_words[i][1]), "=r"(a_words[i][2]), "=r"(a_words[i][3])
                             : "r"(shared_address(&stage.a[row * a_pitch + column]))
                             : "memory");
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                // B lies in rows, its fragments hold columns.
                int row = step + lane % 16, column = first_column + j * 8;
                asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                             : "=r"(b_words[j][0]), "=r"(b_words[j][1])
                             : "r"(shared_address(&stage.b[row * b_pitch + column]))
                             : "memory");
            }
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    float* sum = sums[i][j];
                    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                                 : "r"(a_words[i][0]), "r"(a_words[i][1]), "r"(a_words[i][2]), "r"(a_words[i][3]),
                                   "r"(b_words[j][0]), "r"(b_words[j][1]));
                }
        }
        __syncthreads();
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            for (int part = 0; part < 4; part++) {
                int row = blockIdx.y * tile + first_row + i * 16 + group + 8 * (part / 2);
                int column = blockIdx.x * tile + first_column + j * 8 + 2 * quad + part % 2;
                d[row * size + column] = sums[i][j][part];
            }
}

void report(const char* name, const std::vector<float>& got, const std::vector<float>& expected, float tolerance) {
    double sum = 0;
    for (int i = 0; i < size * size; i++) {
        int row = i / size, column = i % size;
        if (!(fabsf(got[i] - expected[i]) <= tolerance)) {
            printf("%s [%d][%d] is %g, not %g\n", name, row, column, got[i], expected[i]);
            return;
        }
        sum += static_cast<double>(got[i]) * (row * 31 + column);
    }
    if (tolerance == 0) printf("%s ok %.0f\n", name, sum);
    else printf("%s within tolerance\n", name);
}

void test(const char* name, bool fractions) {
    std::vector<__half> a(size * size), b(size * size);
    std::vector<float> a_values(size * size), b_values(size * size), expected(size * size);
    auto number = [&](uint32_t seed) {
        return fractions ? static_cast<int>(mix(seed) % 2049) / 1024.0f - 1 : static_cast<int>(mix(seed) % 9) - 4.0f;
    };
    for (int i = 0; i < size * size; i++) {
        a[i] = __float2half(a_values[i] = number(i));
        b[i] = __float2half(b_values[i] = number(~i));
    }
    for (int row = 0; row < size; row++) {
        double sums[size] = {};
        for (int k = 0; k < size; k++)
            for (int column = 0; column < size; column++)
                sums[column] += static_cast<double>(a_values[row * size + k]) * b_values[k * size + column];
        for (int column = 0; column < size; column++) expected[row * size + column] = static_cast<float>(sums[column]);
    }
    float* d_device = device_zeros<float>(size * size);
    gemm<<<dim3(size / tile, size / tile), threads>>>(to_device(a), to_device(b), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, size * size), expected, fractions ? 1e-3f : 0);
}

int main() {
    test("integers", false);
    test("fractions", true);
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: integers ok 76988864
// EXPECT: fractions within tolerance
