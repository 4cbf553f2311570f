// The softmax of each row, a warp a row, which it keeps in registers: the largest value, the sum of exponentials and the
// quotients, with reductions by shuffles.
#define WARP 32
#define COLUMNS 1024
#define ITEMS (COLUMNS / WARP)

extern "C" __global__ void __launch_bounds__(256) softmax(const float* __restrict__ input, float* __restrict__ output) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    const float* from = input + row * COLUMNS + lane;
    float* to = output + row * COLUMNS + lane;
    float values[ITEMS];
    float largest = -INFINITY;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        values[i] = from[i * WARP];
        largest = fmaxf(largest, values[i]);
    }
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, offset));
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        values[i] = expf(values[i] - largest);
        sum += values[i];
    }
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    float factor = 1.0f / sum;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) to[i * WARP] = values[i] * factor;
}
