// One thread too many writes.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i <= 60) out[i] = i;
}

int main() {
    int* out = zeros<int>(60);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
