// What kernels may ask of the runtime: launches that are refused, errors, memory, attributes and limits.
#include "case.h"

struct Large {
    double numbers[40];
    char tag;
    long long last;
};

__global__ void count(int* counter) { atomicAdd(counter, 1); }

__global__ void mixed(char a, double b, short c, Large large, float* out, int3 d) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = a + b + c + large.numbers[i % 40] + large.tag + large.last + d.x + d.y * 2 + d.z * 3;
}

template <typename T>
__global__ void fill(T* out, T value) {
    extern __shared__ char raw[];
    T* shared = reinterpret_cast<T*>(raw);
    shared[threadIdx.x] = value + T(threadIdx.x);
    __syncthreads();
    out[blockIdx.x * blockDim.x + threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

__global__ void launches(float* out, int* numbers) {
    Large large;
    for (int i = 0; i < 40; i++) large.numbers[i] = i * 0.5;
    large.tag = 3;
    large.last = 1000;
    mixed<<<dim3(2), dim3(32)>>>(1, 2.5, 3, large, out, make_int3(7, 8, 9));
    fill<int><<<2, 64, 64 * sizeof(int)>>>(numbers, 100);
    fill<short><<<dim3(1, 1, 1), dim3(64, 1, 1), 128>>>(reinterpret_cast<short*>(numbers + 128), 7);
    printf("launches: %d\n", cudaGetLastError());
}

__global__ void refusals(int* counter) {
    count<<<0, 1>>>(counter);
    printf("no blocks: %d\n", cudaGetLastError());
    count<<<1, 0>>>(counter);
    printf("no threads: %d\n", cudaGetLastError());
    count<<<1, 2048>>>(counter);
    int peeked = cudaPeekAtLastError(), last = cudaGetLastError(), again = cudaGetLastError();
    printf("too many threads: %d %d %d\n", peeked, last, again);
    count<<<1, 32, 1 << 20>>>(counter);
    printf("too much shared memory: %s\n", cudaGetErrorName(cudaGetLastError()));
    count<<<dim3(1, 70000), 32>>>(counter);
    printf("too tall: %s\n", cudaGetErrorString(cudaGetLastError()));
    count<<<1, 32, 0, (cudaStream_t)0x123456>>>(counter);
    printf("no stream: %s\n", cudaGetErrorString(cudaGetLastError()));
    printf("%s, %s, %s\n", cudaGetErrorString(cudaSuccess), cudaGetErrorString(cudaErrorMemoryAllocation),
           cudaGetErrorName((cudaError_t)12345));
    printf("%s\n", cudaGetErrorString(cudaErrorLaunchPendingCountExceeded));
    count<<<1, 1>>>(counter);
    printf("in order: %d\n", cudaGetLastError());
    cudaEvent_t event;
    printf("event that takes times: %d\n", cudaEventCreateWithFlags(&event, cudaEventDefault));
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    printf("record in no order: %d\n", cudaEventRecord(event, cudaStreamFireAndForget));
    cudaEventDestroy(event);
    // Each thread has its own last error.
    if (threadIdx.x == 0) printf("last: %d\n", cudaGetLastError());
}

__global__ void own_errors(int* errors) {
    if (threadIdx.x % 2 == 1) count<<<0, 1>>>(errors);
    errors[threadIdx.x] = cudaGetLastError();
}

__global__ void queries() {
    int device = -1, devices = -1, value = -1;
    int results[2] = {cudaGetDevice(&device), cudaGetDeviceCount(&devices)};
    printf("device %d %d, of some %d %d\n", results[0], device, results[1], devices > 0);
    int result = cudaDeviceGetAttribute(&value, cudaDevAttrMaxThreadsPerBlock, 0);
    printf("threads of a block %d %d\n", result, value);
    result = cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 0);
    printf("warp %d %d\n", result, value);
    printf("no device %d, no attribute %d\n", cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 99),
           cudaDeviceGetAttribute(&value, (cudaDeviceAttr)9999, 0));
    size_t limit = 0;
    result = cudaDeviceGetLimit(&limit, cudaLimitDevRuntimePendingLaunchCount);
    printf("pending launches %d %d\n", result, (int)limit);
    result = cudaDeviceGetLimit(&limit, cudaLimitMallocHeapSize);
    printf("heap %d %d\n", result, (int)limit);
    cudaFuncAttributes attributes;
    result = cudaFuncGetAttributes(&attributes, count);
    printf("function %d, threads %d, shared %d, some registers %d\n", result, attributes.maxThreadsPerBlock,
           (int)attributes.sharedSizeBytes, attributes.numRegs > 0);
    result = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&value, count, 1024, 0);
    printf("occupancy %d, some %d\n", result, value > 0);
    void* memory = nullptr;
    result = cudaMalloc(&memory, 100);
    printf("memory %d %d, given back %d\n", result, memory != nullptr, cudaFree(memory));
    printf("too much memory %d\n", cudaMalloc(&memory, size_t(1) << 40));
}

