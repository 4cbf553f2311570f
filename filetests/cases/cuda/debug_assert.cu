// Built with -G: printf and a device assertion in a called function, in a debug build.
#include <cassert>

#include "case.h"

__device__ int checked_root(int x) {
    assert(x >= 0);
    int root = 0;
    while ((root + 1) * (root + 1) <= x) root++;
    return root;
}

__global__ void roots(const int* input, int* output) { output[threadIdx.x] = checked_root(input[threadIdx.x]); }

__global__ void report(const int* output) {
    for (int i = 0; i < 4; i++) printf("root %d: %d\n", i, output[i]);
}

int main() {
    std::vector<int> input = {0, 99, 100, 1000000};
    int *input_device = to_device(input), *output_device = device_zeros<int>(4);
    roots<<<1, 4>>>(input_device, output_device);
    report<<<1, 1>>>(output_device);
    CHECK_KERNEL();
    input[2] = -1;
    CHECK(cudaMemcpy(input_device, input.data(), 4 * sizeof(int), cudaMemcpyHostToDevice));
    roots<<<1, 4>>>(input_device, output_device);
    printf("negative: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    return 0;
}

// RUN: nvcc -G
// EXPECT-EXIT: 0
// EXPECT-STDERR: block: [0,0,0], thread: [2,0,0] Assertion `x >= 0` failed.
// EXPECT: root 0: 0
// EXPECT: root 1: 9
// EXPECT: root 2: 10
// EXPECT: root 3: 1000
// EXPECT: negative: cudaErrorAssert
