// __trap ends the whole grid with an error that stays.
#include "case.h"

__global__ void trap_if(const int* values, int forbidden) {
    if (values[threadIdx.x] == forbidden) __trap();
}

int main() {
    std::vector<int> values(32);
    for (int i = 0; i < 32; i++) values[i] = i;
    int* values_device = to_device(values);
    trap_if<<<1, 32>>>(values_device, 32);
    printf("not forbidden: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    trap_if<<<1, 32>>>(values_device, 31);
    printf("forbidden: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    printf("afterwards: %s\n", cudaGetErrorName(cudaFree(values_device)));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: not forbidden: cudaSuccess
// EXPECT: forbidden: cudaErrorLaunchFailure
// EXPECT: afterwards: cudaErrorLaunchFailure
