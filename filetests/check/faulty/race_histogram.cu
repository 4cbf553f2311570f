// The histogram is read before all have counted.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int tile[64];
    tile[i] = 0;
    __syncthreads();
    atomicAdd(&tile[(i * 7) & 63], 1);
    out[i] = tile[i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: race 9 10
