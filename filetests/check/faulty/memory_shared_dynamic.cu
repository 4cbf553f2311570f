// More dynamic shared memory than the launch gives.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    extern __shared__ int tile[];
    tile[i] = i;
    __syncthreads();
    out[i] = tile[0];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64, 63 * sizeof(int)>>>(out);
    return finish();
}

// FINDS: memory 7
