// Rows brought to mean 0 and variance 1, scaled and shifted: a warp a row, which it keeps in registers, with both sums by
// shuffles.
#define WARP 32
#define COLUMNS 1024
#define ITEMS (COLUMNS / WARP)
#define EPSILON 1e-5f

extern "C" __global__ void __launch_bounds__(256)
    layer_norm(const float* __restrict__ input, const float* __restrict__ scales, const float* __restrict__ shifts,
               float* __restrict__ output) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    const float* from = input + row * COLUMNS + lane;
    float* to = output + row * COLUMNS + lane;
    float values[ITEMS];
    float sum = 0.0f, squares = 0.0f;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        values[i] = from[i * WARP];
        sum += values[i];
        squares += values[i] * values[i];
    }
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        sum += __shfl_xor_sync(0xffffffffu, sum, offset);
        squares += __shfl_xor_sync(0xffffffffu, squares, offset);
    }
    float mean = sum / COLUMNS;
    float inverse = rsqrtf(squares / COLUMNS - mean * mean + EPSILON);
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
        to[i * WARP] = (values[i] - mean) * inverse * scales[i * WARP + lane] + shifts[i * WARP + lane];
}
