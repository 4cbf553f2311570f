// Past the end of constant memory.
#include "faulty.h"

__constant__ int table[8] = {1, 2, 3, 4, 5, 6, 7, 8};

__global__ void kernel(int* out, int n) {
    int i = threadIdx.x;
    if (i <= n) out[i] = table[i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out, 8);
    return finish();
}

// FINDS: memory 8
