// An asynchronous copy is read by the thread that issued it before it has waited.
#include <cuda_pipeline.h>

#include "faulty.h"

__global__ void kernel(const int* in, int* out) {
    __shared__ int tile[64];
    int i = threadIdx.x;
    __pipeline_memcpy_async(&tile[i], &in[i], 4);
    __pipeline_commit();
    out[i] = tile[i];
    __pipeline_wait_prior(0);
}

int main() {
    kernel<<<1, 64>>>(zeros<int>(64), zeros<int>(64));
    return finish();
}

// FINDS: race 11
