// Warps meet at different barriers.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i < 32) {
        out[i] = 1;
        __syncthreads();
        out[i] += 1;
    } else {
        out[i] = 2;
        __syncthreads();
        out[i] += 2;
    }
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: sync 8 12
