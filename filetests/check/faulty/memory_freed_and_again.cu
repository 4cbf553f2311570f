// Use after free, when memory of the same size has been allocated since.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    out[i] = i;
}

int main() {
    int* out = zeros<int>(64); cudaFree(out); zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
