// A barrier that half of each warp reaches.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i & 1) {
        __syncthreads();
    }
    out[i] = i;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: sync 7
