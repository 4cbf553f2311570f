// Matrix product in f64, each thread computing a 4x4 patch in registers.
#include "case.h"

constexpr int tile = 32;  // of the block
constexpr int patch = 4;  // of a thread
constexpr int side = tile / patch;

__global__ void matmul(const double* a, const double* b, double* c, int size) {
    __shared__ double a_tile[tile][tile], b_tile[tile][tile];
    double sum[patch][patch] = {};
    int row = blockIdx.y * tile, column = blockIdx.x * tile;
    int thread = threadIdx.y * side + threadIdx.x;
    for (int step = 0; step < size; step += tile) {
        for (int i = thread; i < tile * tile; i += side * side) {
            int y = i / tile, x = i % tile;
            a_tile[y][x] = a[(row + y) * size + step + x];
            b_tile[y][x] = b[(step + y) * size + column + x];
        }
        __syncthreads();
        for (int k = 0; k < tile; k++)
#pragma unroll
            for (int y = 0; y < patch; y++)
#pragma unroll
                for (int x = 0; x < patch; x++)
                    sum[y][x] += a_tile[threadIdx.y * patch + y][k] * b_tile[k][threadIdx.x + x * side];
        __syncthreads();
    }
    for (int y = 0; y < patch; y++)
        for (int x = 0; x < patch; x++)
            c[(row + threadIdx.y * patch + y) * size + column + threadIdx.x + x * side] = sum[y][x];
}

int main() {
    const int size = 192;
    std::vector<double> a(size * size), b(size * size), expected(size * size, 0.0);
    for (int i = 0; i < size * size; i++) {
        // Multiples of 2^-10 below 2^10: products and sums stay exact in 53 bits.
        a[i] = (static_cast<double>(mix(i) % (1 << 20)) - (1 << 19)) / 1024;
        b[i] = (static_cast<double>(mix(~i) % (1 << 20)) - (1 << 19)) / 1024;
    }
    for (int row = 0; row < size; row++)
        for (int k = 0; k < size; k++)
            for (int column = 0; column < size; column++)
                expected[row * size + column] += a[row * size + k] * b[k * size + column];

    double* a_device = to_device(a);
    double* b_device = to_device(b);
    double* c_device = device_zeros<double>(size * size);
    matmul<<<dim3(size / tile, size / tile), dim3(side, side)>>>(a_device, b_device, c_device, size);
    CHECK_KERNEL();
    std::vector<double> c = to_host(c_device, size * size);
    printf("c[0][0] %.6f c[191][191] %.6f\n", c[0], c[size * size - 1]);
    printf("checksum %016llx\n", (unsigned long long)checksum(c));
    printf("mismatches %d\n", mismatches(c, expected));
    CHECK(cudaFree(a_device));
    CHECK(cudaFree(b_device));
    CHECK(cudaFree(c_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: c[0][0] -2127167.488416 c[191][191] 1222902.918575
// EXPECT: checksum 8fa5771fffde42db
// EXPECT: mismatches 0
