// A counter without an atomic operation.
#include "faulty.h"

__global__ void kernel(int* out) {
    if (threadIdx.x == 0) out[0] = out[0] + 1;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<8, 64>>>(out);
    return finish();
}

// FINDS: race 5
