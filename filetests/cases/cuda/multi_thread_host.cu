// Many host threads on one device: each allocates, copies, launches in a stream of its own and checks, at once.
#include <atomic>
#include <thread>

#include "case.h"

__device__ unsigned long long launches;

__global__ void work(unsigned* values, int count, unsigned seed) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i] = mix(values[i] ^ seed);
    if (i == 0) atomicAdd(&launches, 1ull);
}

int main() {
    const int host_threads = 8, rounds = 12;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < host_threads; t++)
        threads.emplace_back([t, &wrong] {
            CHECK(cudaSetDevice(0));
            cudaStream_t stream;
            CHECK(cudaStreamCreate(&stream));
            for (int round = 0; round < rounds; round++) {
                int count = 1000 + 777 * t + 131 * round;
                std::vector<unsigned> values(count);
                for (int i = 0; i < count; i++) values[i] = i * (t + 1);
                unsigned* device;
                CHECK(cudaMalloc(&device, count * sizeof(unsigned)));
                CHECK(cudaMemcpyAsync(device, values.data(), count * sizeof(unsigned), cudaMemcpyHostToDevice, stream));
                for (unsigned step = 0; step < 3; step++)
                    work<<<(count + 63) / 64, 64, 0, stream>>>(device, count, step * 17 + t);
                CHECK(cudaGetLastError());
                CHECK(cudaMemcpyAsync(values.data(), device, count * sizeof(unsigned), cudaMemcpyDeviceToHost, stream));
                CHECK(cudaStreamSynchronize(stream));
                for (int i = 0; i < count; i++) {
                    unsigned expected = i * (t + 1);
                    for (unsigned step = 0; step < 3; step++) expected = mix(expected ^ (step * 17 + t));
                    wrong += values[i] != expected;
                }
                CHECK(cudaFree(device));
            }
            CHECK(cudaStreamDestroy(stream));
        });
    for (std::thread& thread : threads) thread.join();

    unsigned long long count = 0;
    CHECK(cudaMemcpyFromSymbol(&count, launches, sizeof(count)));
    // The error state is kept per thread: an error in one is not seen by another.
    cudaError_t in_thread = cudaSuccess;
    std::thread([&] {
        int* never;
        (void)cudaMalloc(&never, ~0ull / 2);
        in_thread = cudaPeekAtLastError();
    }).join();
    printf("launches %llu, mismatches %d\n", count, wrong.load());
    printf("error in the other thread: %s, here: %s\n", cudaGetErrorName(in_thread),
           cudaGetErrorName(cudaPeekAtLastError()));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: launches 288, mismatches 0
// EXPECT: error in the other thread: cudaErrorMemoryAllocation, here: cudaSuccess
