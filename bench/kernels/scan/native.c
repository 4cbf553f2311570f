// The inclusive prefix sum of an array. Each thread adds up its part, then all know where theirs begin and scan it.
#include <omp.h>
#include <stdint.h>

#include "arguments.h"

#define THREADS_MAX 1024

static void scan(int count, const uint32_t* restrict values, uint32_t* restrict sums) {
    static uint32_t totals[THREADS_MAX];
#pragma omp parallel
    {
        int thread = omp_get_thread_num(), threads = omp_get_num_threads();
        int start = (int)((int64_t)count * thread / threads), end = (int)((int64_t)count * (thread + 1) / threads);
        uint32_t total = 0;
#pragma omp simd reduction(+ : total)
        for (int i = start; i < end; i++) total += values[i];
        totals[thread] = total;
#pragma omp barrier
        uint32_t sum = 0;
        for (int i = 0; i < thread; i++) sum += totals[i];
        for (int i = start; i < end; i++) sums[i] = sum += values[i];
    }
}

void run(void** arguments) {
    scan(ARGUMENT(int, 0), ARGUMENT(const uint32_t*, 1), ARGUMENT(uint32_t*, 2));
}
