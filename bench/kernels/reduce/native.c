// The sum of an array.
#include "arguments.h"

static float reduce(const float* restrict values, int count) {
    float sum = 0.0f;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
    for (int i = 0; i < count; i++) sum += values[i];
    return sum;
}

void run(void** arguments) {
    *ARGUMENT(float*, 1) = reduce(ARGUMENT(const float*, 0), ARGUMENT(int, 2));
}
