// One byte past an odd size.
#include "faulty.h"

__global__ void kernel(unsigned char* out) {
    int i = threadIdx.x;
    if (i < 38) out[i] = i;
}

int main() {
    unsigned char* out = zeros<unsigned char>(37);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
