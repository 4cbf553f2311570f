// A vote that names threads that have ended.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i >= 20) return;
    out[i] = __any_sync(0xffffffff, i > 3);
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 32>>>(out);
    return finish();
}

// FINDS: sync 7
