// Blocks of several rows of threads, in grids that are no multiple of anything. Each thread has a cell and looks at those around it: in whatever order
// blocks are computed, each cell is computed once, by the thread that it belongs to.
#include "case.h"

struct Size {
    int width, height, depth;
};

// Border cells are copied; others become a mix of those around them and of who computed them.
__global__ void rows_of_blocks(int width, int height, const unsigned* from, unsigned* to) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    int z = blockIdx.z * blockDim.z + threadIdx.z;
    if (x >= width || y >= height) return;
    int i = (z * height + y) * width + x;
    if (x == 0 || y == 0 || x == width - 1 || y == height - 1) {
        to[i] = from[i];
        return;
    }
    unsigned around = from[i - 1] ^ from[i + 1] * 3 ^ from[i - width] * 5 ^ from[i + width] * 7;
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    to[i] += around + block * 2654435761u + threadIdx.y * 40503 + threadIdx.x;
}

// As the kernel, for all cells.
static void on_host(Size size, dim3 grid, dim3 block, const std::vector<unsigned>& from, std::vector<unsigned>& to) {
    int width = size.width, height = size.height, depth = size.depth;
    for (int z = 0; z < depth; z++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int i = (z * height + y) * width + x;
                to[i] = from[i];
                if (x == 0 || y == 0 || x == width - 1 || y == height - 1) continue;
                unsigned number = ((z / block.z) * grid.y + y / block.y) * grid.x + x / block.x;
                to[i] = from[i - 1] ^ from[i + 1] * 3 ^ from[i - width] * 5 ^ from[i + width] * 7;
                to[i] += number * 2654435761u + y % block.y * 40503 + x % block.x;
            }
}

int main() {
    const dim3 blocks[] = {dim3(32, 8, 1), dim3(16, 16, 1), dim3(8, 4, 2), dim3(32, 2, 3),
                           dim3(4, 9, 1),  dim3(64, 3, 1),  dim3(1, 64, 1), dim3(128, 2, 1)};
    const Size sizes[] = {{1, 1, 6}, {333, 47, 6}, {64, 64, 12}, {1030, 9, 6}};
    for (Size size : sizes) {
        size_t wrong = 0;
        for (dim3 block : blocks) {
            dim3 grid((size.width + block.x - 1) / block.x, (size.height + block.y - 1) / block.y, size.depth / block.z);
            size_t count = static_cast<size_t>(size.width) * size.height * size.depth;
            std::vector<unsigned> from(count), expected(count);
            for (size_t i = 0; i < count; i++) from[i] = mix(i);
            on_host(size, grid, block, from, expected);
            unsigned* to = device_zeros<unsigned>(count);
            rows_of_blocks<<<grid, block>>>(size.width, size.height, to_device(from), to);
            CHECK_KERNEL();
            wrong += mismatches(to_host(to, count), expected);
        }
        printf("%d x %d x %d: mismatches %zu\n", size.width, size.height, size.depth, wrong);
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 1 x 1 x 6: mismatches 0
// EXPECT: 333 x 47 x 6: mismatches 0
// EXPECT: 64 x 64 x 12: mismatches 0
// EXPECT: 1030 x 9 x 6: mismatches 0
