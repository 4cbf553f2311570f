// Barrier objects that all threads of a block arrive at and then wait for, phase after phase, without any other barrier: by the
// instructions, and by cuda::barrier of libcu++ with a thread that waits for the others' data.
#include <cuda/barrier>

#include "case.h"

constexpr int threads = 128, phases = 20;

__device__ void arrive(uint32_t barrier) {
    asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared::cta.b64 state, [%0];\n}" :: "r"(barrier) : "memory");
}

__device__ void wait_for(uint32_t barrier, uint32_t phase) {
    asm volatile("{\n.reg .pred done;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@!done bra again;\n}"
                 :: "r"(barrier), "r"(phase) : "memory");
}

// In each phase a thread adds what another one, of another warp, wrote in the phase before.
__global__ void by_instructions(int* out) {
    __shared__ alignas(8) uint64_t barrier;
    __shared__ int values[2][threads];
    int thread = threadIdx.x, own = thread + 1;
    uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(&barrier));
    if (thread == 0) asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(address), "r"(threads));
    __syncthreads();
    for (int phase = 0; phase < phases; phase++) {
        values[phase % 2][thread] = own;
        arrive(address);
        wait_for(address, phase % 2);
        own = (own + values[phase % 2][(thread + 37) % threads]) % 10007;
    }
    out[thread] = own;
}

__global__ void by_library(int* out) {
    __shared__ cuda::barrier<cuda::thread_scope_block> ready, filled;
    __shared__ int value;
    int thread = threadIdx.x, sum = 0;
    if (thread == 0) init(&ready, threads), init(&filled, threads);
    __syncthreads();
    for (int phase = 0; phase < phases; phase++) {
        ready.arrive_and_wait();
        // A thread of the last warp fills in what all others wait for.
        if (thread == threads - 5) value = phase * 3 + 1;
        filled.wait(filled.arrive());
        sum += value * (thread % 7 + 1);
    }
    out[thread] = sum;
}

int main() {
    std::vector<int> values(threads), expected(threads);
    for (int i = 0; i < threads; i++) values[i] = i + 1;
    for (int phase = 0; phase < phases; phase++) {
        for (int i = 0; i < threads; i++) expected[i] = (values[i] + values[(i + 37) % threads]) % 10007;
        values = expected;
    }
    int* out = device_zeros<int>(threads);
    by_instructions<<<1, threads>>>(out);
    CHECK_KERNEL();
    printf("by instructions %s\n", to_host(out, threads) == expected ? "ok" : "wrong");

    for (int i = 0; i < threads; i++) {
        expected[i] = 0;
        for (int phase = 0; phase < phases; phase++) expected[i] += (phase * 3 + 1) * (i % 7 + 1);
    }
    by_library<<<1, threads>>>(out);
    CHECK_KERNEL();
    printf("by the library %s\n", to_host(out, threads) == expected ? "ok" : "wrong");
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: by instructions ok
// EXPECT: by the library ok
