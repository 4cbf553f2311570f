// Sweeps of Jacobi's method for Laplace's equation: each cell becomes the mean of its four neighbours, the border
// stays.
#include <string.h>

#include "arguments.h"

static void sweep(int size, const float* restrict from, float* restrict to) {
    memcpy(to, from, sizeof(float) * size);
#pragma omp parallel for schedule(static)
    for (int row = 1; row < size - 1; row++) {
        const float* above = from + (row - 1) * size;
        const float* here = above + size;
        const float* below = here + size;
        float* result = to + row * size;
        result[0] = here[0];
#pragma omp simd
        for (int column = 1; column < size - 1; column++)
            result[column] = 0.25f * (here[column - 1] + here[column + 1] + above[column] + below[column]);
        result[size - 1] = here[size - 1];
    }
    memcpy(to + (size - 1) * size, from + (size - 1) * size, sizeof(float) * size);
}

void run(void** arguments) {
    int size = ARGUMENT(int, 0), sweeps = ARGUMENT(int, 1);
    float *a = ARGUMENT(float*, 2), *b = ARGUMENT(float*, 3);
    for (int i = 0; i < sweeps; i += 2) {
        sweep(size, a, b);
        sweep(size, b, a);
    }
}
