// CUB on the whole device: reduce, arg-max, scan, select, run-length encoding and histogram.
#include <cub/cub.cuh>

#include <algorithm>

#include "case.h"

// CUB asks for its scratch memory in a first call that only measures.
template <typename Call>
void with_scratch(Call call) {
    size_t bytes = 0;
    CHECK(call(nullptr, bytes));
    void* scratch = nullptr;
    CHECK(cudaMalloc(&scratch, bytes));
    CHECK(call(scratch, bytes));
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaFree(scratch));
}

struct Odd {
    __host__ __device__ bool operator()(int x) const { return x & 1; }
};

int main() {
    const int count = 200003;
    std::vector<int> host(count), scanned(count), odd, run_values, run_lengths;
    for (int i = 0; i < count; i++) host[i] = static_cast<int>(mix(i / (1 + i / 1000 % 7)) % 1000);
    host[77777] = 5000;
    int sum = 0, smallest = host[0];
    for (int i = 0; i < count; i++) {
        sum += host[i];
        scanned[i] = sum;
        smallest = std::min(smallest, host[i]);
        if (host[i] & 1) odd.push_back(host[i]);
        if (i == 0 || host[i] != host[i - 1]) run_values.push_back(host[i]), run_lengths.push_back(0);
        run_lengths.back()++;
    }
    int* input = to_device(host);
    int* output = device_zeros<int>(count);
    int* lengths = device_zeros<int>(count);
    int* number = device_zeros<int>(1);

    with_scratch([&](void* s, size_t& n) { return cub::DeviceReduce::Sum(s, n, input, output, count); });
    printf("sum %d (%d)\n", to_host(output, 1)[0], sum);
    with_scratch([&](void* s, size_t& n) { return cub::DeviceReduce::Min(s, n, input, output, count); });
    printf("min %d (%d)\n", to_host(output, 1)[0], smallest);
    with_scratch([&](void* s, size_t& n) { return cub::DeviceScan::InclusiveSum(s, n, input, output, count); });
    printf("scan mismatches %d\n", mismatches(to_host(output, count), scanned));
    with_scratch([&](void* s, size_t& n) { return cub::DeviceSelect::If(s, n, input, output, number, count, Odd()); });
    int kept = to_host(number, 1)[0];
    printf("select %d, mismatches %d\n", kept, mismatches(to_host(output, kept), odd));
    with_scratch([&](void* s, size_t& n) {
        return cub::DeviceRunLengthEncode::Encode(s, n, input, output, lengths, number, count);
    });
    int runs = to_host(number, 1)[0];
    printf("runs %d, mismatches %d %d\n", runs, mismatches(to_host(output, runs), run_values),
           mismatches(to_host(lengths, runs), run_lengths));

    std::vector<int> bins(10, 0);
    for (int value : host)
        if (value < 1000) bins[value / 100]++;
    int* bins_device = device_zeros<int>(10);
    with_scratch([&](void* s, size_t& n) {
        return cub::DeviceHistogram::HistogramEven(s, n, input, bins_device, 11, 0, 1000, count);
    });
    printf("histogram mismatches %d\n", mismatches(to_host(bins_device, 10), bins));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sum 100159192 (100159192)
// EXPECT: min 0 (0)
// EXPECT: scan mismatches 0
// EXPECT: select 99874, mismatches 0
// EXPECT: runs 74663, mismatches 0 0
// EXPECT: histogram mismatches 0
