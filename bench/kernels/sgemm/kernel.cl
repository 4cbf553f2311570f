// C = A B for square matrices: a group makes a tile of C, an element a work item, from tiles in local memory.
#define TILE 32

__kernel void sgemm(int size, __global const float* a, __global const float* b, __global float* c) {
    __local float a_tile[TILE][TILE];
    __local float b_tile[TILE][TILE];
    size_t x = get_local_id(0), y = get_local_id(1);
    size_t row = get_group_id(1) * TILE + y;
    size_t column = get_group_id(0) * TILE + x;
    float sum = 0.0f;
    for (int start = 0; start < size; start += TILE) {
        a_tile[y][x] = a[row * size + start + x];
        b_tile[y][x] = b[(start + y) * size + column];
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < TILE; k++) sum += a_tile[y][k] * b_tile[k][x];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    c[row * size + column] = sum;
}
