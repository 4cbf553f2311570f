// Dynamic shared memory that nobody has written.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    extern __shared__ int tile[];
    out[i] = tile[i];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64, 256>>>(out);
    return finish();
}

// FINDS: init 7
