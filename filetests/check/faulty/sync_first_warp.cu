// A barrier that part of one warp reaches.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i < 16) {
        out[i] = 1;
        __syncthreads();
    }
    out[i] += 1;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 32>>>(out);
    return finish();
}

// FINDS: sync 8
