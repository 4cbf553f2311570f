// No barrier before the tile is used again.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int tile[64];
    tile[i] = i;
    __syncthreads();
    out[i] = tile[63 - i];
    tile[i] = 2 * i;
    __syncthreads();
    out[i] += tile[63 - i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: race 9 10
