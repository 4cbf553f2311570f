// Rows brought to mean 0 and variance 1, scaled and shifted: a block a row, which it keeps in registers, with both sums
// in one reduction by shuffles within warps and shared memory between them.
#define BLOCK 256
#define WARPS (BLOCK / 32)
#define COLUMNS 1024
#define EPSILON 1e-5f

extern "C" __global__ void layer_norm(const float4* __restrict__ input, const float4* __restrict__ scales,
                                      const float4* __restrict__ shifts, float4* __restrict__ output) {
    __shared__ float2 shared[WARPS];
    int i = blockIdx.x * BLOCK + threadIdx.x;
    float4 own = input[i];
    float sum = own.x + own.y + own.z + own.w;
    float squares = own.x * own.x + own.y * own.y + own.z * own.z + own.w * own.w;
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) {
        sum += __shfl_xor_sync(0xffffffffu, sum, offset);
        squares += __shfl_xor_sync(0xffffffffu, squares, offset);
    }
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = make_float2(sum, squares);
    __syncthreads();
    sum = squares = 0.0f;
#pragma unroll
    for (int warp = 0; warp < WARPS; warp++) {
        sum += shared[warp].x;
        squares += shared[warp].y;
    }
    float mean = sum / COLUMNS;
    float inverse = rsqrtf(squares / COLUMNS - mean * mean + EPSILON);
    float4 scale = scales[threadIdx.x], shift = shifts[threadIdx.x];
    output[i] = make_float4((own.x - mean) * inverse * scale.x + shift.x, (own.y - mean) * inverse * scale.y + shift.y,
                            (own.z - mean) * inverse * scale.z + shift.z, (own.w - mean) * inverse * scale.w + shift.w);
}
