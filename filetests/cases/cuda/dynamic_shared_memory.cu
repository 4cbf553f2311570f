// Shared memory whose size is given at the launch: carved into arrays of several types, up to the opt-in maximum, and
// together with static shared memory.
#include "case.h"

__global__ void carve(int ints, int doubles, long long* result) {
    extern __shared__ double dynamic[];
    double* d = dynamic;
    int* n = reinterpret_cast<int*>(d + doubles);
    unsigned char* bytes = reinterpret_cast<unsigned char*>(n + ints);
    __shared__ long long total;
    if (threadIdx.x == 0) total = 0;
    for (int i = threadIdx.x; i < doubles; i += blockDim.x) d[i] = i * 0.5;
    for (int i = threadIdx.x; i < ints; i += blockDim.x) n[i] = i * i;
    bytes[threadIdx.x] = static_cast<unsigned char>(threadIdx.x);
    __syncthreads();
    // Each thread reads what other threads wrote.
    long long sum = bytes[blockDim.x - 1 - threadIdx.x];
    for (int i = threadIdx.x; i < doubles; i += blockDim.x) sum += static_cast<long long>(d[doubles - 1 - i] * 2);
    for (int i = threadIdx.x; i < ints; i += blockDim.x) sum += n[ints - 1 - i];
    atomicAdd(reinterpret_cast<unsigned long long*>(&total), static_cast<unsigned long long>(sum));
    __syncthreads();
    if (threadIdx.x == 0) result[blockIdx.x] = total + blockIdx.x;
}

__global__ void reverse(int* values, int count) {
    extern __shared__ int whole[];
    for (int i = threadIdx.x; i < count; i += blockDim.x) whole[i] = values[blockIdx.x * count + i];
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += blockDim.x) values[blockIdx.x * count + i] = whole[count - 1 - i];
}

int main() {
    long long* result_device = device_zeros<long long>(6);
    for (int threads : {32, 100, 256}) {
        int ints = 3 * threads, doubles = 2 * threads + 1;
        size_t bytes = doubles * sizeof(double) + ints * sizeof(int) + threads;
        carve<<<6, threads, bytes>>>(ints, doubles, result_device);
        CHECK_KERNEL();
        long long expected = 0;
        for (int i = 0; i < threads; i++) expected += static_cast<unsigned char>(i);
        for (int i = 0; i < doubles; i++) expected += i;
        for (int i = 0; i < ints; i++) expected += i * i;
        std::vector<long long> result = to_host(result_device, 6);
        bool equal = true;
        for (int block = 0; block < 6; block++) equal = equal && result[block] == expected + block;
        printf("%3d threads, %zu bytes: %lld %s\n", threads, bytes, result[0], equal ? "ok" : "WRONG");
    }

    // Without the opt-in, more than 48 KiB is refused; with it, 64 KiB work on every architecture since Turing.
    const int count = 64 * 1024 / sizeof(int), blocks = 5;
    std::vector<int> values(blocks * count);
    for (int i = 0; i < blocks * count; i++) values[i] = i;
    int* values_device = to_device(values);
    reverse<<<blocks, 512, count * sizeof(int)>>>(values_device, count);
    printf("64 KiB without opt-in: %s\n", cudaGetErrorName(cudaGetLastError()));
    CHECK(cudaFuncSetAttribute(reverse, cudaFuncAttributeMaxDynamicSharedMemorySize, count * sizeof(int)));
    reverse<<<blocks, 512, count * sizeof(int)>>>(values_device, count);
    CHECK_KERNEL();
    std::vector<int> reversed = to_host(values_device, blocks * count);
    int wrong = 0;
    for (int i = 0; i < blocks * count; i++) wrong += reversed[i] != i / count * count + count - 1 - i % count;
    printf("64 KiB with opt-in: mismatches %d\n", wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT:  32 threads, 936 bytes: 292896 ok
// EXPECT: 100 threads, 2908 bytes: 8980100 ok
// EXPECT: 256 threads, 7432 bytes: 150864128 ok
// EXPECT: 64 KiB without opt-in: cudaErrorInvalidValue
// EXPECT: 64 KiB with opt-in: mismatches 0
