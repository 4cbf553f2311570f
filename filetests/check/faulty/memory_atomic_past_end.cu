// An atomic operation past the end.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    atomicAdd(&out[i], 1);
}

int main() {
    int* out = zeros<int>(63);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
