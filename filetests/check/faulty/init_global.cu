// Memory of cudaMalloc that nobody has written.
#include "faulty.h"

__global__ void kernel(const int* in, int* out) {
    int i = threadIdx.x;
    out[i] = in[i];
}

int main() {
    int *in = unwritten<int>(64), *out = zeros<int>(64);
    kernel<<<1, 64>>>(in, out);
    return finish();
}

// FINDS: init 6
