// A barrier of the warp where one of the block is needed.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int tile[64];
    tile[i] = i;
    __syncwarp();
    out[i] = tile[(i + 32) & 63];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: race 7 9
