// A barrier for a number of threads that is no multiple of 32.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    if (i < 32) asm volatile("bar.sync 1, 40;" ::: "memory");
    else asm volatile("bar.arrive 1, 40;" ::: "memory");
    out[i] = i;
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: sync 6
