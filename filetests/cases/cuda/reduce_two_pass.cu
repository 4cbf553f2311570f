// Dot product in two launches of one templated, unrolled kernel: many blocks, then a single one over their results.
// All values are small integers, so that f32 sums are exact in any order.
#include "case.h"

template <int block_size>
__global__ void sum_pass(const float* values, float* sums, int count) {
    __shared__ float scratch[block_size];
    float sum = 0;
    for (int i = blockIdx.x * block_size + threadIdx.x; i < count; i += gridDim.x * block_size) sum += values[i];
    scratch[threadIdx.x] = sum;
    __syncthreads();
    // The shape is a template argument: every step that cannot happen disappears at compile time.
    if constexpr (block_size >= 512) {
        if (threadIdx.x < 256) scratch[threadIdx.x] += scratch[threadIdx.x + 256];
        __syncthreads();
    }
    if constexpr (block_size >= 256) {
        if (threadIdx.x < 128) scratch[threadIdx.x] += scratch[threadIdx.x + 128];
        __syncthreads();
    }
    if constexpr (block_size >= 128) {
        if (threadIdx.x < 64) scratch[threadIdx.x] += scratch[threadIdx.x + 64];
        __syncthreads();
    }
    if (threadIdx.x < 32) {
        volatile float* warp = scratch;
        float mine = warp[threadIdx.x];
        if constexpr (block_size >= 64) mine += warp[threadIdx.x + 32];
        for (int offset = 16; offset > 0; offset /= 2) mine += __shfl_xor_sync(0xffffffffu, mine, offset);
        if (threadIdx.x == 0) sums[blockIdx.x] = mine;
    }
}

__global__ void multiply(const float* a, const float* b, float* product, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) product[i] = a[i] * b[i];
}

template <int block_size>
float dot(const float* a, const float* b, float* product, float* sums, int count) {
    multiply<<<(count + 255) / 256, 256>>>(a, b, product, count);
    sum_pass<block_size><<<64, block_size>>>(product, sums, count);
    sum_pass<64><<<1, 64>>>(sums, sums, 64);
    CHECK_KERNEL();
    return to_host(sums, 1)[0];
}

int main() {
    const int count = 500000;
    std::vector<float> a(count), b(count);
    long long expected = 0;
    for (int i = 0; i < count; i++) {
        int x = static_cast<int>(mix(i) % 9) - 4, y = static_cast<int>(mix(~i) % 7) - 2;
        a[i] = static_cast<float>(x);
        b[i] = static_cast<float>(y);
        expected += x * y;
    }
    float* a_device = to_device(a);
    float* b_device = to_device(b);
    float* product = device_alloc<float>(count);
    float* sums = device_alloc<float>(64);
    printf("expected %lld\n", expected);
    printf("blocks of  64: %.0f\n", dot<64>(a_device, b_device, product, sums, count));
    printf("blocks of 128: %.0f\n", dot<128>(a_device, b_device, product, sums, count));
    printf("blocks of 256: %.0f\n", dot<256>(a_device, b_device, product, sums, count));
    printf("blocks of 512: %.0f\n", dot<512>(a_device, b_device, product, sums, count));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: expected 658
// EXPECT: blocks of  64: 658
// EXPECT: blocks of 128: 658
// EXPECT: blocks of 256: 658
// EXPECT: blocks of 512: 658
