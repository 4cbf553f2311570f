// Past the end of a variable, into the one behind it.
#include "faulty.h"

__device__ int first[16];
__device__ int second[16];

__global__ void kernel(int* out, int n) {
    int i = threadIdx.x;
    if (i < n) first[i] = i;
    out[i] = second[i & 15];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out, 17);
    return finish();
}

// FINDS: memory 9
