// CUB inside kernels: block-wide load, reduce, scan, radix sort, exchange and histogram, and warp-wide scans.
#include <cub/cub.cuh>

#include <algorithm>

#include "case.h"

constexpr int threads = 128;
constexpr int per_thread = 5;
constexpr int tile = threads * per_thread;

__global__ void sort_and_scan(const unsigned* input, unsigned* sorted, unsigned* scanned, unsigned* totals) {
    using Load = cub::BlockLoad<unsigned, threads, per_thread, cub::BLOCK_LOAD_TRANSPOSE>;
    using Sort = cub::BlockRadixSort<unsigned, threads, per_thread>;
    using Scan = cub::BlockScan<unsigned, threads>;
    using Reduce = cub::BlockReduce<unsigned, threads>;
    using Store = cub::BlockStore<unsigned, threads, per_thread, cub::BLOCK_STORE_WARP_TRANSPOSE>;
    __shared__ union {
        typename Load::TempStorage load;
        typename Sort::TempStorage sort;
        typename Scan::TempStorage scan;
        typename Reduce::TempStorage reduce;
        typename Store::TempStorage store;
    } scratch;
    unsigned values[per_thread];
    int base = blockIdx.x * tile;
    Load(scratch.load).Load(input + base, values);
    __syncthreads();
    unsigned total = Reduce(scratch.reduce).Sum(values);
    if (threadIdx.x == 0) totals[blockIdx.x] = total;
    __syncthreads();
    Sort(scratch.sort).Sort(values);
    __syncthreads();
    Store(scratch.store).Store(sorted + base, values);
    __syncthreads();
    Scan(scratch.scan).ExclusiveSum(values, values);
    __syncthreads();
    Store(scratch.store).Store(scanned + base, values);
}

__global__ void histogram(const unsigned* input, unsigned* counts) {
    using Histogram = cub::BlockHistogram<unsigned char, threads, per_thread, 64, cub::BLOCK_HISTO_ATOMIC>;
    __shared__ typename Histogram::TempStorage scratch;
    __shared__ unsigned bins[64];
    unsigned char samples[per_thread];
    for (int k = 0; k < per_thread; k++) samples[k] = input[blockIdx.x * tile + threadIdx.x * per_thread + k] % 64;
    Histogram(scratch).Histogram(samples, bins);
    __syncthreads();
    if (threadIdx.x < 64) atomicAdd(&counts[threadIdx.x], bins[threadIdx.x]);
}

__global__ void warp_scan(const unsigned* input, unsigned* output) {
    using Scan = cub::WarpScan<unsigned, 16>;
    __shared__ typename Scan::TempStorage scratch[threads / 16];
    int i = blockIdx.x * threads + threadIdx.x;
    unsigned largest;
    Scan(scratch[threadIdx.x / 16]).InclusiveScan(input[i], largest, [](unsigned a, unsigned b) {
        return a > b ? a : b;
    });
    output[i] = largest;
}

int main() {
    const int blocks = 40, count = blocks * tile;
    std::vector<unsigned> input(count), sorted(count), scanned(count), totals(blocks), bins(64), largest(count);
    for (int i = 0; i < count; i++) input[i] = mix(i) % 100000;
    for (int block = 0; block < blocks; block++) {
        auto first = sorted.begin() + block * tile;
        std::copy(input.begin() + block * tile, input.begin() + (block + 1) * tile, first);
        std::sort(first, first + tile);
        for (int i = 0; i < tile; i++) scanned[block * tile + i] = totals[block], totals[block] += first[i];
    }
    for (int i = 0; i < count; i++) {
        bins[input[i] % 64]++;
        largest[i] = i % 16 ? std::max(largest[i - 1], input[i]) : input[i];
    }
    unsigned* input_device = to_device(input);
    unsigned* sorted_device = device_zeros<unsigned>(count);
    unsigned* scanned_device = device_zeros<unsigned>(count);
    unsigned* totals_device = device_zeros<unsigned>(blocks);
    sort_and_scan<<<blocks, threads>>>(input_device, sorted_device, scanned_device, totals_device);
    CHECK_KERNEL();
    printf("sort: mismatches %d\n", mismatches(to_host(sorted_device, count), sorted));
    printf("scan: mismatches %d, checksum %016llx\n", mismatches(to_host(scanned_device, count), scanned),
           (unsigned long long)checksum(scanned));
    printf("reduce: mismatches %d\n", mismatches(to_host(totals_device, blocks), totals));
    unsigned* bins_device = device_zeros<unsigned>(64);
    histogram<<<blocks, threads>>>(input_device, bins_device);
    CHECK_KERNEL();
    printf("histogram: mismatches %d\n", mismatches(to_host(bins_device, 64), bins));
    warp_scan<<<count / threads, threads>>>(input_device, scanned_device);
    CHECK_KERNEL();
    printf("warp scan: mismatches %d\n", mismatches(to_host(scanned_device, count), largest));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sort: mismatches 0
// EXPECT: scan: mismatches 25120, checksum 6d8caf70ff20bcca
// EXPECT: reduce: mismatches 0
// EXPECT: histogram: mismatches 0
// EXPECT: warp scan: mismatches 0
