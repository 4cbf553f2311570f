// A failing device assertion: threads that hold go on, the launch ends with cudaErrorAssert, the error is sticky, and
// the message on stderr names the condition, the block and the thread.
#include <cassert>

#include "case.h"

__global__ void check_below(const int* values, int bound) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    assert(values[i] < bound && "value out of range");
}

int main() {
    std::vector<int> values(64);
    for (int i = 0; i < 64; i++) values[i] = i;
    int* values_device = to_device(values);
    check_below<<<2, 32>>>(values_device, 64);
    printf("all below 64: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    check_below<<<2, 32>>>(values_device, 63);
    printf("one not below 63: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    // No further work is possible in this process.
    printf("memcpy afterwards: %s\n",
           cudaGetErrorName(cudaMemcpy(values.data(), values_device, 4, cudaMemcpyDeviceToHost)));
    int* more = nullptr;
    printf("malloc afterwards: %s\n", cudaGetErrorName(cudaMalloc(&more, 4)));
    printf("last error: %s\n", cudaGetErrorString(cudaGetLastError()));
    return 3;
}

// EXPECT-EXIT: 3
// EXPECT-STDERR: block: [1,0,0], thread: [31,0,0] Assertion `values[i] < bound && "value out of range"` failed.
// EXPECT: all below 64: cudaSuccess
// EXPECT: one not below 63: cudaErrorAssert
// EXPECT: memcpy afterwards: cudaErrorAssert
// EXPECT: malloc afterwards: cudaErrorAssert
// EXPECT: last error: device-side assert triggered
