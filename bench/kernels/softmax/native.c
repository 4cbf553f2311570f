// The softmax of each row: the largest value, the sum of exponentials, the quotients.
#include <math.h>

#include "arguments.h"

static void softmax(int rows, int columns, const float* input, float* output) {
#pragma omp parallel for schedule(static)
    for (int row = 0; row < rows; row++) {
        const float* restrict from = input + row * columns;
        float* restrict to = output + row * columns;
        float largest = from[0];
#pragma omp simd reduction(max : largest)
        for (int i = 0; i < columns; i++) largest = fmaxf(largest, from[i]);
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int i = 0; i < columns; i++) sum += to[i] = expf(from[i] - largest);
        float factor = 1.0f / sum;
#pragma omp simd
        for (int i = 0; i < columns; i++) to[i] *= factor;
    }
}

void run(void** arguments) {
    softmax(ARGUMENT(int, 0), ARGUMENT(int, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
