// C = A B for square matrices, of f16 with sums of f32, on tensor cores: a block makes a tile of 128 x 128 elements of C, a
// warp 64 x 32 of them. Tiles of A and B come to shared memory by asynchronous copies, the next pair while one is
// multiplied; rows are padded, so that the eight rows of a matrix that a warp loads lie in different banks.
// nvcc: -arch=sm_80
#include <cuda_fp16.h>

#define TILE 128
#define DEPTH 32
#define PADDING 8
#define WARP_ROWS 64
#define WARP_COLUMNS 32

typedef __half a_tile_t[TILE][DEPTH + PADDING];
typedef __half b_tile_t[DEPTH][TILE + PADDING];

// Copies 16 bytes to shared memory.
static __device__ void copy_async(void* to, const void* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(from));
}

// Loads four matrices of 8 x 8 elements; a lane gives the address of a row.
static __device__ void load_matrices(unsigned (&registers)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
                 : "r"((unsigned)__cvta_generic_to_shared(row))
                 : "memory");
}

// The same, transposed.
static __device__ void load_transposed(unsigned (&registers)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
                 : "r"((unsigned)__cvta_generic_to_shared(row))
                 : "memory");
}

// sums += a b, of 16 x 8 elements with a depth of 16.
static __device__ void multiply(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Begins to copy the tiles from column (of A) and row (of B) `start` on: 512 pieces of each, two a thread.
static __device__ void copy_tiles(int size, int row, int column, int start, const __half* a, const __half* b,
                                  a_tile_t& a_tile, b_tile_t& b_tile) {
#pragma unroll
    for (int turn = 0; turn < TILE * DEPTH / 8 / 256; turn++) {
        int piece = turn * 256 + threadIdx.x;
        int a_row = piece / (DEPTH / 8), a_column = piece % (DEPTH / 8) * 8;
        copy_async(&a_tile[a_row][a_column], &a[(row + a_row) * size + start + a_column]);
        int b_row = piece / (TILE / 8), b_column = piece % (TILE / 8) * 8;
        copy_async(&b_tile[b_row][b_column], &b[(start + b_row) * size + column + b_column]);
    }
    asm volatile("cp.async.commit_group;");
}

extern "C" __global__ void __launch_bounds__(256)
    gemm_f16_mma(int size, const __half* __restrict__ a, const __half* __restrict__ b, float* __restrict__ c) {
    __shared__ __align__(16) a_tile_t a_tiles[2];
    __shared__ __align__(16) b_tile_t b_tiles[2];
    int row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int warp_row = warp / 4 * WARP_ROWS, warp_column = warp % 4 * WARP_COLUMNS;
    float sums[WARP_ROWS / 16][WARP_COLUMNS / 8][4] = {};

    copy_tiles(size, row, column, 0, a, b, a_tiles[0], b_tiles[0]);
    for (int start = 0, now = 0; start < size; start += DEPTH, now ^= 1) {
        if (start + DEPTH < size) {
            copy_tiles(size, row, column, start + DEPTH, a, b, a_tiles[now ^ 1], b_tiles[now ^ 1]);
            asm volatile("cp.async.wait_group 1;" ::: "memory");
        } else {
            asm volatile("cp.async.wait_group 0;" ::: "memory");
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DEPTH; k += 16) {
            unsigned lefts[WARP_ROWS / 16][4], rights[WARP_COLUMNS / 16][4];
#pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++)
                load_matrices(lefts[i], &a_tiles[now][warp_row + 16 * i + lane % 16][k + lane / 16 * 8]);
#pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 16; j++)
                load_transposed(rights[j], &b_tiles[now][k + lane % 16][warp_column + 16 * j + lane / 16 * 8]);
#pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++)
#pragma unroll
                for (int j = 0; j < WARP_COLUMNS / 8; j++)
                    multiply(sums[i][j], lefts[i], rights[j / 2][j % 2 * 2], rights[j / 2][j % 2 * 2 + 1]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < WARP_ROWS / 16; i++)
#pragma unroll
        for (int j = 0; j < WARP_COLUMNS / 8; j++) {
            float* to = &c[(row + warp_row + 16 * i + lane / 4) * size + column + warp_column + 8 * j + lane % 4 * 2];
            *(float2*)to = make_float2(sums[i][j][0], sums[i][j][1]);
            *(float2*)(to + 8 * size) = make_float2(sums[i][j][2], sums[i][j][3]);
        }
}
