// clock, clock64, globaltimer and nanosleep: never backwards, advancing with work; and the special registers that
// name thread, warp and lane.
#include "case.h"

__device__ unsigned long long global_timer() {
    unsigned long long time_ns;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(time_ns));
    return time_ns;
}

__global__ void measure(int* flags, unsigned* sink) {
    long long start = clock64();
    unsigned long long start_ns = global_timer();
    clock_t short_start = clock();
    unsigned value = threadIdx.x;
    for (int i = 0; i < 1000; i++) value = mix(value);
    long long middle = clock64();
    __nanosleep(2000);
    long long end = clock64();
    clock_t short_end = clock();
    unsigned long long end_ns = global_timer();
    sink[threadIdx.x] = value;
    flags[threadIdx.x] = (middle > start) | (end > middle) << 1 | (end_ns >= start_ns) << 2 |
                         (static_cast<int>(short_end - short_start) > 0) << 3;
}

__global__ void identify(int* wrong) {
    unsigned lane, warps, tid, ntid, ctaid, nctaid, grid_y;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    asm("mov.u32 %0, %%tid.x;" : "=r"(tid));
    asm("mov.u32 %0, %%ntid.x;" : "=r"(ntid));
    asm("mov.u32 %0, %%ctaid.x;" : "=r"(ctaid));
    asm("mov.u32 %0, %%nctaid.x;" : "=r"(nctaid));
    asm("mov.u32 %0, %%nctaid.y;" : "=r"(grid_y));
    asm("mov.u32 %0, WARP_SZ;" : "=r"(warps));
    bool right = lane == threadIdx.x % 32 && tid == threadIdx.x && ntid == blockDim.x && ctaid == blockIdx.x &&
                 nctaid == gridDim.x && grid_y == 1 && warps == 32 && warpSize == 32;
    if (!right) atomicAdd(wrong, 1);
}

int main() {
    int* flags = device_zeros<int>(64);
    unsigned* sink = device_zeros<unsigned>(64);
    measure<<<1, 64>>>(flags, sink);
    CHECK_KERNEL();
    int good = 0;
    for (int flag : to_host(flags, 64)) good += flag == 15;
    printf("threads whose clocks advance: %d\n", good);
    int* wrong = device_zeros<int>(1);
    identify<<<7, 96>>>(wrong);
    CHECK_KERNEL();
    printf("wrong identities: %d\n", to_host(wrong, 1)[0]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: threads whose clocks advance: 64
// EXPECT: wrong identities: 0
