// The product of a sparse matrix in rows (CSR) and a vector. Rows go to threads in small portions, as some are long.
#include "arguments.h"

static void spmv_csr(int rows, const int* restrict starts, const int* restrict columns, const float* restrict values,
                     const float* restrict x, float* restrict y) {
#pragma omp parallel for schedule(dynamic, 1024)
    for (int row = 0; row < rows; row++) {
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int i = starts[row]; i < starts[row + 1]; i++) sum += values[i] * x[columns[i]];
        y[row] = sum;
    }
}

void run(void** arguments) {
    spmv_csr(ARGUMENT(int, 0), ARGUMENT(const int*, 1), ARGUMENT(const int*, 2), ARGUMENT(const float*, 3),
             ARGUMENT(const float*, 4), ARGUMENT(float*, 5));
}
