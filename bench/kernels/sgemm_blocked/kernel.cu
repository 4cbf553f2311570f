// C = A B for square matrices: a block makes a tile of 64 x 64 elements of C, a thread 4 x 4 of them in registers. The
// tile of A is turned as it is stored, so that a thread reads its operands of both tiles as one vector each.
#define TILE 64
#define DEPTH 16
#define PADDING 4

extern "C" __global__ void __launch_bounds__(256)
    sgemm_blocked(int size, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c) {
    __shared__ __align__(16) float a_tile[DEPTH][TILE + PADDING];
    __shared__ __align__(16) float b_tile[DEPTH][TILE];
    int row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    int thread = threadIdx.y * 16 + threadIdx.x;
    int a_row = thread / 4, a_column = thread % 4 * 4;
    int b_row = thread / 16, b_column = thread % 16 * 4;
    float sums[4][4] = {};
    for (int start = 0; start < size; start += DEPTH) {
        float4 from_a = *(const float4*)&a[(row + a_row) * size + start + a_column];
        a_tile[a_column][a_row] = from_a.x;
        a_tile[a_column + 1][a_row] = from_a.y;
        a_tile[a_column + 2][a_row] = from_a.z;
        a_tile[a_column + 3][a_row] = from_a.w;
        *(float4*)&b_tile[b_row][b_column] = *(const float4*)&b[(start + b_row) * size + column + b_column];
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            float4 left = *(const float4*)&a_tile[k][threadIdx.y * 4];
            float4 right = *(const float4*)&b_tile[k][threadIdx.x * 4];
            float lefts[4] = {left.x, left.y, left.z, left.w};
            float rights[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sums[i][j] += lefts[i] * rights[j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float* to = &c[(row + threadIdx.y * 4 + i) * size + column + threadIdx.x * 4];
        *(float4*)to = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    }
}
