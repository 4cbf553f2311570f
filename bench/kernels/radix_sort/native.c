// Radix sort, least digit first, eight bits a pass: a digit's counters stay in the nearest cache, and each thread moves
// a part of the keys.
#include <omp.h>
#include <stdint.h>
#include <string.h>

#include "arguments.h"

#define DIGITS 256
#define THREADS_MAX 256

static void radix_sort(int count, const uint32_t* input, uint32_t* sorted, uint32_t* scratch) {
    static uint32_t counts[THREADS_MAX][DIGITS];
#pragma omp parallel num_threads(omp_get_max_threads() < THREADS_MAX ? omp_get_max_threads() : THREADS_MAX)
    {
        int thread = omp_get_thread_num(), threads = omp_get_num_threads();
        int start = (int)((int64_t)count * thread / threads), end = (int)((int64_t)count * (thread + 1) / threads);
        const uint32_t* from = input;
        for (int pass = 0; pass < 4; pass++) {
            uint32_t* to = pass % 2 == 0 ? scratch : sorted;
            int shift = 8 * pass;
            uint32_t places[DIGITS];
            memset(counts[thread], 0, sizeof counts[thread]);
            for (int i = start; i < end; i++) counts[thread][from[i] >> shift & (DIGITS - 1)]++;
#pragma omp barrier
            uint32_t sum = 0;
            for (int digit = 0; digit < DIGITS; digit++)
                for (int other = 0; other < threads; other++) {
                    if (other == thread) places[digit] = sum;
                    sum += counts[other][digit];
                }
            for (int i = start; i < end; i++) to[places[from[i] >> shift & (DIGITS - 1)]++] = from[i];
#pragma omp barrier
            from = to;
        }
    }
}

void run(void** arguments) {
    radix_sort(ARGUMENT(int, 0), ARGUMENT(const uint32_t*, 1), ARGUMENT(uint32_t*, 2), ARGUMENT(uint32_t*, 3));
}
