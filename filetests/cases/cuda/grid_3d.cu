// Grids and blocks in three dimensions: every thread of every shape writes once, with its coordinates.
#include "case.h"

__global__ void write_coordinates(unsigned long long* cells, int* visits) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y,
        z = blockIdx.z * blockDim.z + threadIdx.z;
    int width = gridDim.x * blockDim.x, height = gridDim.y * blockDim.y;
    int cell = (z * height + y) * width + x;
    // The rank within the block decides which warp and lane this is.
    int rank = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    unsigned lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    cells[cell] = static_cast<unsigned long long>(rank) << 32 | static_cast<unsigned>(lane == rank % 32) << 31 |
                  z << 20 | y << 10 | x;
    atomicAdd(&visits[cell], 1);
}

void run(dim3 grid, dim3 block) {
    int width = grid.x * block.x, height = grid.y * block.y, depth = grid.z * block.z, count = width * height * depth;
    unsigned long long* cells_device = device_zeros<unsigned long long>(count);
    int* visits_device = device_zeros<int>(count);
    write_coordinates<<<grid, block>>>(cells_device, visits_device);
    CHECK_KERNEL();
    std::vector<unsigned long long> cells = to_host(cells_device, count);
    std::vector<int> visits = to_host(visits_device, count);
    int wrong = 0;
    for (int z = 0, i = 0; z < depth; z++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, i++) {
                int rank = (z % block.z * block.y + y % block.y) * block.x + x % block.x;
                unsigned long long expected =
                    static_cast<unsigned long long>(rank) << 32 | 1u << 31 | z << 20 | y << 10 | x;
                wrong += cells[i] != expected || visits[i] != 1;
            }
    printf("grid %ux%ux%u of %ux%ux%u: %d cells, mismatches %d\n", grid.x, grid.y, grid.z, block.x, block.y, block.z,
           count, wrong);
    CHECK(cudaFree(cells_device));
    CHECK(cudaFree(visits_device));
}

int main() {
    run(dim3(3, 4, 5), dim3(8, 4, 2));
    run(dim3(2, 2, 2), dim3(5, 7, 3));
    run(dim3(1, 1, 9), dim3(1, 1, 64));
    run(dim3(1, 6, 1), dim3(1, 100, 1));
    run(dim3(13, 1, 2), dim3(33, 3, 1));
    run(dim3(1), dim3(16, 8, 8));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: grid 3x4x5 of 8x4x2: 3840 cells, mismatches 0
// EXPECT: grid 2x2x2 of 5x7x3: 840 cells, mismatches 0
// EXPECT: grid 1x1x9 of 1x1x64: 576 cells, mismatches 0
// EXPECT: grid 1x6x1 of 1x100x1: 600 cells, mismatches 0
// EXPECT: grid 13x1x2 of 33x3x1: 2574 cells, mismatches 0
// EXPECT: grid 1x1x1 of 16x8x8: 1024 cells, mismatches 0
