// The copy is half as long as it should be.
#include "faulty.h"

__global__ void kernel(const int* in, int* out) {
    int i = threadIdx.x;
    out[i] = in[i];
}

int main() {
    int host[32] = {};
    int *in = unwritten<int>(64), *out = zeros<int>(64);
    cudaMemcpy(in, host, sizeof host, cudaMemcpyHostToDevice);
    kernel<<<1, 64>>>(in, out);
    return finish();
}

// FINDS: init 6
