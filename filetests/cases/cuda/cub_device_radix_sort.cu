// CUB's device-wide radix sort: small and large inputs (its one-sweep form spins across blocks), pairs, descending,
// signed and floating-point keys, and a range of bits.
#include <cub/cub.cuh>

#include <algorithm>

#include "case.h"

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

void pairs(int count, int first_bit, int last_bit) {
    std::vector<unsigned> keys(count);
    std::vector<int> values(count);
    for (int i = 0; i < count; i++) keys[i] = mix(i + count), values[i] = i;
    unsigned *keys_in = to_device(keys), *keys_out = device_zeros<unsigned>(count);
    int *values_in = to_device(values), *values_out = device_zeros<int>(count);
    with_scratch([&](void* s, size_t& n) {
        return cub::DeviceRadixSort::SortPairs(s, n, keys_in, keys_out, values_in, values_out, count, first_bit,
                                               last_bit);
    });
    unsigned mask = last_bit == 32 ? ~0u : (1u << last_bit) - 1;
    std::stable_sort(values.begin(), values.end(),
                     [&](int a, int b) { return (keys[a] & mask) >> first_bit < (keys[b] & mask) >> first_bit; });
    std::vector<int> got = to_host(values_out, count);
    printf("pairs %6d, bits %2d to %2d: checksum %016llx, mismatches %d\n", count, first_bit, last_bit,
           (unsigned long long)checksum(got), mismatches(got, values));
    CHECK(cudaFree(keys_in));
    CHECK(cudaFree(keys_out));
    CHECK(cudaFree(values_in));
    CHECK(cudaFree(values_out));
}

template <typename T>
void descending(const char* type, int count) {
    std::vector<T> keys(count);
    for (int i = 0; i < count; i++) keys[i] = static_cast<T>(static_cast<int>(mix(i))) / 8;
    T *in = to_device(keys), *out = device_zeros<T>(count);
    with_scratch([&](void* s, size_t& n) { return cub::DeviceRadixSort::SortKeysDescending(s, n, in, out, count); });
    std::sort(keys.begin(), keys.end(), [](T a, T b) { return a > b; });
    printf("descending %s: mismatches %d\n", type, mismatches(to_host(out, count), keys));
    CHECK(cudaFree(in));
    CHECK(cudaFree(out));
}

int main() {
    pairs(1000, 0, 32);
    pairs(60000, 0, 32);
    pairs(20000, 5, 17);
    descending<int>("int", 30000);
    descending<float>("float", 30000);
    descending<long long>("int64", 10000);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: pairs   1000, bits  0 to 32: checksum f596cb1e78e4493d, mismatches 0
// EXPECT: pairs  60000, bits  0 to 32: checksum 8f66e2be030e96e9, mismatches 0
// EXPECT: pairs  20000, bits  5 to 17: checksum 58f6ab40a7e53f29, mismatches 0
// EXPECT: descending int: mismatches 0
// EXPECT: descending float: mismatches 0
// EXPECT: descending int64: mismatches 0
