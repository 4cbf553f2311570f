// A null pointer.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    out[i] = i;
}

int main() {
    int* out = nullptr;
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
