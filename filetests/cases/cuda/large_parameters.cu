// Parameters at the classical limit of 4 KiB and beyond it (up to 32 764 bytes since CUDA 12.1), read with constant
// and with lane-dependent indices, and a launch through cudaLaunchKernel with an array of pointers.
#include "case.h"

struct Table4K {
    unsigned short values[2000];
    int tail[16];
};

struct Table30K {
    int values[7600];
};

__global__ void read_4k(Table4K table, unsigned* sums, int scale) {
    unsigned sum = table.tail[3] + table.values[1999];
    for (int i = threadIdx.x; i < 2000; i += blockDim.x) sum += table.values[i] * scale;
    sums[threadIdx.x] = sum + table.tail[threadIdx.x % 16];
}

__global__ void read_30k(const __grid_constant__ Table30K table, unsigned* sums) {
    unsigned sum = 0;
    for (int i = threadIdx.x; i < 7600; i += blockDim.x) sum = sum * 31 + table.values[i];
    const int* pointer = &table.values[threadIdx.x];
    sums[threadIdx.x] = sum + *pointer;
}

int main() {
    static Table4K small;
    static Table30K large;
    for (int i = 0; i < 2000; i++) small.values[i] = static_cast<unsigned short>(mix(i));
    for (int i = 0; i < 16; i++) small.tail[i] = i * i * 1000;
    for (int i = 0; i < 7600; i++) large.values[i] = static_cast<int>(mix(i + 5));
    unsigned* sums_device = device_zeros<unsigned>(64);
    int scale = 3;
    read_4k<<<1, 64>>>(small, sums_device, scale);
    CHECK_KERNEL();
    std::vector<unsigned> expected(64);
    for (int t = 0; t < 64; t++) {
        expected[t] = small.tail[3] + small.values[1999] + small.tail[t % 16];
        for (int i = t; i < 2000; i += 64) expected[t] += small.values[i] * scale;
    }
    printf("4 KiB: mismatches %d\n", mismatches(to_host(sums_device, 64), expected));

    CHECK(cudaMemset(sums_device, 0, 64 * sizeof(unsigned)));
    void* arguments[] = {&small, &sums_device, &scale};
    CHECK(cudaLaunchKernel(read_4k, dim3(1), dim3(64), arguments, 0, nullptr));
    small.tail[3] = 0;  // the arguments were copied at the launch
    CHECK_KERNEL();
    printf("cudaLaunchKernel: mismatches %d\n", mismatches(to_host(sums_device, 64), expected));

    read_30k<<<1, 64>>>(large, sums_device);
    CHECK_KERNEL();
    for (int t = 0; t < 64; t++) {
        expected[t] = 0;
        for (int i = t; i < 7600; i += 64) expected[t] = expected[t] * 31 + large.values[i];
        expected[t] += large.values[t];
    }
    printf("30 KiB: mismatches %d\n", mismatches(to_host(sums_device, 64), expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 4 KiB: mismatches 0
// EXPECT: cudaLaunchKernel: mismatches 0
// EXPECT: 30 KiB: mismatches 0
