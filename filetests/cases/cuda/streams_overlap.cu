// Streams: chains of dependent kernels and copies in eight streams at once, the legacy default stream that waits for
// all of them, a non-blocking stream that does not, and priorities.
#include "case.h"

constexpr int streams_count = 8;
constexpr int per_stream = 1 << 14;

__global__ void advance(unsigned* values, int count, unsigned step) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        values[i] = mix(values[i] + step);
}

__global__ void sum_all(const unsigned* values, int count, unsigned long long* total) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        atomicAdd(total, static_cast<unsigned long long>(values[i]));
}

// Waits until the host has written the flag: proves that work in two streams runs at the same time.
__global__ void wait_for_flag(volatile int* flag, int* seen) {
    while (*flag == 0) __nanosleep(100);
    *seen = *flag;
}

__global__ void set_flag(volatile int* flag) { *flag = 77; }

int main() {
    cudaStream_t streams[streams_count];
    unsigned *host, *device;
    CHECK(cudaMallocHost(&host, streams_count * per_stream * sizeof(unsigned)));
    CHECK(cudaMalloc(&device, streams_count * per_stream * sizeof(unsigned)));
    for (int i = 0; i < streams_count * per_stream; i++) host[i] = i;
    for (cudaStream_t& stream : streams) CHECK(cudaStreamCreate(&stream));
    for (int s = 0; s < streams_count; s++) {
        unsigned* part = device + s * per_stream;
        CHECK(cudaMemcpyAsync(part, host + s * per_stream, per_stream * sizeof(unsigned), cudaMemcpyHostToDevice,
                              streams[s]));
        for (unsigned step = 0; step < 6; step++) advance<<<s + 1, 128, 0, streams[s]>>>(part, per_stream, step + s);
        CHECK(cudaMemcpyAsync(host + s * per_stream, part, per_stream * sizeof(unsigned), cudaMemcpyDeviceToHost,
                              streams[s]));
    }
    // The legacy default stream waits for all blocking streams.
    unsigned long long* total = device_alloc<unsigned long long>(1);
    CHECK(cudaMemsetAsync(total, 0, sizeof(unsigned long long)));
    sum_all<<<32, 128>>>(device, streams_count * per_stream, total);
    unsigned long long sum = to_host(total, 1)[0], expected = 0;
    int wrong = 0;
    for (int i = 0; i < streams_count * per_stream; i++) {
        unsigned value = i;
        for (unsigned step = 0; step < 6; step++) value = mix(value + step + i / per_stream);
        expected += value;
        wrong += host[i] != value;
    }
    printf("sum %llu %s, mismatches %d\n", sum, sum == expected ? "ok" : "WRONG", wrong);

    // Two kernels that can only finish if the second runs while the first is waiting.
    cudaStream_t waiting, setting;
    CHECK(cudaStreamCreateWithFlags(&waiting, cudaStreamNonBlocking));
    CHECK(cudaStreamCreateWithFlags(&setting, cudaStreamNonBlocking));
    int* flag = device_zeros<int>(2);
    preload(wait_for_flag);
    preload(set_flag);
    CHECK(cudaDeviceSynchronize());
    wait_for_flag<<<1, 1, 0, waiting>>>(flag, flag + 1);
    printf("while waiting: %s\n", cudaGetErrorName(cudaStreamQuery(waiting)));
    set_flag<<<1, 1, 0, setting>>>(flag);
    CHECK(cudaStreamSynchronize(waiting));
    printf("afterwards: %s, seen %d\n", cudaGetErrorName(cudaStreamQuery(waiting)), to_host(flag, 2)[1]);

    int least = 0, greatest = 0, priority = 0;
    unsigned flags = 0;
    CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    cudaStream_t urgent;
    CHECK(cudaStreamCreateWithPriority(&urgent, cudaStreamNonBlocking, greatest));
    CHECK(cudaStreamGetPriority(urgent, &priority));
    CHECK(cudaStreamGetFlags(urgent, &flags));
    printf("least %d, priority kept: %s, non-blocking: %s\n", least, priority == greatest ? "yes" : "no",
           flags == cudaStreamNonBlocking ? "yes" : "no");
    for (cudaStream_t stream : streams) CHECK(cudaStreamDestroy(stream));
    for (cudaStream_t stream : {waiting, setting, urgent}) CHECK(cudaStreamDestroy(stream));
    CHECK(cudaFreeHost(host));
    CHECK(cudaFree(device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sum 281820531878035 ok, mismatches 0
// EXPECT: while waiting: cudaErrorNotReady
// EXPECT: afterwards: cudaSuccess, seen 77
// EXPECT: least 0, priority kept: yes, non-blocking: yes
