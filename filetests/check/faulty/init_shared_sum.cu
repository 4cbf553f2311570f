// A sum in shared memory that starts with anything.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int sum;
    atomicAdd(&sum, i);
    __syncthreads();
    out[i] = sum;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: init 7
