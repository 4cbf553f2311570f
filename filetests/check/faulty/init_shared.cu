// Shared memory that nobody has written.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int tile[64];
    if (i < 60) tile[i] = i;
    __syncthreads();
    out[i] = tile[63 - i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: init 9
