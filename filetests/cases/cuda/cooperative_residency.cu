// A cooperative grid is resident as a whole: as many blocks as the occupancy rule says, times the multiprocessors, may be launched and meet;
// one more is refused. Threads, dynamic shared memory and bounds of the kernel count.
#include <cooperative_groups.h>

#include "case.h"

namespace cg = cooperative_groups;

__global__ void meet(unsigned* counts, unsigned* seen) {
    extern __shared__ int room[];
    if (threadIdx.x == 0) room[0] = atomicAdd(counts, 1);
    cg::this_grid().sync();
    if (threadIdx.x == 0) seen[blockIdx.x] = *(volatile unsigned*)counts;
    cg::this_grid().sync();
    if (threadIdx.x == 0) atomicAdd(counts, 1);
}

__global__ void __launch_bounds__(256, 2) bounded(unsigned* counts, unsigned* seen) {
    __shared__ int buffer[6000];
    buffer[threadIdx.x] = threadIdx.x;
    if (threadIdx.x == 0) atomicAdd(counts, 1);
    cg::this_grid().sync();
    if (threadIdx.x == 0) seen[blockIdx.x] = *(volatile unsigned*)counts + buffer[blockDim.x - 1] - (blockDim.x - 1);
    cg::this_grid().sync();
    if (threadIdx.x == 0) atomicAdd(counts, 1);
}

int processors;

void check(const char* name, void (*kernel)(unsigned*, unsigned*), int threads, int shared) {
    int blocks = 0;
    CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10));
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, shared));
    unsigned most = blocks * processors;
    unsigned* counts = device_zeros<unsigned>(1);
    unsigned* seen = device_zeros<unsigned>(most);
    void* arguments[] = {&counts, &seen};
    CHECK(cudaLaunchCooperativeKernel((void*)kernel, dim3(most), dim3(threads), arguments, shared, 0));
    CHECK_KERNEL();
    bool all = true;
    for (unsigned value : to_host(seen, most)) all = all && value == most;
    unsigned twice = to_host(counts, 1)[0];
    cudaError_t more = cudaLaunchCooperativeKernel((void*)kernel, dim3(most + 1), dim3(threads), arguments, shared, 0);
    cudaGetLastError();
    CHECK(cudaDeviceSynchronize());
    bool untouched = to_host(counts, 1)[0] == twice;
    printf("%s, %d threads, %d KB: the most that fit met: %s, one more: %s, it ran: %s\n", name, threads, shared >> 10,
           all && twice == 2 * most ? "yes" : "no", cudaGetErrorName(more), untouched ? "no" : "yes");
    CHECK(cudaFree(counts));
    CHECK(cudaFree(seen));
}

int main() {
    CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
    check("plain", meet, 32, 4);
    check("plain", meet, 1024, 4);
    check("plain", meet, 160, 4);
    check("plain", meet, 128, 40 << 10);
    check("plain", meet, 96, 64 << 10);
    check("bounded", bounded, 256, 0);
    check("bounded", bounded, 64, 12 << 10);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: plain, 32 threads, 0 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
// EXPECT: plain, 1024 threads, 0 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
// EXPECT: plain, 160 threads, 0 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
// EXPECT: plain, 128 threads, 40 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
// EXPECT: plain, 96 threads, 64 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
// EXPECT: bounded, 256 threads, 0 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
// EXPECT: bounded, 64 threads, 12 KB: the most that fit met: yes, one more: cudaErrorCooperativeLaunchTooLarge, it ran: no
