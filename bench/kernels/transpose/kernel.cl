// Transposes a matrix by tiles in local memory; a group of 32 x 8 work items moves four elements each.
#define TILE 32
#define ROWS 8

__kernel void transpose(int size, __global const float* input, __global float* output) {
    __local float tile[TILE][TILE + 1];
    size_t x = get_local_id(0), y = get_local_id(1);
    size_t column = get_group_id(0) * TILE + x;
    size_t row = get_group_id(1) * TILE + y;
    for (int i = 0; i < TILE; i += ROWS) tile[y + i][x] = input[(row + i) * size + column];
    barrier(CLK_LOCAL_MEM_FENCE);
    column = get_group_id(1) * TILE + x;
    row = get_group_id(0) * TILE + y;
    for (int i = 0; i < TILE; i += ROWS) output[(row + i) * size + column] = tile[x][y + i];
}
