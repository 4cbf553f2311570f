// An image filtered by 7 x 7 weights. Beyond the border, the image goes on with its last pixels. A few rows at a time
// get margins, so that all pixels of a row are alike and the loop over them becomes vectors.
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

#define RADIUS 3
#define DIAMETER (2 * RADIUS + 1)
#define ROWS 16
#define CHUNK 64

static int clamp(int value, int last) { return value < 0 ? 0 : value > last ? last : value; }

static void widen(int size, const float* restrict row, float* restrict wide) {
    for (int i = 0; i < RADIUS; i++) {
        wide[i] = row[0];
        wide[RADIUS + size + i] = row[size - 1];
    }
    memcpy(wide + RADIUS, row, sizeof(float) * size);
}

static void conv2d(int size, const float* restrict weights, const float* restrict input, float* restrict output) {
    int pitch = size + 2 * RADIUS;
#pragma omp parallel
    {
        float* wide = malloc(sizeof(float) * pitch * (ROWS + 2 * RADIUS));
#pragma omp for schedule(static)
        for (int top = 0; top < size; top += ROWS) {
            for (int y = 0; y < ROWS + 2 * RADIUS; y++)
                widen(size, input + clamp(top + y - RADIUS, size - 1) * size, wide + y * pitch);
            for (int y = 0; y < ROWS; y++)
                for (int column = 0; column < size; column += CHUNK) {
                    // As many sums as registers hold.
                    float sums[CHUNK] = {0};
                    for (int i = 0; i < DIAMETER; i++)
                        for (int j = 0; j < DIAMETER; j++) {
                            const float* from = wide + (y + i) * pitch + column + j;
                            float weight = weights[i * DIAMETER + j];
#pragma omp simd
                            for (int x = 0; x < CHUNK; x++) sums[x] += weight * from[x];
                        }
                    memcpy(output + (top + y) * size + column, sums, sizeof sums);
                }
        }
        free(wide);
    }
}

void run(void** arguments) {
    conv2d(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
