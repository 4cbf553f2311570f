// Past one variable in shared memory, into another.
#include "faulty.h"

__global__ void kernel(int* out, int n) {
    int i = threadIdx.x;
    __shared__ int first[64], second[64];
    first[i + n] = i;
    second[i] = i;
    __syncthreads();
    out[i] = first[63 - i] + second[63 - i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out, 1);
    return finish();
}

// FINDS: memory 7
