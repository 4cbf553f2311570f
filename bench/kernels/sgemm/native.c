// C = A B for square matrices, in blocks that stay in the cache; the innermost loop runs along rows.
#include <string.h>

#include "arguments.h"

#define ROWS 32
#define DEPTH 64
#define COLUMNS 512

static void block(int size, int row, int depth, int column, const float* restrict a, const float* restrict b,
                  float* restrict c) {
    for (int i = row; i < row + ROWS; i += 4) {
        float* restrict c0 = c + i * size + column;
        float* restrict c1 = c0 + size;
        float* restrict c2 = c1 + size;
        float* restrict c3 = c2 + size;
        for (int k = depth; k < depth + DEPTH; k += 4) {
            const float* a0 = a + i * size + k;
            const float* a1 = a0 + size;
            const float* a2 = a1 + size;
            const float* a3 = a2 + size;
            const float* b0 = b + k * size + column;
            const float* b1 = b0 + size;
            const float* b2 = b1 + size;
            const float* b3 = b2 + size;
#pragma omp simd
            for (int j = 0; j < COLUMNS; j++) {
                c0[j] += a0[0] * b0[j] + a0[1] * b1[j] + a0[2] * b2[j] + a0[3] * b3[j];
                c1[j] += a1[0] * b0[j] + a1[1] * b1[j] + a1[2] * b2[j] + a1[3] * b3[j];
                c2[j] += a2[0] * b0[j] + a2[1] * b1[j] + a2[2] * b2[j] + a2[3] * b3[j];
                c3[j] += a3[0] * b0[j] + a3[1] * b1[j] + a3[2] * b2[j] + a3[3] * b3[j];
            }
        }
    }
}

static void sgemm(int size, const float* a, const float* b, float* c) {
#pragma omp parallel for schedule(dynamic)
    for (int row = 0; row < size; row += ROWS) {
        memset(c + row * size, 0, sizeof(float) * ROWS * size);
        for (int column = 0; column < size; column += COLUMNS)
            for (int depth = 0; depth < size; depth += DEPTH) block(size, row, depth, column, a, b, c);
    }
}

void run(void** arguments) {
    sgemm(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
