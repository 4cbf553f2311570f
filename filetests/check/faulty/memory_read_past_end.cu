// One thread too many reads.
#include "faulty.h"

__global__ void kernel(const int* in, int* out) {
    int i = threadIdx.x;
    out[i] = in[i + 1];
}

int main() {
    int *in = zeros<int>(64), *out = zeros<int>(64);
    kernel<<<1, 64>>>(in, out);
    return finish();
}

// FINDS: memory 6
