// A reduction by threads that its mask does not name.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    out[i] = __reduce_add_sync(0xff, i);
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 32>>>(out);
    return finish();
}

// FINDS: sync 6
