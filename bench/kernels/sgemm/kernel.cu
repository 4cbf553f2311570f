// C = A B for square matrices: a block makes a tile of C, an element a thread, from tiles in shared memory.
#define TILE 32

extern "C" __global__ void sgemm(int size, const float* a, const float* b, float* c) {
    __shared__ float a_tile[TILE][TILE];
    __shared__ float b_tile[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y;
    int column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0.0f;
    for (int start = 0; start < size; start += TILE) {
        a_tile[threadIdx.y][threadIdx.x] = a[row * size + start + threadIdx.x];
        b_tile[threadIdx.y][threadIdx.x] = b[(start + threadIdx.y) * size + column];
        __syncthreads();
        for (int k = 0; k < TILE; k++) sum += a_tile[threadIdx.y][k] * b_tile[k][threadIdx.x];
        __syncthreads();
    }
    c[row * size + column] = sum;
}
