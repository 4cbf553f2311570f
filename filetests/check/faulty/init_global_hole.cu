// One element is never written, by a kernel.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i != 17) out[i] = i;
    __syncthreads();
    out[64 + i] = out[63 - i];
}

int main() {
    int* out = unwritten<int>(128);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: init 8
