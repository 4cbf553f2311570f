// Transposes a matrix by tiles in shared memory; a block of 32 x 8 threads moves four elements a thread. The column
// that is too many keeps the threads of a warp in different banks.
#define TILE 32
#define ROWS 8

extern "C" __global__ void transpose(int size, const float* input, float* output) {
    __shared__ float tile[TILE][TILE + 1];
    int column = blockIdx.x * TILE + threadIdx.x;
    int row = blockIdx.y * TILE + threadIdx.y;
    for (int i = 0; i < TILE; i += ROWS) tile[threadIdx.y + i][threadIdx.x] = input[(row + i) * size + column];
    __syncthreads();
    column = blockIdx.y * TILE + threadIdx.x;
    row = blockIdx.x * TILE + threadIdx.y;
    for (int i = 0; i < TILE; i += ROWS) output[(row + i) * size + column] = tile[threadIdx.x][threadIdx.y + i];
}
