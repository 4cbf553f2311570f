// A bulk copy is read when the thread that issued it has passed a barrier of the block, but nobody has waited for its mbarrier.
#include "faulty.h"

__global__ void kernel(const int* in, int* out) {
    __shared__ alignas(16) int tile[64];
    __shared__ alignas(8) unsigned long long barrier;
    int i = threadIdx.x;
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(&barrier));
    unsigned target = static_cast<unsigned>(__cvta_generic_to_shared(tile));
    if (i == 0) {
        asm volatile("mbarrier.init.shared.b64 [%0], 1;" ::"r"(address));
        asm volatile("{ .reg .b64 s;\n mbarrier.arrive.expect_tx.shared.b64 s, [%0], 256; }" ::"r"(address) : "memory");
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 256, [%2];" ::"r"(target), "l"(in), "r"(address) : "memory");
    }
    __syncthreads();
    out[i] = tile[i];
}

int main() {
    kernel<<<1, 64>>>(zeros<int>(64), zeros<int>(64));
    return finish();
}

// ARCH: compute_90
// FINDS: race 16
