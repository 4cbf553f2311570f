// Of two groups of asynchronous copies the first is waited for, and the second is read.
#include <cuda_pipeline.h>

#include "faulty.h"

__global__ void kernel(const int* in, int* out) {
    __shared__ int tiles[2][64];
    int i = threadIdx.x;
    for (int stage = 0; stage < 2; stage++) {
        __pipeline_memcpy_async(&tiles[stage][i], &in[i], 4);
        __pipeline_commit();
    }
    __pipeline_wait_prior(1);
    __syncthreads();
    out[i] = tiles[0][63 - i];
    out[i] += tiles[1][63 - i];
    __pipeline_wait_prior(0);
}

int main() {
    kernel<<<1, 64>>>(zeros<int>(64), zeros<int>(64));
    return finish();
}

// FINDS: race 16
