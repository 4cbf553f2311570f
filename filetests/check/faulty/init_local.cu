// An element of a local array that nobody has written.
#include "faulty.h"

__global__ void kernel(int* out, int n) {
    int i = threadIdx.x;
    int values[16];
    for (int k = 0; k < n; k++) values[(k * 3) & 15] = k * i;
    out[i] = values[(i + n) & 15];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out, 7);
    return finish();
}

// FINDS: init 8
