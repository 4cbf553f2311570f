// Bottom-up merge sort of signed 64-bit keys: each thread finds its share of a merge by binary search (merge path).
#include <algorithm>

#include "case.h"

constexpr int per_thread = 8;

// How many of the first `diagonal` merged elements come from `a`; equal elements are taken from `a` first.
__device__ int split(const long long* a, int a_count, const long long* b, int b_count, int diagonal) {
    int low = max(0, diagonal - b_count), high = min(diagonal, a_count);
    while (low < high) {
        int middle = (low + high) / 2;
        if (a[middle] <= b[diagonal - 1 - middle]) low = middle + 1;
        else high = middle;
    }
    return low;
}

__global__ void merge_runs(const long long* input, long long* output, int count, int run) {
    int first = (blockIdx.x * blockDim.x + threadIdx.x) * per_thread;
    if (first >= count) return;
    int pair = first / (2 * run) * (2 * run);
    int middle = min(pair + run, count), end = min(pair + 2 * run, count);
    const long long *a = input + pair, *b = input + middle;
    int a_count = middle - pair, b_count = end - middle;
    int i = split(a, a_count, b, b_count, first - pair), j = first - pair - i;
    for (int k = first; k < min(first + per_thread, end); k++) {
        bool from_a = j >= b_count || (i < a_count && a[i] <= b[j]);
        output[k] = from_a ? a[i++] : b[j++];
    }
}

__global__ void sort_small_runs(long long* values, int count) {
    int first = (blockIdx.x * blockDim.x + threadIdx.x) * per_thread;
    int end = min(first + per_thread, count);
    for (int i = first + 1; i < end; i++) {
        long long value = values[i];
        int place = i;
        for (; place > first && values[place - 1] > value; place--) values[place] = values[place - 1];
        values[place] = value;
    }
}

int main() {
    const int count = 70001, threads = 128;
    const int blocks = (count + threads * per_thread - 1) / (threads * per_thread);
    std::vector<long long> values(count);
    for (int i = 0; i < count; i++)
        values[i] = static_cast<long long>(static_cast<uint64_t>(mix(i)) << 32 | mix(~i)) >> (mix(i + 5) % 40);
    long long* buffers[2] = {to_device(values), device_alloc<long long>(count)};
    sort_small_runs<<<blocks, threads>>>(buffers[0], count);
    int current = 0;
    for (int run = per_thread; run < count; run *= 2, current = 1 - current)
        merge_runs<<<blocks, threads>>>(buffers[current], buffers[1 - current], count, run);
    CHECK_KERNEL();
    std::vector<long long> sorted = to_host(buffers[current], count);
    std::sort(values.begin(), values.end());
    printf("smallest %lld, median %lld, largest %lld\n", sorted[0], sorted[count / 2], sorted[count - 1]);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(sorted), mismatches(sorted, values));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: smallest -9198316687555568999, median 2256306, largest 9209529264455186448
// EXPECT: checksum 4d617f6152f3021c, mismatches 0
