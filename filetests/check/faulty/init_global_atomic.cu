// A counter that starts with anything.
#include "faulty.h"

__global__ void kernel(int* out) {
    atomicAdd(out, 1);
}

int main() {
    int* out = unwritten<int>(1);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: init 5
