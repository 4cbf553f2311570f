// Device variables by symbol: initial values, offsets, asynchronous copies, arrays of structures, pointers to other
// variables, and state that stays between kernels.
#include "case.h"

struct Entry {
    char tag;
    int numbers[3];
    double weight;
};

__device__ int counter = 41;
__device__ float matrix[3][4] = {{1, 2, 3, 4}, {5, 6}, {9}};
__device__ Entry entries[2] = {{'a', {1, 2, 3}, 0.5}, {'b', {4, 5, 6}, -1.25}};
__device__ const char* names[3] = {"zero", "one", "two"};
__device__ int* pointer_to_counter = &counter;
__device__ float* second_row = matrix[1];
static __device__ unsigned long long hidden;
__constant__ unsigned char table[5] = {9, 8, 7, 6, 5};

__global__ void step(int* output) {
    (*pointer_to_counter)++;
    hidden += counter;
    output[0] = counter;
    output[1] = static_cast<int>(second_row[1] + matrix[2][0]);
    output[2] = entries[1].numbers[2] + entries[0].tag + static_cast<int>(entries[1].weight * 4);
    output[3] = names[counter % 3][1];
    output[4] = table[counter % 5];
    entries[0].numbers[0] += 10;
}

int main() {
    int* output_device = device_zeros<int>(5);
    for (int round = 0; round < 3; round++) {
        step<<<1, 1>>>(output_device);
        CHECK_KERNEL();
        std::vector<int> output = to_host(output_device, 5);
        printf("%d %d %d %d %d\n", output[0], output[1], output[2], output[3], output[4]);
    }
    Entry copy[2];
    unsigned long long sum = 0;
    CHECK(cudaMemcpyFromSymbol(copy, entries, sizeof(copy)));
    CHECK(cudaMemcpyFromSymbol(&sum, hidden, sizeof(sum)));
    printf("entry %c %d %d %.2f, hidden %llu\n", copy[0].tag, copy[0].numbers[0], copy[1].numbers[1], copy[1].weight,
           sum);

    int value = 100;
    float row[2] = {70, 80};
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    CHECK(cudaMemcpyToSymbolAsync(counter, &value, sizeof(value), 0, cudaMemcpyHostToDevice, stream));
    CHECK(cudaMemcpyToSymbolAsync(matrix, row, sizeof(row), 4 * sizeof(float), cudaMemcpyHostToDevice, stream));
    step<<<1, 1, 0, stream>>>(output_device);
    CHECK(cudaStreamSynchronize(stream));
    std::vector<int> output = to_host(output_device, 5);
    printf("%d %d %d %d %d\n", output[0], output[1], output[2], output[3], output[4]);
    float whole[3][4];
    CHECK(cudaMemcpyFromSymbol(whole, matrix, sizeof(whole)));
    for (auto& line : whole) printf("%.0f %.0f %.0f %.0f\n", line[0], line[1], line[2], line[3]);
    printf("beyond the end: %s\n", cudaGetErrorName(cudaMemcpyToSymbol(counter, row, 8)));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 42 15 98 101 7
// EXPECT: 43 15 98 110 6
// EXPECT: 44 15 98 119 5
// EXPECT: entry a 31 5 -1.25, hidden 129
// EXPECT: 101 89 98 119 8
// EXPECT: 1 2 3 4
// EXPECT: 70 80 0 0
// EXPECT: 9 0 0 0
// EXPECT: beyond the end: cudaErrorInvalidValue
