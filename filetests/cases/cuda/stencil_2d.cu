// Jacobi iteration of the 5-point stencil on a plate with fixed edges, in fixed point, until nothing changes by more
// than a bound; the largest change is found with an atomic maximum.
#include "case.h"

constexpr int side = 128;
constexpr int block = 16;

__host__ __device__ int relaxed(const int* plate, int y, int x) {
    int sum = plate[(y - 1) * side + x] + plate[(y + 1) * side + x] + plate[y * side + x - 1] + plate[y * side + x + 1];
    return (sum + 2) >> 2;
}

__global__ void jacobi(const int* old_plate, int* new_plate, int* largest_change) {
    __shared__ int block_change;
    int x = blockIdx.x * block + threadIdx.x, y = blockIdx.y * block + threadIdx.y;
    bool first = threadIdx.x == 0 && threadIdx.y == 0;
    if (first) block_change = 0;
    __syncthreads();
    if (x > 0 && x < side - 1 && y > 0 && y < side - 1) {
        int value = relaxed(old_plate, y, x);
        new_plate[y * side + x] = value;
        atomicMax(&block_change, abs(value - old_plate[y * side + x]));
    }
    __syncthreads();
    if (first) atomicMax(largest_change, block_change);
}

int main() {
    std::vector<int> plate(side * side, 0);
    for (int i = 0; i < side; i++) {
        plate[i] = 1 << 20;         // hot upper edge
        plate[i * side] = i << 12;  // sloping left edge
    }
    int* plates[2] = {to_device(plate), to_device(plate)};
    int* change = device_zeros<int>(1);

    int steps = 0, largest = INT32_MAX;
    while (largest > 2000 && steps < 400) {
        CHECK(cudaMemset(change, 0, sizeof(int)));
        jacobi<<<dim3(side / block, side / block), dim3(block, block)>>>(plates[steps % 2], plates[1 - steps % 2],
                                                                         change);
        CHECK_KERNEL();
        largest = to_host(change, 1)[0];
        steps++;
    }

    std::vector<int> expected = plate, next = plate;
    int host_steps = 0, host_largest = INT32_MAX;
    while (host_largest > 2000 && host_steps < 400) {
        host_largest = 0;
        for (int y = 1; y < side - 1; y++)
            for (int x = 1; x < side - 1; x++) {
                next[y * side + x] = relaxed(expected.data(), y, x);
                int change = abs(next[y * side + x] - expected[y * side + x]);
                if (change > host_largest) host_largest = change;
            }
        expected.swap(next);
        host_steps++;
    }
    std::vector<int> result = to_host(plates[steps % 2], side * side);
    printf("steps %d (host %d), largest change %d (host %d)\n", steps, host_steps, largest, host_largest);
    printf("centre %d, checksum %016llx\n", result[side / 2 * side + side / 2], (unsigned long long)checksum(result));
    printf("mismatches %d\n", mismatches(result, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: steps 127 (host 127), largest change 2000 (host 2000)
// EXPECT: centre 5, checksum 3a10b9ed55960b05
// EXPECT: mismatches 0
