// Only the last block is wrong.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = i;
}

int main() {
    int* out = zeros<int>(250);
    kernel<<<4, 64>>>(out);
    return finish();
}

// FINDS: memory 6
