// One thread writes what others change atomically.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int count;
    if (i == 0) count = 0;
    atomicAdd(&count, 1);
    __syncthreads();
    out[i] = count;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: race 7 8
