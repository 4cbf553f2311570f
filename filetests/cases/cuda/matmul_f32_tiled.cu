// Tiled matrix product in f32 with guards at ragged edges; inputs are small integers, so that sums are exact.
#include "case.h"

constexpr int tile = 16;

__global__ void matmul(const float* a, const float* b, float* c, int rows, int inner, int columns) {
    __shared__ float a_tile[tile][tile], b_tile[tile][tile];
    int row = blockIdx.y * tile + threadIdx.y, column = blockIdx.x * tile + threadIdx.x;
    float sum = 0;
    for (int step = 0; step < inner; step += tile) {
        int k = step + threadIdx.x;
        a_tile[threadIdx.y][threadIdx.x] = row < rows && k < inner ? a[row * inner + k] : 0;
        k = step + threadIdx.y;
        b_tile[threadIdx.y][threadIdx.x] = k < inner && column < columns ? b[k * columns + column] : 0;
        __syncthreads();
        for (int i = 0; i < tile; i++) sum += a_tile[threadIdx.y][i] * b_tile[i][threadIdx.x];
        __syncthreads();
    }
    if (row < rows && column < columns) c[row * columns + column] = sum;
}

void run(int rows, int inner, int columns) {
    std::vector<float> a(rows * inner), b(inner * columns);
    for (size_t i = 0; i < a.size(); i++) a[i] = static_cast<float>(mix(i) % 17) - 8;
    for (size_t i = 0; i < b.size(); i++) b[i] = static_cast<float>(mix(i + 7777777) % 13) - 6;
    float* a_device = to_device(a);
    float* b_device = to_device(b);
    float* c_device = device_zeros<float>(rows * columns);
    dim3 grid((columns + tile - 1) / tile, (rows + tile - 1) / tile);
    matmul<<<grid, dim3(tile, tile)>>>(a_device, b_device, c_device, rows, inner, columns);
    CHECK_KERNEL();
    std::vector<float> c = to_host(c_device, rows * columns);
    int wrong = 0;
    for (int row = 0; row < rows; row++) {
        std::vector<float> expected(columns, 0.0f);
        for (int k = 0; k < inner; k++) {
            float factor = a[row * inner + k];
            for (int column = 0; column < columns; column++) expected[column] += factor * b[k * columns + column];
        }
        for (int column = 0; column < columns; column++) wrong += c[row * columns + column] != expected[column];
    }
    printf("%dx%dx%d: corner %.0f, checksum %016llx, mismatches %d\n", rows, inner, columns, c[rows * columns - 1],
           (unsigned long long)checksum(c), wrong);
    CHECK(cudaFree(a_device));
    CHECK(cudaFree(b_device));
    CHECK(cudaFree(c_device));
}

int main() {
    run(256, 256, 256);
    run(100, 77, 130);
    run(1, 500, 33);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 256x256x256: corner 186, checksum c510e16326bb740d, mismatches 0
// EXPECT: 100x77x130: corner 177, checksum b029303182300c01, mismatches 0
// EXPECT: 1x500x33: corner -201, checksum 63f540b6e02cf075, mismatches 0
