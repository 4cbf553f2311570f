// The per-thread default stream: each host thread's unnamed stream is its own, so that a kernel of one thread can wait
// for a kernel of another.
#include <thread>

#include "case.h"

__global__ void wait_then_write(volatile int* flag, int* result) {
    while (*flag == 0) __nanosleep(200);
    __threadfence();
    *result = *flag * 2;
}

__global__ void raise(volatile int* flag, int value) { *flag = value; }

__global__ void fill(int* values, int value) { values[threadIdx.x] = value; }

int main() {
    int* memory = device_zeros<int>(2);
    preload(wait_then_write);
    preload(raise);
    CHECK(cudaDeviceSynchronize());
    std::thread waiter([&] {
        wait_then_write<<<1, 1>>>(memory, memory + 1);
        CHECK(cudaStreamSynchronize(cudaStreamPerThread));
    });
    std::thread raiser([&] {
        raise<<<1, 1>>>(memory, 21);
        CHECK(cudaStreamSynchronize(cudaStreamPerThread));
    });
    waiter.join();
    raiser.join();
    printf("result %d\n", to_host(memory, 2)[1]);

    // Within one thread the order of its own default stream holds.
    const int threads = 6;
    int* values = device_zeros<int>(64 * threads);
    CHECK(cudaDeviceSynchronize());
    std::vector<int> sums(threads);
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; t++)
        workers.emplace_back([&, t] {
            for (int round = 0; round < 20; round++) fill<<<1, 64>>>(values + 64 * t, round * 10 + t);
            int mine[64];
            CHECK(cudaMemcpy(mine, values + 64 * t, sizeof(mine), cudaMemcpyDeviceToHost));
            for (int value : mine) sums[t] += value;
        });
    for (std::thread& worker : workers) worker.join();
    for (int t = 0; t < threads; t++) printf("thread %d: %d\n", t, sums[t]);
    return 0;
}

// RUN: nvcc --default-stream per-thread
// EXPECT-EXIT: 0
// EXPECT: result 42
// EXPECT: thread 0: 12160
// EXPECT: thread 1: 12224
// EXPECT: thread 2: 12288
// EXPECT: thread 3: 12352
// EXPECT: thread 4: 12416
// EXPECT: thread 5: 12480
