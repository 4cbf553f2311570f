// C = A B for square matrices: a group makes a tile of 64 x 64 elements of C, a work item 4 x 4 of them. The tile of A
// is turned as it is stored, so that a work item reads its operands of both tiles as one vector each.
#define TILE 64
#define DEPTH 16
#define PADDING 4

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void sgemm_blocked(int size, __global const float* restrict a,
                                                                             __global const float* restrict b,
                                                                             __global float* restrict c) {
    __local float a_tile[DEPTH][TILE + PADDING] __attribute__((aligned(16)));
    __local float b_tile[DEPTH][TILE] __attribute__((aligned(16)));
    int x = get_local_id(0), y = get_local_id(1);
    int row = get_group_id(1) * TILE, column = get_group_id(0) * TILE;
    int item = y * 16 + x;
    int a_row = item / 4, a_column = item % 4 * 4;
    int b_row = item / 16, b_column = item % 16 * 4;
    float4 sums0 = 0.0f, sums1 = 0.0f, sums2 = 0.0f, sums3 = 0.0f;
    for (int start = 0; start < size; start += DEPTH) {
        float4 from_a = vload4(0, &a[(row + a_row) * size + start + a_column]);
        a_tile[a_column][a_row] = from_a.x;
        a_tile[a_column + 1][a_row] = from_a.y;
        a_tile[a_column + 2][a_row] = from_a.z;
        a_tile[a_column + 3][a_row] = from_a.w;
        vstore4(vload4(0, &b[(start + b_row) * size + column + b_column]), 0, &b_tile[b_row][b_column]);
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            float4 left = vload4(0, &a_tile[k][y * 4]);
            float4 right = vload4(0, &b_tile[k][x * 4]);
            sums0 += left.x * right;
            sums1 += left.y * right;
            sums2 += left.z * right;
            sums3 += left.w * right;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    __global float* to = &c[(row + y * 4) * size + column + x * 4];
    vstore4(sums0, 0, to);
    vstore4(sums1, 0, to + size);
    vstore4(sums2, 0, to + 2 * size);
    vstore4(sums3, 0, to + 3 * size);
}
