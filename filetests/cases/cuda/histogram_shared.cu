// 256-bin histogram of bytes: bins in shared memory, several copies a block, merged into global memory at the end.
#include "case.h"

constexpr int bins = 256;
constexpr int copies = 4;

__global__ void histogram(const uchar4* data, int groups, unsigned* result) {
    __shared__ unsigned local[copies][bins];
    for (int i = threadIdx.x; i < copies * bins; i += blockDim.x) (&local[0][0])[i] = 0;
    __syncthreads();
    unsigned* mine = local[threadIdx.x / 32 % copies];
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < groups; i += gridDim.x * blockDim.x) {
        uchar4 four = data[i];
        atomicAdd(&mine[four.x], 1);
        atomicAdd(&mine[four.y], 1);
        atomicAdd(&mine[four.z], 1);
        atomicAdd(&mine[four.w], 1);
    }
    __syncthreads();
    for (int bin = threadIdx.x; bin < bins; bin += blockDim.x) {
        unsigned sum = 0;
        for (int copy = 0; copy < copies; copy++) sum += local[copy][bin];
        if (sum != 0) atomicAdd(&result[bin], sum);
    }
}

int main() {
    const int groups = 400000;
    std::vector<uchar4> data(groups);
    std::vector<unsigned> expected(bins, 0);
    for (int i = 0; i < groups; i++) {
        // The smaller of two bytes: a skewed distribution, with many collisions within a warp.
        unsigned a = mix(i), b = mix(i + groups);
        auto smaller = [&](int shift) { return static_cast<unsigned char>(min(a >> shift & 255, b >> shift & 255)); };
        data[i] = make_uchar4(smaller(0), smaller(8), smaller(16), smaller(24));
        expected[data[i].x]++, expected[data[i].y]++, expected[data[i].z]++, expected[data[i].w]++;
    }
    uchar4* data_device = to_device(data);
    unsigned* result_device = device_zeros<unsigned>(bins);
    histogram<<<30, 256>>>(data_device, groups, result_device);
    CHECK_KERNEL();
    std::vector<unsigned> result = to_host(result_device, bins);
    printf("bin 0: %u, bin 100: %u, bin 255: %u\n", result[0], result[100], result[255]);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(result), mismatches(result, expected));
    CHECK(cudaFree(data_device));
    CHECK(cudaFree(result_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: bin 0: 12826, bin 100: 7616, bin 255: 23
// EXPECT: checksum de421e221b986882, mismatches 0
