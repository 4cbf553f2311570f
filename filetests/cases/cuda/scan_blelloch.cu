// Exclusive scan after Blelloch (up-sweep, down-sweep, padded against bank conflicts) over three levels of blocks.
#include "case.h"

constexpr int threads = 128;
constexpr int per_block = 2 * threads;

__device__ int padded(int i) { return i + (i >> 5); }

__global__ void scan_blocks(unsigned* values, unsigned* totals, int count) {
    __shared__ unsigned tree[per_block + per_block / 32];
    int thread = threadIdx.x, base = blockIdx.x * per_block;
    int low = thread, high = thread + threads;
    tree[padded(low)] = base + low < count ? values[base + low] : 0;
    tree[padded(high)] = base + high < count ? values[base + high] : 0;

    int offset = 1;
    for (int active = threads; active > 0; active /= 2, offset *= 2) {
        __syncthreads();
        if (thread < active) tree[padded(offset * (2 * thread + 2) - 1)] += tree[padded(offset * (2 * thread + 1) - 1)];
    }
    __syncthreads();
    if (thread == 0) {
        totals[blockIdx.x] = tree[padded(per_block - 1)];
        tree[padded(per_block - 1)] = 0;
    }
    for (int active = 1; active <= threads; active *= 2) {
        offset /= 2;
        __syncthreads();
        if (thread < active) {
            int left = padded(offset * (2 * thread + 1) - 1), right = padded(offset * (2 * thread + 2) - 1);
            unsigned value = tree[left];
            tree[left] = tree[right];
            tree[right] += value;
        }
    }
    __syncthreads();
    if (base + low < count) values[base + low] = tree[padded(low)];
    if (base + high < count) values[base + high] = tree[padded(high)];
}

__global__ void add_offsets(unsigned* values, const unsigned* offsets, int count) {
    int i = blockIdx.x * per_block + threadIdx.x;
    if (i < count) values[i] += offsets[blockIdx.x];
    if (i + threads < count) values[i + threads] += offsets[blockIdx.x];
}

void exclusive_scan(unsigned* values, int count) {
    int blocks = (count + per_block - 1) / per_block;
    unsigned* totals = device_alloc<unsigned>(blocks);
    scan_blocks<<<blocks, threads>>>(values, totals, count);
    CHECK_KERNEL();
    if (blocks > 1) {
        exclusive_scan(totals, blocks);
        add_offsets<<<blocks, threads>>>(values, totals, count);
        CHECK_KERNEL();
    }
    CHECK(cudaFree(totals));
}

int main() {
    for (int count : {1, 255, 256, 257, 65537, 300000}) {
        std::vector<unsigned> values(count), expected(count);
        unsigned sum = 0;
        for (int i = 0; i < count; i++) {
            values[i] = mix(i + count) % 1000;
            expected[i] = sum;
            sum += values[i];
        }
        unsigned* values_device = to_device(values);
        exclusive_scan(values_device, count);
        std::vector<unsigned> scanned = to_host(values_device, count);
        printf("%6d values: last %u, mismatches %d\n", count, scanned[count - 1], mismatches(scanned, expected));
        CHECK(cudaFree(values_device));
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT:      1 values: last 0, mismatches 0
// EXPECT:    255 values: last 129183, mismatches 0
// EXPECT:    256 values: last 129625, mismatches 0
// EXPECT:    257 values: last 129707, mismatches 0
// EXPECT:  65537 values: last 32722617, mismatches 0
// EXPECT: 300000 values: last 149689675, mismatches 0
