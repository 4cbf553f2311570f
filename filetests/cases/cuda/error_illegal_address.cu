// A write far outside every allocation: the launch itself succeeds, the error comes with the next synchronisation, and
// it stays with the context.
#include "case.h"

__global__ void write_at(int* memory, long long index, int value) { memory[index] = value; }

int main() {
    int* memory = device_zeros<int>(16);
    write_at<<<1, 1>>>(memory, 3, 33);
    CHECK_KERNEL();
    printf("inside: %d\n", to_host(memory, 16)[3]);
    write_at<<<1, 1>>>(memory, 1ll << 44, 1);
    printf("launch: %s\n", cudaGetErrorName(cudaGetLastError()));
    printf("synchronise: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    printf("again: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    int value = 0;
    printf("copy: %s\n", cudaGetErrorName(cudaMemcpy(&value, memory, 4, cudaMemcpyDeviceToHost)));
    int* more = nullptr;
    printf("allocate: %s\n", cudaGetErrorName(cudaMalloc(&more, 4)));
    write_at<<<1, 1>>>(memory, 0, 1);
    printf("launch: %s\n", cudaGetErrorName(cudaGetLastError()));
    printf("message: %s\n", cudaGetErrorString(cudaErrorIllegalAddress));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: inside: 33
// EXPECT: launch: cudaSuccess
// EXPECT: synchronise: cudaErrorIllegalAddress
// EXPECT: again: cudaErrorIllegalAddress
// EXPECT: copy: cudaErrorIllegalAddress
// EXPECT: allocate: cudaErrorIllegalAddress
// EXPECT: launch: cudaErrorIllegalAddress
// EXPECT: message: an illegal memory access was encountered
