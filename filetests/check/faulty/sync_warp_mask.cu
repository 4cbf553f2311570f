// A barrier of the warp that not all names it.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i < 16) __syncwarp(0xff);
    out[i] = i;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 32>>>(out);
    return finish();
}

// FINDS: sync 6
