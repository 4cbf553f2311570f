// A kernel that another one launched does what it must not: the program is told when it waits for the parent.
#include "case.h"

__global__ void child(int* place) { *place = 1; }
__global__ void parent(int* place, int depth) {
    if (depth == 0) {
        child<<<1, 1>>>(place);
    } else {
        parent<<<1, 1>>>(place, depth - 1);
    }
}

int main() {
    int* counter = device_zeros<int>(1);
    parent<<<1, 1>>>(counter, 3);
    CHECK_KERNEL();
    printf("in order: %d\n", to_host(counter, 1)[0]);
    parent<<<1, 1>>>(reinterpret_cast<int*>(8), 3);
    printf("%s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    printf("%s\n", cudaGetErrorName(cudaFree(counter)));
}

// RUN: nvcc -rdc=true
// EXPECT-EXIT: 0
// EXPECT: in order: 1
// EXPECT: cudaErrorIllegalAddress
// EXPECT: cudaErrorIllegalAddress
