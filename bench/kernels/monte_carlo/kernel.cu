// The price of a European call by simulation: Philox gives four numbers for each counter, Box and Muller's method makes
// them normal, each is the end of a path. Sums by shuffles within warps and shared memory between them.
#define BLOCK 256
#define WARPS (BLOCK / 32)
#define COUNTERS 16
#define KEY 0x2545f491u

static __device__ uint4 philox(unsigned counter) {
    unsigned x = counter, y = 0, z = 0, w = 0, key_x = KEY, key_y = 0;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        unsigned high_x = __umulhi(0xd2511f53u, x), low_x = 0xd2511f53u * x;
        unsigned high_z = __umulhi(0xcd9e8d57u, z), low_z = 0xcd9e8d57u * z;
        x = high_z ^ y ^ key_x;
        y = low_z;
        z = high_x ^ w ^ key_y;
        w = low_x;
        key_x += 0x9e3779b9u;
        key_y += 0xbb67ae85u;
    }
    return make_uint4(x, y, z, w);
}

// Between 0 and 1 and neither of them.
static __device__ float unit(unsigned number) { return ((number >> 9) + 0.5f) * 0x1p-23f; }

static __device__ float2 normal(unsigned first, unsigned second) {
    float radius = sqrtf(-2.0f * logf(unit(first))), sine, cosine;
    sincospif(2.0f * unit(second), &sine, &cosine);
    return make_float2(radius * cosine, radius * sine);
}

static __device__ float block_sum(float sum) {
    __shared__ float warp_sums[WARPS];
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = 0.0f;
#pragma unroll
    for (int i = 0; i < WARPS; i++) sum += warp_sums[i];
    return sum;
}

extern "C" __global__ void simulate(float price, float strike, float drift, float deviation, float* sums) {
    float sum = 0.0f;
    unsigned counter = (blockIdx.x * BLOCK + threadIdx.x) * COUNTERS;
    for (int i = 0; i < COUNTERS; i++) {
        uint4 numbers = philox(counter + i);
        float2 one = normal(numbers.x, numbers.y), other = normal(numbers.z, numbers.w);
        sum += fmaxf(price * expf(drift + deviation * one.x) - strike, 0.0f);
        sum += fmaxf(price * expf(drift + deviation * one.y) - strike, 0.0f);
        sum += fmaxf(price * expf(drift + deviation * other.x) - strike, 0.0f);
        sum += fmaxf(price * expf(drift + deviation * other.y) - strike, 0.0f);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// The mean over all paths, of one block's sums each.
extern "C" __global__ void mean(int blocks, const float* sums, float* result) {
    float sum = 0.0f;
    for (int i = threadIdx.x; i < blocks; i += BLOCK) sum += sums[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) *result = sum / (4.0f * COUNTERS * BLOCK * blocks);
}
