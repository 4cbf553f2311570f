// Histogram with global atomics alone: a two-dimensional one with weights in 64 bits, and one whose warps first
// combine equal keys with match_any.
#include "case.h"

constexpr int rows = 64, columns = 48;

__global__ void weighted(const unsigned* keys, int count, unsigned long long* result) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    unsigned key = keys[i];
    int cell = (key >> 8 & 63) * columns + key % columns;
    atomicAdd(&result[cell], static_cast<unsigned long long>(key) << 4);
}

__global__ void combined(const unsigned* keys, int count, unsigned* result) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    bool inside = i < count;
    unsigned active = __ballot_sync(0xffffffffu, inside);
    if (!inside) return;
    unsigned bin = keys[i] % 10;
    unsigned equal = __match_any_sync(active, bin);
    int leader = __ffs(equal) - 1;
    if (threadIdx.x % 32 == leader) atomicAdd(&result[bin], __popc(equal));
}

int main() {
    const int count = 250001;
    std::vector<unsigned> keys(count), expected_bins(10, 0);
    std::vector<unsigned long long> expected(rows * columns, 0);
    for (int i = 0; i < count; i++) {
        keys[i] = mix(i ^ 0xabcd);
        expected[(keys[i] >> 8 & 63) * columns + keys[i] % columns] += static_cast<unsigned long long>(keys[i]) << 4;
        expected_bins[keys[i] % 10]++;
    }
    unsigned* keys_device = to_device(keys);
    unsigned long long* weighted_device = device_zeros<unsigned long long>(rows * columns);
    unsigned* bins_device = device_zeros<unsigned>(10);
    weighted<<<(count + 127) / 128, 128>>>(keys_device, count, weighted_device);
    combined<<<(count + 255) / 256, 256>>>(keys_device, count, bins_device);
    CHECK_KERNEL();
    std::vector<unsigned long long> result = to_host(weighted_device, rows * columns);
    std::vector<unsigned> bins = to_host(bins_device, 10);
    for (int bin = 0; bin < 10; bin++) printf("%u%s", bins[bin], bin < 9 ? " " : "\n");
    printf("weighted checksum %016llx, mismatches %d\n", (unsigned long long)checksum(result),
           mismatches(result, expected));
    printf("combined mismatches %d\n", mismatches(bins, expected_bins));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 24965 24997 25121 24886 25081 25123 24865 25012 25006 24945
// EXPECT: weighted checksum b8cce4df995125fa, mismatches 0
// EXPECT: combined mismatches 0
