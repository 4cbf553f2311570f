// Dense matrix times vector: a warp a row with float4 loads, its transpose by columns, and the power iteration in
// exact integers modulo a prime.
#include "case.h"

constexpr int size = 512;

__global__ void rows(const float4* matrix, const float4* x, float* y) {
    int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    float sum = 0;
    for (int k = lane; k < size / 4; k += 32) {
        float4 m = matrix[row * (size / 4) + k], v = x[k];
        sum += m.x * v.x + m.y * v.y + m.z * v.z + m.w * v.w;
    }
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (lane == 0) y[row] = sum;
}

__global__ void columns(const float* matrix, const float* x, float* y) {
    __shared__ float partial[8][33];
    int column = blockIdx.x * 32 + threadIdx.x;
    float sum = 0;
    for (int row = threadIdx.y; row < size; row += 8) sum += matrix[row * size + column] * x[row];
    partial[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0) return;
    for (int k = 1; k < 8; k++) sum += partial[k][threadIdx.x];
    y[column] = sum;
}

__global__ void modular(const unsigned* matrix, const unsigned* x, unsigned* y, unsigned prime) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned long long sum = 0;
    for (int k = 0; k < size; k++) sum = (sum + static_cast<unsigned long long>(matrix[k * size + row]) * x[k]) % prime;
    y[row] = static_cast<unsigned>(sum);
}

int main() {
    std::vector<float> matrix(size * size), x(size), by_rows(size, 0.0f), by_columns(size, 0.0f);
    for (int i = 0; i < size * size; i++) matrix[i] = static_cast<float>(mix(i) % 64) - 31;
    for (int i = 0; i < size; i++) x[i] = static_cast<float>(mix(~i) % 64) - 31;
    for (int row = 0; row < size; row++)
        for (int k = 0; k < size; k++) {
            by_rows[row] += matrix[row * size + k] * x[k];
            by_columns[k] += matrix[row * size + k] * x[row];
        }
    float *matrix_device = to_device(matrix), *x_device = to_device(x), *y_device = device_zeros<float>(size);
    rows<<<size / 4, 128>>>(reinterpret_cast<float4*>(matrix_device), reinterpret_cast<float4*>(x_device), y_device);
    CHECK_KERNEL();
    printf("rows: mismatches %d\n", mismatches(to_host(y_device, size), by_rows));
    columns<<<size / 32, dim3(32, 8)>>>(matrix_device, x_device, y_device);
    CHECK_KERNEL();
    printf("columns: mismatches %d\n", mismatches(to_host(y_device, size), by_columns));

    const unsigned prime = 2147483629u;
    std::vector<unsigned> big(size * size), v(size, 1), w(size);
    for (int i = 0; i < size * size; i++) big[i] = mix(i) % prime;
    unsigned *big_device = to_device(big), *vectors[2] = {to_device(v), device_zeros<unsigned>(size)};
    for (int step = 0; step < 4; step++)
        modular<<<size / 64, 64>>>(big_device, vectors[step % 2], vectors[1 - step % 2], prime);
    CHECK_KERNEL();
    for (int step = 0; step < 4; step++) {
        for (int row = 0; row < size; row++) {
            unsigned long long sum = 0;
            for (int k = 0; k < size; k++)
                sum = (sum + static_cast<unsigned long long>(big[k * size + row]) * v[k]) % prime;
            w[row] = static_cast<unsigned>(sum);
        }
        v.swap(w);
    }
    std::vector<unsigned> result = to_host(vectors[0], size);
    printf("modular: first %u, mismatches %d\n", result[0], mismatches(result, v));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: rows: mismatches 0
// EXPECT: columns: mismatches 0
// EXPECT: modular: first 1103604979, mismatches 0
