// Rows brought to mean 0 and variance 1, scaled and shifted.
#include <math.h>

#include "arguments.h"

#define COLUMNS 1024
#define EPSILON 1e-5f

static void layer_norm(int rows, const float* input, const float* restrict scales, const float* restrict shifts,
                       float* output) {
#pragma omp parallel for schedule(static)
    for (int row = 0; row < rows; row++) {
        const float* restrict from = input + row * COLUMNS;
        float* restrict to = output + row * COLUMNS;
        float sum = 0.0f, squares = 0.0f;
#pragma omp simd reduction(+ : sum, squares)
        for (int i = 0; i < COLUMNS; i++) {
            sum += from[i];
            squares += from[i] * from[i];
        }
        float mean = sum / COLUMNS;
        float inverse = 1.0f / sqrtf(squares / COLUMNS - mean * mean + EPSILON);
#pragma omp simd
        for (int i = 0; i < COLUMNS; i++) to[i] = (from[i] - mean) * inverse * scales[i] + shifts[i];
    }
}

void run(void** arguments) {
    layer_norm(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(const float*, 2), ARGUMENT(const float*, 3),
               ARGUMENT(float*, 4));
}
