// C = A B for square matrices, of f16 with sums of f32: a group makes a tile of 128 x 128 elements of C, a work item 8 x 8 of
// them. OpenCL has no tensor cores: elements become floats when they come to local memory, once for each tile, the tile of A
// turned, so that a work item reads its operands of both tiles as vectors.
#define TILE 128
#define DEPTH 32
#define PADDING 8

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void gemm_f16_mma(int size, __global const half* restrict a,
                                                                            __global const half* restrict b,
                                                                            __global float* restrict c) {
    __local float a_tile[DEPTH][TILE + PADDING] __attribute__((aligned(32)));
    __local float b_tile[DEPTH][TILE] __attribute__((aligned(32)));
    int item = get_local_id(0);
    int x = item % 16, y = item / 16;
    int row = get_group_id(1) * TILE, column = get_group_id(0) * TILE;
    float8 sums0 = 0.0f, sums1 = 0.0f, sums2 = 0.0f, sums3 = 0.0f, sums4 = 0.0f, sums5 = 0.0f, sums6 = 0.0f, sums7 = 0.0f;
    for (int start = 0; start < size; start += DEPTH) {
        for (int turn = 0; turn < TILE * DEPTH / 8 / 256; turn++) {
            int piece = turn * 256 + item;
            int a_row = piece / (DEPTH / 8), a_column = piece % (DEPTH / 8) * 8;
            float8 from_a = vload_half8(0, &a[(row + a_row) * size + start + a_column]);
            a_tile[a_column][a_row] = from_a.s0;
            a_tile[a_column + 1][a_row] = from_a.s1;
            a_tile[a_column + 2][a_row] = from_a.s2;
            a_tile[a_column + 3][a_row] = from_a.s3;
            a_tile[a_column + 4][a_row] = from_a.s4;
            a_tile[a_column + 5][a_row] = from_a.s5;
            a_tile[a_column + 6][a_row] = from_a.s6;
            a_tile[a_column + 7][a_row] = from_a.s7;
            int b_row = piece / (TILE / 8), b_column = piece % (TILE / 8) * 8;
            vstore8(vload_half8(0, &b[(start + b_row) * size + column + b_column]), 0, &b_tile[b_row][b_column]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < DEPTH; k++) {
            float8 left = vload8(0, &a_tile[k][y * 8]);
            float8 right = vload8(0, &b_tile[k][x * 8]);
            sums0 += left.s0 * right;
            sums1 += left.s1 * right;
            sums2 += left.s2 * right;
            sums3 += left.s3 * right;
            sums4 += left.s4 * right;
            sums5 += left.s5 * right;
            sums6 += left.s6 * right;
            sums7 += left.s7 * right;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    __global float* to = &c[(row + y * 8) * size + column + x * 8];
    vstore8(sums0, 0, to);
    vstore8(sums1, 0, to + size);
    vstore8(sums2, 0, to + 2 * size);
    vstore8(sums3, 0, to + 3 * size);
    vstore8(sums4, 0, to + 4 * size);
    vstore8(sums5, 0, to + 5 * size);
    vstore8(sums6, 0, to + 6 * size);
    vstore8(sums7, 0, to + 7 * size);
}
