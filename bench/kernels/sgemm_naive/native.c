// C = A B for square matrices: the three loops without blocks, in the order in which vectors run along rows.
#include <string.h>

#include "arguments.h"

static void sgemm_naive(int size, const float* restrict a, const float* restrict b, float* restrict c) {
#pragma omp parallel for schedule(static)
    for (int row = 0; row < size; row++) {
        float* sums = c + row * size;
        memset(sums, 0, sizeof(float) * size);
        for (int k = 0; k < size; k++) {
            float factor = a[row * size + k];
#pragma omp simd
            for (int column = 0; column < size; column++) sums[column] += factor * b[k * size + column];
        }
    }
}

void run(void** arguments) {
    sgemm_naive(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
