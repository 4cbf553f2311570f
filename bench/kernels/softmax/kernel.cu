// The softmax of each row, a block a row: the largest value, the sum of exponentials and the quotients, with reductions
// by shuffles within warps and shared memory between them.
#define BLOCK 256
#define WARPS (BLOCK / 32)

static __device__ float block_max(float value, float* shared) {
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, offset));
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    value = shared[0];
#pragma unroll
    for (int i = 1; i < WARPS; i++) value = fmaxf(value, shared[i]);
    __syncthreads();
    return value;
}

static __device__ float block_sum(float value, float* shared) {
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    value = shared[0];
#pragma unroll
    for (int i = 1; i < WARPS; i++) value += shared[i];
    __syncthreads();
    return value;
}

extern "C" __global__ void softmax(int columns, const float* __restrict__ input, float* __restrict__ output) {
    __shared__ float shared[WARPS];
    const float* from = input + blockIdx.x * columns;
    float* to = output + blockIdx.x * columns;
    float largest = -INFINITY;
    for (int i = threadIdx.x; i < columns; i += BLOCK) largest = fmaxf(largest, from[i]);
    largest = block_max(largest, shared);
    float sum = 0.0f;
    for (int i = threadIdx.x; i < columns; i += BLOCK) {
        float power = expf(from[i] - largest);
        to[i] = power;
        sum += power;
    }
    float factor = 1.0f / block_sum(sum, shared);
    // Each thread reads what it wrote itself.
    for (int i = threadIdx.x; i < columns; i += BLOCK) to[i] *= factor;
}
