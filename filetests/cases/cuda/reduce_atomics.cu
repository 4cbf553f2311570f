// Sums by atomics alone: one atomic a thread on global memory, then shared memory with one global atomic a block.
#include "case.h"

__global__ void reduce_global(const int* values, int count, int* sum, unsigned* bits, unsigned* parity) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    atomicAdd(sum, values[i]);
    atomicOr(bits, 1u << (values[i] & 31));
    atomicXor(parity, static_cast<unsigned>(values[i]));
}

__global__ void reduce_shared(const int* values, int count, int* sum) {
    __shared__ int block_sum;
    if (threadIdx.x == 0) block_sum = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        atomicAdd(&block_sum, values[i]);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(sum, block_sum);
}

int main() {
    const int count = 400000;
    std::vector<int> values(count);
    int expected_sum = 0;
    unsigned expected_bits = 0, expected_parity = 0;
    for (int i = 0; i < count; i++) {
        values[i] = static_cast<int>(mix(i) % 2001) - 1000;
        expected_sum += values[i];
        expected_bits |= 1u << (values[i] & 31);
        expected_parity ^= static_cast<unsigned>(values[i]);
    }
    int* values_device = to_device(values);
    int* sums = device_zeros<int>(2);
    unsigned* bits = device_zeros<unsigned>(2);
    reduce_global<<<(count + 191) / 192, 192>>>(values_device, count, &sums[0], &bits[0], &bits[1]);
    reduce_shared<<<40, 256>>>(values_device, count, &sums[1]);
    CHECK_KERNEL();

    std::vector<int> sum = to_host(sums, 2);
    std::vector<unsigned> bit = to_host(bits, 2);
    printf("global sum %d, shared sum %d, expected %d\n", sum[0], sum[1], expected_sum);
    printf("bits %08x parity %08x, expected %08x %08x\n", bit[0], bit[1], expected_bits, expected_parity);
    CHECK(cudaFree(values_device));
    CHECK(cudaFree(sums));
    CHECK(cudaFree(bits));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: global sum -738456, shared sum -738456, expected -738456
// EXPECT: bits ffffffff parity ffffff02, expected ffffffff ffffff02
