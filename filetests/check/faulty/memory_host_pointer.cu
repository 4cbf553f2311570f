// A pointer of the host.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    out[i] = i;
}

int main() {
    static int host[64]; int* out = host;
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
