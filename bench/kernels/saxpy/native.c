// y = a x + y.
#include "arguments.h"

static void saxpy(int count, float a, const float* restrict x, float* restrict y) {
#pragma omp parallel for simd schedule(static)
    for (int i = 0; i < count; i++) y[i] = a * x[i] + y[i];
}

void run(void** arguments) {
    saxpy(ARGUMENT(int, 0), ARGUMENT(float, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
