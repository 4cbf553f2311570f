// Blocks of one grid that wait for each other, as far as they are resident at the same time: as many as the occupancy rule says, times the
// multiprocessors. Not a cooperative launch: what makes it work is that blocks begin in order, and that a spinning block keeps none that has
// room from running.
#include "case.h"

// Each block waits until all of the first `resident` have come.
__global__ void meet(unsigned* arrived, unsigned resident, unsigned* passed) {
    extern __shared__ int room[];
    if (threadIdx.x == 0) {
        room[0] = 0;
        if (blockIdx.x < resident) {
            atomicAdd(arrived, 1);
            while (*(volatile unsigned*)arrived < resident) {}
        }
        atomicAdd(passed, 1);
    }
    __syncthreads();
}

// The first blocks wait for the last resident one; the blocks behind it find room when they end.
__global__ void wait_for_last(volatile int* flag, unsigned last, unsigned* passed) {
    extern __shared__ int room[];
    if (threadIdx.x == 0) {
        room[0] = 0;
        if (blockIdx.x < last) {
            while (*flag == 0) {}
        }
        if (blockIdx.x == last) *flag = 1;
        atomicAdd(passed, 1);
    }
    __syncthreads();
}

// Each block waits for the one before; there are many more than can be resident.
__global__ void one_after_the_other(volatile unsigned* value) {
    if (threadIdx.x == 0) {
        while (value[0] != blockIdx.x) {}
        value[1] = value[1] * 1664525u + blockIdx.x;
        __threadfence();
        value[0] = blockIdx.x + 1;
    }
    __syncthreads();
}

int main() {
    int processors;
    CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
    CHECK(cudaFuncSetAttribute(meet, cudaFuncAttributeMaxDynamicSharedMemorySize, 40 << 10));
    CHECK(cudaFuncSetAttribute(wait_for_last, cudaFuncAttributeMaxDynamicSharedMemorySize, 40 << 10));
    unsigned* counts = device_zeros<unsigned>(2);
    const int shapes[][2] = {{64, 1 << 10}, {1024, 1 << 10}, {128, 40 << 10}};
    for (auto [threads, shared] : shapes) {
        int blocks = 0;
        CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, meet, threads, shared));
        unsigned resident = blocks * processors, grid = resident + resident / 2;
        CHECK(cudaMemset(counts, 0, 2 * sizeof(unsigned)));
        meet<<<grid, threads, shared>>>(counts, resident, counts + 1);
        CHECK_KERNEL();
        printf("%d threads, %d KB: all met: %s, ", threads, shared >> 10, to_host(counts, 2)[1] == grid ? "yes" : "no");

        CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, wait_for_last, threads, shared));
        resident = blocks * processors, grid = 3 * resident;
        CHECK(cudaMemset(counts, 0, 2 * sizeof(unsigned)));
        wait_for_last<<<grid, threads, shared>>>((volatile int*)counts, resident - 1, counts + 1);
        CHECK_KERNEL();
        printf("waited for the last: %s\n", to_host(counts, 2)[1] == grid ? "yes" : "no");
    }

    const unsigned blocks = 20000;
    CHECK(cudaMemset(counts, 0, 2 * sizeof(unsigned)));
    one_after_the_other<<<blocks, 32>>>(counts);
    CHECK_KERNEL();
    unsigned expected = 0;
    for (unsigned block = 0; block < blocks; block++) expected = expected * 1664525u + block;
    printf("one after the other: %s\n", to_host(counts, 2)[1] == expected ? "ok" : "wrong");
    return 0;
}

// RUN: nvcc -std=c++17
// EXPECT-EXIT: 0
// EXPECT: 64 threads, 1 KB: all met: yes, waited for the last: yes
// EXPECT: 1024 threads, 1 KB: all met: yes, waited for the last: yes
// EXPECT: 128 threads, 40 KB: all met: yes, waited for the last: yes
// EXPECT: one after the other: ok
