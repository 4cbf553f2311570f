// Built with -G: warp operations, shared memory with barriers, recursion and local arrays, unoptimised.
#include "case.h"

__device__ int sum_of_digits(int n) { return n < 10 ? n : n % 10 + sum_of_digits(n / 10); }

__global__ void scan(const int* input, int* output) {
    __shared__ int of_warp[8];
    int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    int value = sum_of_digits(input[thread]);
    for (int distance = 1; distance < 32; distance *= 2) {
        int below = __shfl_up_sync(0xffffffffu, value, distance);
        if (lane >= distance) value += below;
    }
    if (lane == 31) of_warp[warp] = value;
    __syncthreads();
    for (int w = 0; w < warp; w++) value += of_warp[w];
    output[thread] = value;
}

__global__ void sort_each(int* values) {
    int mine[16], base = (blockIdx.x * blockDim.x + threadIdx.x) * 16;
    for (int i = 0; i < 16; i++) mine[i] = values[base + i];
    bool swapped;
    do {
        swapped = false;
        for (int i = 0; i + 1 < 16; i++)
            if (mine[i] > mine[i + 1]) {
                int t = mine[i];
                mine[i] = mine[i + 1];
                mine[i + 1] = t;
                swapped = true;
            }
    } while (swapped);
    for (int i = 0; i < 16; i++) values[base + i] = mine[i];
}

int main() {
    std::vector<int> input(256), expected(256), values(16 * 512);
    for (int i = 0, sum = 0; i < 256; i++) {
        input[i] = static_cast<int>(mix(i) % 1000000);
        for (int n = input[i]; n > 0; n /= 10) sum += n % 10;
        expected[i] = sum;
    }
    int* output_device = device_zeros<int>(256);
    scan<<<1, 256>>>(to_device(input), output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 256);
    printf("digits: total %d, mismatches %d\n", output[255], mismatches(output, expected));
    for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<int>(mix(i) % 500);
    int* values_device = to_device(values);
    sort_each<<<8, 64>>>(values_device);
    CHECK_KERNEL();
    values = to_host(values_device, values.size());
    int unsorted = 0;
    for (size_t i = 1; i < values.size(); i++) unsorted += i % 16 != 0 && values[i - 1] > values[i];
    printf("sorted: out of order %d, checksum %016llx\n", unsorted, (unsigned long long)checksum(values));
    return 0;
}

// RUN: nvcc -G
// EXPECT-EXIT: 0
// EXPECT: digits: total 7102, mismatches 0
// EXPECT: sorted: out of order 0, checksum 713e5f0aae447c44
