// All blocks write one word of global memory.
#include "faulty.h"

__global__ void kernel(int* out) {
    if (threadIdx.x == 0) out[0] = blockIdx.x;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<8, 64>>>(out);
    return finish();
}

// FINDS: race 5