// The interface before <<<>>>: a buffer that is filled by hand.
__global__ void by_hand(int* counter) {
    void* buffer = cudaGetParameterBuffer(8, 8);
    memcpy(buffer, &counter, sizeof counter);
    printf("by hand: %d\n", cudaLaunchDevice((void*)count, buffer, dim3(3), dim3(4), 0, 0));
    void* checked = cudaGetParameterBufferV2((void*)count, dim3(2), dim3(2), 0);
    memcpy(checked, &counter, sizeof counter);
    printf("by hand: %d\n", cudaLaunchDeviceV2(checked, 0));
}

int main() {
    float* out = device_zeros<float>(64);
    int* numbers = device_zeros<int>(256);
    launches<<<1, 1>>>(out, numbers);
    CHECK_KERNEL();
    auto floats = to_host(out, 64);
    auto ints = to_host(numbers, 160);
    printf("%g %g %g, %d %d %d, %016llx %016llx\n", floats[0], floats[39], floats[63], ints[0], ints[127], ints[128],
           (unsigned long long)checksum(floats), (unsigned long long)checksum(ints));

    int* counter = device_zeros<int>(64);
    refusals<<<1, 1>>>(counter);
    CHECK_KERNEL();
    printf("counted %d\n", to_host(counter, 1)[0]);
    own_errors<<<1, 64>>>(counter);
    CHECK_KERNEL();
    auto errors = to_host(counter, 64);
    printf("errors %d %d %d %d\n", errors[0], errors[1], errors[62], errors[63]);

    queries<<<1, 1>>>();
    CHECK_KERNEL();
    CHECK(cudaMemset(counter, 0, 4));
    by_hand<<<1, 1>>>(counter);
    CHECK_KERNEL();
    printf("counted %d\n", to_host(counter, 1)[0]);
}

// RUN: nvcc -rdc=true
// EXPECT-EXIT: 0
// EXPECT: launches: 0
// EXPECT: 1059.5 1079 1071, 163 100 4522054, 4b3573fe44d9cb7e 8205714473ecc7e5
// EXPECT: no blocks: 9
// EXPECT: no threads: 9
// EXPECT: too many threads: 9 9 0
// EXPECT: too much shared memory: cudaErrorInvalidConfiguration
// EXPECT: too tall: invalid configuration argument
// EXPECT: no stream: invalid argument
// EXPECT: no error, out of memory, unrecognized error code
// EXPECT: launch failed because launch would exceed cudaLimitDevRuntimePendingLaunchCount
// EXPECT: in order: 0
// EXPECT: event that takes times: 1
// EXPECT: record in no order: 1
// EXPECT: last: 1
// EXPECT: counted 1
// EXPECT: errors 0 9 0 9
// EXPECT: device 0 0, of some 0 1
// EXPECT: threads of a block 0 1024
// EXPECT: warp 0 32
// EXPECT: no device 101, no attribute 1
// EXPECT: pending launches 0 2048
// EXPECT: heap 0 8388608
// EXPECT: function 0, threads 1024, shared 0, some registers 1
// EXPECT: occupancy 0, some 1
// EXPECT: memory 0 1, given back 0
// EXPECT: too much memory 2
// EXPECT: by hand: 0
// EXPECT: by hand: 0
// EXPECT: counted 16
