// 1-D convolution with the filter in constant memory and the halo staged in shared memory.
#include "case.h"

constexpr int radius = 8;
constexpr int block_size = 256;

__constant__ int filter[2 * radius + 1];

__global__ void convolve(const int* input, int* output, int count) {
    __shared__ int staged[block_size + 2 * radius];
    int first = blockIdx.x * block_size - radius;
    for (int i = threadIdx.x; i < block_size + 2 * radius; i += block_size) {
        int source = first + i;
        staged[i] = source >= 0 && source < count ? input[source] : 0;
    }
    __syncthreads();
    int i = blockIdx.x * block_size + threadIdx.x;
    if (i >= count) return;
    int sum = 0;
#pragma unroll
    for (int k = 0; k <= 2 * radius; k++) sum += filter[k] * staged[threadIdx.x + k];
    output[i] = sum;
}

int main() {
    const int count = 300007;
    int taps[2 * radius + 1];
    for (int k = 0; k <= 2 * radius; k++) taps[k] = (k - radius) * (k - radius) - 20;
    std::vector<int> input(count), expected(count);
    for (int i = 0; i < count; i++) input[i] = static_cast<int>(mix(i) % 2048) - 1024;
    for (int i = 0; i < count; i++)
        for (int k = 0; k <= 2 * radius; k++) {
            int source = i + k - radius;
            if (source >= 0 && source < count) expected[i] += taps[k] * input[source];
        }
    CHECK(cudaMemcpyToSymbol(filter, taps, sizeof(taps)));
    int* input_device = to_device(input);
    int* output_device = device_zeros<int>(count);
    convolve<<<(count + block_size - 1) / block_size, block_size>>>(input_device, output_device, count);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, count);
    printf("edges %d %d, checksum %016llx\n", output[0], output[count - 1], (unsigned long long)checksum(output));
    printf("mismatches %d\n", mismatches(output, expected));
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: edges 76505 35462, checksum 9bc85931ae4f97cf
// EXPECT: mismatches 0
