// Past the end of local memory.
#include "faulty.h"

__global__ void kernel(int* out, int n) {
    int i = threadIdx.x;
    int values[8];
    for (int k = 0; k < 8; k++) values[k] = k * i;
    values[n + (i & 7)] = i;
    out[i] = values[(i * 5) & 7];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out, 40);
    return finish();
}

// FINDS: memory 8
