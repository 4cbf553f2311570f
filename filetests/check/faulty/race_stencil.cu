// A stencil in place.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int tile[64];
    tile[i] = i;
    __syncthreads();
    tile[i] = tile[(i + 1) & 63];
    __syncthreads();
    out[i] = tile[i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: race 9
