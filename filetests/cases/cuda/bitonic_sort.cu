// Bitonic sort of key-value pairs: steps within a block in shared memory, longer strides in global memory.
#include <algorithm>

#include "case.h"

constexpr int threads = 256;
constexpr int chunk = 2 * threads;

using Pair = unsigned long long;  // key in the upper half

__device__ void order(Pair& a, Pair& b, bool ascending) {
    if ((a > b) == ascending) {
        Pair t = a;
        a = b;
        b = t;
    }
}

__global__ void sort_in_shared(Pair* pairs, int first_size, int last_size) {
    __shared__ Pair local[chunk];
    int base = blockIdx.x * chunk;
    local[threadIdx.x] = pairs[base + threadIdx.x];
    local[threadIdx.x + threads] = pairs[base + threadIdx.x + threads];
    for (int size = first_size; size <= last_size; size *= 2) {
        for (int stride = min(size / 2, threads); stride > 0; stride /= 2) {
            __syncthreads();
            int low = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
            order(local[low], local[low + stride], ((base + low) & size) == 0);
        }
    }
    __syncthreads();
    pairs[base + threadIdx.x] = local[threadIdx.x];
    pairs[base + threadIdx.x + threads] = local[threadIdx.x + threads];
}

__global__ void merge_in_global(Pair* pairs, int size, int stride) {
    int i = blockIdx.x * threads + threadIdx.x;
    int low = 2 * i - (i & (stride - 1));
    order(pairs[low], pairs[low + stride], (low & size) == 0);
}

int main() {
    const int count = 1 << 16;
    std::vector<Pair> pairs(count);
    for (int i = 0; i < count; i++) pairs[i] = static_cast<Pair>(mix(i) % 10000) << 32 | static_cast<unsigned>(i);
    Pair* pairs_device = to_device(pairs);
    sort_in_shared<<<count / chunk, threads>>>(pairs_device, 2, chunk);
    for (int size = 2 * chunk; size <= count; size *= 2) {
        for (int stride = size / 2; stride > threads; stride /= 2)
            merge_in_global<<<count / chunk, threads>>>(pairs_device, size, stride);
        sort_in_shared<<<count / chunk, threads>>>(pairs_device, size, size);
    }
    CHECK_KERNEL();
    std::vector<Pair> sorted = to_host(pairs_device, count);
    std::sort(pairs.begin(), pairs.end());
    printf("smallest %u, median %u, largest %u\n", (unsigned)(sorted[0] >> 32), (unsigned)(sorted[count / 2] >> 32),
           (unsigned)(sorted[count - 1] >> 32));
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(sorted), mismatches(sorted, pairs));
    CHECK(cudaFree(pairs_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: smallest 0, median 4991, largest 9999
// EXPECT: checksum 34963a5b24e87886, mismatches 0
