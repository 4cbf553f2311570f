// A vector of which only the first half is in the allocation.
#include "faulty.h"

__global__ void kernel(const int4* in, int* out) {
    int i = threadIdx.x;
    if (i == 0) out[i] = in[3].w;
}

int main() {
    int4* in = reinterpret_cast<int4*>(zeros<int>(14)); int* out = zeros<int>(64);
    kernel<<<1, 64>>>(in, out);
    return finish();
}

// FINDS: memory 6
