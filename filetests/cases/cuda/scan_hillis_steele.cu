// Inclusive scan after Hillis and Steele with two buffers in shared memory, for an operator that does not commute:
// composition of affine maps x -> m*x + c modulo 2^32.
#include "case.h"

struct Affine {
    unsigned m, c;
};

// First `f`, then `g`.
__host__ __device__ Affine compose(Affine f, Affine g) { return {g.m * f.m, g.m * f.c + g.c}; }

constexpr int block_size = 512;

__global__ void scan(const Affine* input, Affine* output) {
    __shared__ Affine buffer[2][block_size];
    int thread = threadIdx.x, current = 0;
    int i = blockIdx.x * block_size + thread;
    buffer[0][thread] = input[i];
    __syncthreads();
    for (int distance = 1; distance < block_size; distance *= 2) {
        int next = 1 - current;
        buffer[next][thread] = thread >= distance ? compose(buffer[current][thread - distance], buffer[current][thread])
                                                  : buffer[current][thread];
        current = next;
        __syncthreads();
    }
    output[i] = buffer[current][thread];
}

int main() {
    const int blocks = 300, count = blocks * block_size;
    std::vector<Affine> input(count), expected(count);
    for (int i = 0; i < count; i++) {
        input[i] = {mix(i) | 1, mix(i + 1000000)};
        expected[i] = i % block_size == 0 ? input[i] : compose(expected[i - 1], input[i]);
    }
    Affine* input_device = to_device(input);
    Affine* output_device = device_alloc<Affine>(count);
    scan<<<blocks, block_size>>>(input_device, output_device);
    CHECK_KERNEL();
    std::vector<Affine> output = to_host(output_device, count);
    printf("last map x -> %u*x + %u\n", output[count - 1].m, output[count - 1].c);
    printf("checksum %016llx\n", (unsigned long long)checksum(output));
    printf("mismatches %d\n", mismatches(output, expected));
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: last map x -> 3439057705*x + 3687228582
// EXPECT: checksum 93239cf2c353ed6e
// EXPECT: mismatches 0
