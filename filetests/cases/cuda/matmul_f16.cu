// Matrix product of f16 values with f16 and with f32 accumulation; inputs are chosen so that both are exact.
#include <cuda_fp16.h>

#include "case.h"

constexpr int tile = 16;

template <typename Accumulator>
__device__ Accumulator zero();
template <>
__device__ float zero<float>() {
    return 0.0f;
}
template <>
__device__ __half zero<__half>() {
    return __float2half(0.0f);
}

__device__ float multiply_add(__half a, __half b, float sum) { return fmaf(__half2float(a), __half2float(b), sum); }
__device__ __half multiply_add(__half a, __half b, __half sum) { return __hfma(a, b, sum); }
__device__ float as_float(float value) { return value; }
__device__ float as_float(__half value) { return __half2float(value); }

template <typename Accumulator>
__global__ void matmul(const __half* a, const __half* b, float* c, int size) {
    __shared__ __half a_tile[tile][tile], b_tile[tile][tile + 2];
    int row = blockIdx.y * tile + threadIdx.y, column = blockIdx.x * tile + threadIdx.x;
    Accumulator sum = zero<Accumulator>();
    for (int step = 0; step < size; step += tile) {
        a_tile[threadIdx.y][threadIdx.x] = a[row * size + step + threadIdx.x];
        b_tile[threadIdx.y][threadIdx.x] = b[(step + threadIdx.y) * size + column];
        __syncthreads();
        for (int k = 0; k < tile; k++) sum = multiply_add(a_tile[threadIdx.y][k], b_tile[k][threadIdx.x], sum);
        __syncthreads();
    }
    c[row * size + column] = as_float(sum);
}

int main() {
    const int size = 128;
    std::vector<__half> a(size * size), b(size * size);
    std::vector<float> expected(size * size, 0.0f);
    std::vector<int> a_values(size * size), b_values(size * size);
    for (int i = 0; i < size * size; i++) {
        // |sum| <= 128 * 3 * 3 / 4 < 2048 / 4: every partial sum is a multiple of 1/4 that f16 holds exactly.
        a_values[i] = static_cast<int>(mix(i) % 7) - 3;
        b_values[i] = static_cast<int>(mix(~i) % 7) - 3;
        a[i] = __float2half(a_values[i] * 0.5f);
        b[i] = __float2half(b_values[i] * 0.5f);
    }
    for (int row = 0; row < size; row++)
        for (int k = 0; k < size; k++)
            for (int column = 0; column < size; column++)
                expected[row * size + column] += 0.25f * a_values[row * size + k] * b_values[k * size + column];

    __half* a_device = to_device(a);
    __half* b_device = to_device(b);
    float* c_device = device_zeros<float>(size * size);
    dim3 grid(size / tile, size / tile), block(tile, tile);
    for (int wide = 0; wide < 2; wide++) {
        CHECK(cudaMemset(c_device, 0xff, size * size * sizeof(float)));
        if (wide) matmul<float><<<grid, block>>>(a_device, b_device, c_device, size);
        else matmul<__half><<<grid, block>>>(a_device, b_device, c_device, size);
        CHECK_KERNEL();
        std::vector<float> c = to_host(c_device, size * size);
        printf("%s: c[5][9] %.2f, mismatches %d\n", wide ? "f32 sums" : "f16 sums", c[5 * size + 9],
               mismatches(c, expected));
    }
    CHECK(cudaFree(a_device));
    CHECK(cudaFree(b_device));
    CHECK(cudaFree(c_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: f16 sums: c[5][9] -0.75, mismatches 0
// EXPECT: f32 sums: c[5][9] -0.75, mismatches 0
