// The product of a sparse matrix in rows (CSR) and a vector: a warp a row, its sums added by shuffles.
extern "C" __global__ void spmv_csr(int rows, const int* __restrict__ starts, const int* __restrict__ columns,
                                    const float* __restrict__ values, const float* __restrict__ x,
                                    float* __restrict__ y) {
    int lane = threadIdx.x % 32;
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (row >= rows) return;
    int end = starts[row + 1];
    float sum = 0.0f;
    for (int i = starts[row] + lane; i < end; i += 32) sum += values[i] * x[columns[i]];
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (lane == 0) y[row] = sum;
}
