// A row too many of a matrix.
#include "faulty.h"

__global__ void kernel(float* out, int pitch) {
    int i = threadIdx.x;
    out[i * pitch] = i;
}

int main() {
    float* out = zeros<float>(63 * 16);
    kernel<<<1, 64>>>(out, 16);
    return finish();
}

// FINDS: memory 6
