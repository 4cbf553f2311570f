// A block reads what its neighbour writes.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int next = out[(i + 64) % 256];
    out[i] = next + 1;
}

int main() {
    int* out = zeros<int>(256);
    kernel<<<4, 64>>>(out);
    return finish();
}

// FINDS: race 6 7
