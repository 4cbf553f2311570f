// Matrix transpose: naive, through a padded tile in shared memory, and for 8-byte elements, with ragged edges.
#include "case.h"

constexpr int tile = 32;
constexpr int rows_per_block = 8;

template <typename T>
__global__ void transpose_naive(const T* input, T* output, int width, int height) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width && y < height) output[x * height + y] = input[y * width + x];
}

template <typename T>
__global__ void transpose_tiled(const T* input, T* output, int width, int height) {
    __shared__ T buffer[tile][tile + 1];
    int x = blockIdx.x * tile + threadIdx.x;
    for (int row = threadIdx.y; row < tile; row += rows_per_block) {
        int y = blockIdx.y * tile + row;
        if (x < width && y < height) buffer[row][threadIdx.x] = input[y * width + x];
    }
    __syncthreads();
    int y = blockIdx.y * tile + threadIdx.x;
    for (int row = threadIdx.y; row < tile; row += rows_per_block) {
        int column = blockIdx.x * tile + row;
        if (column < width && y < height) output[column * height + y] = buffer[threadIdx.x][row];
    }
}

template <typename T>
void run(const char* type, int width, int height) {
    std::vector<T> input(width * height), expected(width * height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            input[y * width + x] = static_cast<T>(mix(y * width + x));
            expected[x * height + y] = input[y * width + x];
        }
    T* input_device = to_device(input);
    T* output_device = device_zeros<T>(width * height);
    dim3 grid((width + tile - 1) / tile, (height + tile - 1) / tile);

    transpose_naive<<<dim3((width + 15) / 16, (height + 15) / 16), dim3(16, 16)>>>(input_device, output_device, width,
                                                                                   height);
    CHECK_KERNEL();
    int naive = mismatches(to_host(output_device, width * height), expected);
    CHECK(cudaMemset(output_device, 0, width * height * sizeof(T)));
    transpose_tiled<<<grid, dim3(tile, rows_per_block)>>>(input_device, output_device, width, height);
    CHECK_KERNEL();
    std::vector<T> output = to_host(output_device, width * height);
    printf("%s %dx%d: naive mismatches %d, tiled mismatches %d, checksum %016llx\n", type, width, height, naive,
           mismatches(output, expected), (unsigned long long)checksum(output));
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
}

int main() {
    run<int>("int", 512, 512);
    run<int>("int", 1000, 37);
    run<double>("double", 333, 257);
    run<unsigned char>("byte", 250, 130);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: int 512x512: naive mismatches 0, tiled mismatches 0, checksum 54bf551bbdbab5d7
// EXPECT: int 1000x37: naive mismatches 0, tiled mismatches 0, checksum 4634e5e9de60ecc8
// EXPECT: double 333x257: naive mismatches 0, tiled mismatches 0, checksum 57ff21c796c9dd6e
// EXPECT: byte 250x130: naive mismatches 0, tiled mismatches 0, checksum 1db2305cbd8be9d8
