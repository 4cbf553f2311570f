// Allocations beyond the device: refused, without harm to what is there; the amount reported as free goes down and up.
#include "case.h"

__global__ void fill(unsigned* values, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i] = mix(i);
}

int main() {
    const int count = 8 << 20;  // 32 MiB
    size_t free_before, free_during, free_after, total;
    CHECK(cudaFree(nullptr));
    CHECK(cudaMemGetInfo(&free_before, &total));
    printf("free is not more than total: %s\n", free_before <= total ? "yes" : "no");

    unsigned* values = device_alloc<unsigned>(count);
    fill<<<count / 256, 256>>>(values, count);
    void* memory = &memory;
    printf("one byte more than everything: %s\n", cudaGetErrorName(cudaMalloc(&memory, total + 1)));
    printf("a petabyte: %s\n", cudaGetErrorName(cudaMalloc(&memory, size_t(1) << 50)));
    printf("recorded: %s\n", cudaGetErrorName(cudaGetLastError()));
    printf("then: %s\n", cudaGetErrorName(cudaGetLastError()));

    CHECK(cudaMemGetInfo(&free_during, &total));
    printf("32 MiB are taken: %s\n", free_before - free_during >= size_t(count) * 4 ? "yes" : "no");
    std::vector<unsigned> host = to_host(values, count);
    int wrong = 0;
    for (int i = 0; i < count; i += 1001) wrong += host[i] != mix(i);
    printf("mismatches %d\n", wrong);
    CHECK(cudaFree(values));
    CHECK(cudaMemGetInfo(&free_after, &total));
    printf("given back: %s\n", free_after >= free_during + size_t(count) * 4 ? "yes" : "no");
    // Two halves and a bit do not fit together.
    void *half = nullptr, *more = nullptr;
    CHECK(cudaMalloc(&half, free_after / 2));
    printf("second half and more: %s\n", cudaGetErrorName(cudaMalloc(&more, free_after / 2 + (256 << 20))));
    CHECK(cudaFree(half));
    printf("nothing: %s, pointer is null: %s\n", cudaGetErrorName(cudaMalloc(&memory, 0)),
           memory == nullptr ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: free is not more than total: yes
// EXPECT: one byte more than everything: cudaErrorMemoryAllocation
// EXPECT: a petabyte: cudaErrorMemoryAllocation
// EXPECT: recorded: cudaErrorMemoryAllocation
// EXPECT: then: cudaSuccess
// EXPECT: 32 MiB are taken: yes
// EXPECT: mismatches 0
// EXPECT: given back: yes
// EXPECT: second half and more: cudaErrorMemoryAllocation
// EXPECT: nothing: cudaSuccess, pointer is null: yes
