// 7-point stencil in three dimensions, marching along z with the column in registers and the plane in shared memory.
// f64 values that are multiples of a power of two stay exact over the steps.
#include "case.h"

constexpr int nx = 48, ny = 40, nz = 36;

__host__ __device__ int at(int x, int y, int z) { return (z * ny + y) * nx + x; }

__global__ void step(const double* input, double* output) {
    __shared__ double plane[8 + 2][16 + 2];
    int x = blockIdx.x * 16 + threadIdx.x, y = blockIdx.y * 8 + threadIdx.y;
    int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    double below = 0, centre = input[at(x, y, 0)], above = input[at(x, y, 1)];
    for (int z = 1; z < nz - 1; z++) {
        below = centre;
        centre = above;
        above = input[at(x, y, z + 1)];
        __syncthreads();
        plane[ty][tx] = centre;
        if (threadIdx.x == 0 && x > 0) plane[ty][0] = input[at(x - 1, y, z)];
        if (threadIdx.x == 15 && x < nx - 1) plane[ty][17] = input[at(x + 1, y, z)];
        if (threadIdx.y == 0 && y > 0) plane[0][tx] = input[at(x, y - 1, z)];
        if (threadIdx.y == 7 && y < ny - 1) plane[9][tx] = input[at(x, y + 1, z)];
        __syncthreads();
        if (x > 0 && x < nx - 1 && y > 0 && y < ny - 1) {
            double around = plane[ty][tx - 1] + plane[ty][tx + 1] + plane[ty - 1][tx] + plane[ty + 1][tx];
            output[at(x, y, z)] = 0.25 * centre + 0.125 * (around + below + above);
        }
    }
}

int main() {
    const int count = nx * ny * nz, steps = 6;
    std::vector<double> field(count);
    for (int i = 0; i < count; i++) field[i] = static_cast<double>(mix(i) % 100000);
    double* fields[2] = {to_device(field), to_device(field)};
    for (int i = 0; i < steps; i++) step<<<dim3(nx / 16, ny / 8), dim3(16, 8)>>>(fields[i % 2], fields[1 - i % 2]);
    CHECK_KERNEL();

    std::vector<double> expected = field, next = field;
    for (int i = 0; i < steps; i++) {
        for (int z = 1; z < nz - 1; z++)
            for (int y = 1; y < ny - 1; y++)
                for (int x = 1; x < nx - 1; x++) {
                    double around = expected[at(x - 1, y, z)] + expected[at(x + 1, y, z)] + expected[at(x, y - 1, z)] +
                                    expected[at(x, y + 1, z)];
                    next[at(x, y, z)] = 0.25 * expected[at(x, y, z)] +
                                        0.125 * (around + expected[at(x, y, z - 1)] + expected[at(x, y, z + 1)]);
                }
        expected.swap(next);
    }
    std::vector<double> result = to_host(fields[steps % 2], count);
    printf("centre %.9f\n", result[at(nx / 2, ny / 2, nz / 2)]);
    printf("checksum %016llx\n", (unsigned long long)checksum(result));
    printf("mismatches %d\n", mismatches(result, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: centre 48398.240367889
// EXPECT: checksum 825ee3f9cffab4e0
// EXPECT: mismatches 0
