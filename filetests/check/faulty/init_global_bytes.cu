// Bytes that nobody has written.
#include "faulty.h"

__global__ void kernel(const unsigned char* in, int* out) {
    int i = threadIdx.x;
    out[i] = in[i];
}

int main() {
    unsigned char* in = unwritten<unsigned char>(64); int* out = zeros<int>(64);
    kernel<<<1, 64>>>(in, out);
    return finish();
}

// FINDS: init 6
