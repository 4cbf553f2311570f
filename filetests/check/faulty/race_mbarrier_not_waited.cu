// Threads arrive at an mbarrier, and read without waiting for it.
#include "faulty.h"

__global__ void kernel(int* out) {
    __shared__ alignas(8) unsigned long long barrier;
    __shared__ int tile[64];
    int i = threadIdx.x;
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(&barrier));
    if (i == 0) asm volatile("mbarrier.init.shared.b64 [%0], 64;" ::"r"(address));
    __syncthreads();
    tile[i] = i;
    if (i < 32) asm volatile("{ .reg .b64 s; mbarrier.arrive.shared.b64 s, [%0]; }" ::"r"(address) : "memory");
    out[i] = tile[63 - i];
    if (i >= 32) asm volatile("{ .reg .b64 s; mbarrier.arrive.shared.b64 s, [%0]; }" ::"r"(address) : "memory");
}

int main() {
    kernel<<<1, 64>>>(zeros<int>(64));
    return finish();
}

// FINDS: race 11 13
