// Quicksort by kernels that launch themselves on the two parts, each in a stream of its own; short parts are sorted by one thread.
#include "case.h"

const int DEPTH_MAX = 18;
const int SHORT = 24;

__device__ void insertion_sort(unsigned* data, int left, int right) {
    for (int i = left + 1; i <= right; i++) {
        unsigned value = data[i];
        int j = i;
        for (; j > left && data[j - 1] > value; j--) data[j] = data[j - 1];
        data[j] = value;
    }
}

__global__ void quicksort(unsigned* data, int left, int right, int depth, int* grids) {
    atomicAdd(grids, 1);
    if (depth >= DEPTH_MAX || right - left <= SHORT) {
        insertion_sort(data, left, right);
        return;
    }
    unsigned pivot = data[(left + right) / 2];
    int low = left, high = right;
    while (low <= high) {
        while (data[low] < pivot) low++;
        while (data[high] > pivot) high--;
        if (low <= high) {
            unsigned swapped = data[low];
            data[low++] = data[high];
            data[high--] = swapped;
        }
    }
    if (left < high) {
        cudaStream_t stream;
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
        quicksort<<<1, 1, 0, stream>>>(data, left, high, depth + 1, grids);
        cudaStreamDestroy(stream);
    }
    if (low < right) {
        cudaStream_t stream;
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
        quicksort<<<1, 1, 0, stream>>>(data, low, right, depth + 1, grids);
        cudaStreamDestroy(stream);
    }
}

int main() {
    for (int count : {1, 100, 20000}) {
        std::vector<unsigned> values(count);
        for (int i = 0; i < count; i++) values[i] = mix(i) % 50000;
        unsigned* data = to_device(values);
        int* grids = device_zeros<int>(1);
        quicksort<<<1, 1>>>(data, 0, count - 1, 0, grids);
        CHECK_KERNEL();
        auto sorted = to_host(data, count);
        int wrong = 0;
        for (int i = 1; i < count; i++) wrong += sorted[i - 1] > sorted[i];
        printf("%d values, %d out of order, %d grids, %016llx\n", count, wrong, to_host(grids, 1)[0],
               (unsigned long long)checksum(sorted));
    }
}

// RUN: nvcc -rdc=true
// EXPECT-EXIT: 0
// EXPECT: 1 values, 0 out of order, 1 grids, 4d25767f9dce13f5
// EXPECT: 100 values, 0 out of order, 15 grids, 9b66ce2d51361ca0
// EXPECT: 20000 values, 0 out of order, 2788 grids, 8016248235b79ad9
