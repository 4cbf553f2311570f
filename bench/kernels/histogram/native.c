// How often each byte occurs. Each thread counts in four tables, so that equal bytes in a row do not wait for each
// other.
#include <stdint.h>

#include "arguments.h"

static void histogram(const uint32_t* words, int count, uint32_t* bins) {
#pragma omp parallel
    {
        uint32_t tables[4][256] = {{0}};
#pragma omp for schedule(static)
        for (int i = 0; i < count; i++) {
            uint32_t word = words[i];
            tables[0][word & 255]++;
            tables[1][word >> 8 & 255]++;
            tables[2][word >> 16 & 255]++;
            tables[3][word >> 24]++;
        }
        for (int i = 0; i < 256; i++) {
            uint32_t sum = tables[0][i] + tables[1][i] + tables[2][i] + tables[3][i];
#pragma omp atomic
            bins[i] += sum;
        }
    }
}

void run(void** arguments) {
    histogram(ARGUMENT(const uint32_t*, 0), ARGUMENT(int, 1), ARGUMENT(uint32_t*, 2));
}
