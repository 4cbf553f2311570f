// Past the end of shared memory.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int tile[64];
    tile[i + out[i]] = i;
    __syncthreads();
    out[i] = tile[63 - i];
}

int main() {
    int ones[64]; for (int& one : ones) one = 1;
    int* out = zeros<int>(64); cudaMemcpy(out, ones, sizeof ones, cudaMemcpyHostToDevice);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 7
