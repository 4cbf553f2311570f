// C = A B for square matrices, of f16 with sums of f32, as libraries for linear algebra do it: B is packed into panels of
// floats as wide as two vectors, A into groups of eight rows, and the innermost loop keeps 8 x 2 vectors of C in registers.
#include <immintrin.h>
#include <stdint.h>
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

// The elements of a vector as floats.
static vector widen(const uint16_t* from) {
#ifdef __AVX512F__
    return (vector)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from));
#else
    return (vector)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from));
#endif
}

static void pack_a(int size, const uint16_t* restrict a, float* restrict packed) {
    for (int group = 0; group < GROUP_ROWS; group += ROWS)
        for (int i = 0; i < ROWS; i++)
            for (int k = 0; k < DEPTH; k += LANES) {
                vector values = widen(a + (group + i) * size + k);
                for (int lane = 0; lane < LANES; lane++) packed[group * DEPTH + (k + lane) * ROWS + i] = values[lane];
            }
}

static void gemm(int size, const uint16_t* a, const uint16_t* b, float* c) {
    float* panels = aligned_alloc(64, sizeof(float) * DEPTH * size);
#pragma omp parallel
    {
        float group[GROUP_ROWS * DEPTH];
        for (int depth = 0; depth < size; depth += DEPTH) {
#pragma omp for schedule(static)
            for (int column = 0; column < size; column += COLUMNS)
                for (int k = 0; k < DEPTH; k++)
                    for (int part = 0; part < COLUMNS; part += LANES) {
                        vector values = widen(b + (depth + k) * size + column + part);
                        memcpy(panels + column * DEPTH + k * COLUMNS + part, &values, sizeof values);
                    }
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
    gemm(ARGUMENT(int, 0), ARGUMENT(const uint16_t*, 1), ARGUMENT(const uint16_t*, 2), ARGUMENT(float*, 3));
}
