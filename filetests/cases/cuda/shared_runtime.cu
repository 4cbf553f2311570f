// Built with the runtime library shared rather than static, which is the compiler's default.
#include "case.h"

__device__ int launches;

__global__ void polynomial(const int* x, int* y, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = (x[i] * x[i] - 3) * x[i] + 7;
    if (i == 0) atomicAdd(&launches, 1);
}

int main() {
    const int count = 4000;
    std::vector<int> x(count), expected(count);
    for (int i = 0; i < count; i++) {
        x[i] = static_cast<int>(mix(i) % 1000) - 500;
        expected[i] = (x[i] * x[i] - 3) * x[i] + 7;
    }
    int *x_device = to_device(x), *y_device = device_zeros<int>(count);
    for (int round = 0; round < 5; round++) polynomial<<<(count + 127) / 128, 128>>>(x_device, y_device, count);
    CHECK_KERNEL();
    int times = 0;
    CHECK(cudaMemcpyFromSymbol(&times, launches, sizeof(times)));
    std::vector<int> y = to_host(y_device, count);
    printf("launches %d, checksum %016llx, mismatches %d\n", times, (unsigned long long)checksum(y),
           mismatches(y, expected));
    CHECK(cudaFree(x_device));
    CHECK(cudaFree(y_device));
    return 0;
}

// RUN: nvcc -cudart shared
// EXPECT-EXIT: 0
// EXPECT: launches 5, checksum 9286b20285526a1d, mismatches 0
