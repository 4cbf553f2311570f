// Asynchronous copies from global to shared memory in a pipeline of several stages (cp.async).
#include <cuda_pipeline.h>

#include "case.h"

constexpr int threads = 128;
constexpr int stages = 3;
constexpr int chunk = threads * 4;

__global__ void pipelined_sum(const int* input, long long* sums, int chunks) {
    __shared__ alignas(16) int buffers[stages][chunk];
    int thread = threadIdx.x;
    const int* mine = input + blockIdx.x * chunks * chunk;
    long long sum = 0;
    for (int c = 0; c < chunks + stages - 1; c++) {
        if (c < chunks) {
            int* target = buffers[c % stages];
            // 16 bytes at once for most, 4 bytes for the last group, as real kernels mix them.
            if (c % 4 != 3) {
                __pipeline_memcpy_async(&target[thread * 4], &mine[c * chunk + thread * 4], 16);
            } else {
                for (int k = 0; k < 4; k++)
                    __pipeline_memcpy_async(&target[thread + k * threads], &mine[c * chunk + thread + k * threads], 4);
            }
        }
        __pipeline_commit();
        int ready = c - (stages - 1);
        if (ready < 0) continue;
        __pipeline_wait_prior(stages - 1);
        __syncthreads();
        // Read what other threads have copied.
        const int* buffer = buffers[ready % stages];
        for (int k = 0; k < 4; k++)
            sum += static_cast<long long>(buffer[(thread * 5 + k * 37) % chunk]) * (k + 1) + buffer[chunk - 1 - thread];
        __syncthreads();
    }
    sums[blockIdx.x * threads + thread] = sum;
}

__global__ void zero_filled(const int* input, int* output) {
    __shared__ alignas(16) int buffer[threads * 4];
    int thread = threadIdx.x;
    for (int k = 0; k < 4; k++) buffer[thread * 4 + k] = -1;
    __syncthreads();
    // The last bytes of each copy are filled with zeros instead.
    __pipeline_memcpy_async(&buffer[thread * 4], &input[thread * 4], 16, (thread % 4) * 4);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int k = 0; k < 4; k++) output[thread * 4 + k] = buffer[thread * 4 + k];
}

int main() {
    const int blocks = 6, chunks = 13;
    std::vector<int> input(blocks * chunks * chunk);
    for (size_t i = 0; i < input.size(); i++)
        input[i] = static_cast<int>(mix(static_cast<uint32_t>(i)) % 100000) - 50000;
    int* input_device = to_device(input);
    long long* sums_device = device_zeros<long long>(blocks * threads);
    pipelined_sum<<<blocks, threads>>>(input_device, sums_device, chunks);
    CHECK_KERNEL();
    std::vector<long long> sums = to_host(sums_device, blocks * threads), expected(blocks * threads, 0);
    for (int b = 0; b < blocks; b++)
        for (int t = 0; t < threads; t++)
            for (int c = 0; c < chunks; c++) {
                const int* buffer = &input[(b * chunks + c) * chunk];
                for (int k = 0; k < 4; k++)
                    expected[b * threads + t] +=
                        static_cast<long long>(buffer[(t * 5 + k * 37) % chunk]) * (k + 1) + buffer[chunk - 1 - t];
            }
    printf("pipeline: checksum %016llx, mismatches %d\n", (unsigned long long)checksum(sums),
           mismatches(sums, expected));

    int* output_device = device_zeros<int>(threads * 4);
    zero_filled<<<1, threads>>>(input_device, output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, threads * 4);
    int wrong = 0;
    for (int i = 0; i < threads * 4; i++) wrong += output[i] != (i % 4 < 4 - i / 4 % 4 ? input[i] : 0);
    printf("zero fill: mismatches %d\n", wrong);
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: pipeline: checksum 1bf30c2aadbc352c, mismatches 0
// EXPECT: zero fill: mismatches 0
