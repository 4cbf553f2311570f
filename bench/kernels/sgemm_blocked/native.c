// C = A B for square matrices, as libraries for linear algebra do it: B is packed into panels as wide as two vectors,
// A into groups of eight rows, and the innermost loop keeps 8 x 2 vectors of C in registers.
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

#ifdef __AVX512F__
#define LANES 16
#define ROWS 8
#else
#define LANES 8
#define ROWS 4
#endif
#define COLUMNS (2 * LANES)
#define DEPTH 256
#define GROUP_ROWS 64

typedef float vector __attribute__((vector_size(4 * LANES)));

static vector load(const float* from) {
    vector value;
    memcpy(&value, from, sizeof value);
    return value;
}

static void add(float* to, vector value) {
    value += load(to);
    memcpy(to, &value, sizeof value);
}

// Adds the product of DEPTH packed columns of A and rows of B to ROWS x COLUMNS elements of C.
static void micro(int size, const float* restrict a, const float* restrict b, float* restrict c) {
    vector low[ROWS] = {}, high[ROWS] = {};
    for (int k = 0; k < DEPTH; k++) {
        vector left = load(b + k * COLUMNS), right = load(b + k * COLUMNS + LANES);
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            low[i] += a[k * ROWS + i] * left;
            high[i] += a[k * ROWS + i] * right;
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
        add(c + i * size, low[i]);
        add(c + i * size + LANES, high[i]);
    }
}

static void pack_a(int size, const float* restrict a, float* restrict packed) {
    for (int group = 0; group < GROUP_ROWS; group += ROWS)
        for (int k = 0; k < DEPTH; k++)
            for (int i = 0; i < ROWS; i++) packed[group * DEPTH + k * ROWS + i] = a[(group + i) * size + k];
}

static void sgemm_blocked(int size, const float* a, const float* b, float* c) {
    float* panels = aligned_alloc(64, sizeof(float) * DEPTH * size);
#pragma omp parallel
    {
        float group[GROUP_ROWS * DEPTH];
        for (int depth = 0; depth < size; depth += DEPTH) {
#pragma omp for schedule(static)
            for (int column = 0; column < size; column += COLUMNS)
                for (int k = 0; k < DEPTH; k++)
                    memcpy(panels + column * DEPTH + k * COLUMNS, b + (depth + k) * size + column,
                           sizeof(float) * COLUMNS);
#pragma omp for schedule(dynamic)
            for (int row = 0; row < size; row += GROUP_ROWS) {
                if (depth == 0) memset(c + row * size, 0, sizeof(float) * GROUP_ROWS * size);
                pack_a(size, a + row * size + depth, group);
                for (int column = 0; column < size; column += COLUMNS)
                    for (int i = 0; i < GROUP_ROWS; i += ROWS)
                        micro(size, group + i * DEPTH, panels + column * DEPTH, c + (row + i) * size + column);
            }
        }
    }
    free(panels);
}

void run(void** arguments) {
    sgemm_blocked(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
