// Warps of a block exchange values in global memory without a barrier.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    out[i] = i;
    out[64 + i] = out[63 - i];
}

int main() {
    int* out = zeros<int>(128);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: race 6 7
